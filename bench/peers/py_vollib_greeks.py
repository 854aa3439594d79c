"""Implied volatility and Greeks by py_vollib: options as JSON on stdin, CPU nanoseconds an option and numbers on stdout."""

import json
import sys
import time
import warnings

warnings.filterwarnings("ignore")
from py_vollib.black_scholes_merton.greeks.analytical import delta, gamma, rho, theta, vega  # noqa: E402
from py_vollib.black_scholes_merton.implied_volatility import implied_volatility  # noqa: E402


def solve(option):
    price, s, k, t, r, q, flag = option
    v = implied_volatility(price, s, k, t, r, q, flag)
    return [v, *(greek(flag, s, k, t, r, v, q) for greek in (delta, gamma, theta, vega, rho))]


options = json.load(sys.stdin)
for option in options[:50]:
    solve(option)
started = time.process_time_ns()
solved = [solve(option) for option in options]
spent = time.process_time_ns() - started
json.dump({"nanoseconds": spent / len(options), "solved": solved}, sys.stdout)
