"""Makes reference.csv: option prices and Greeks at 50 digits, independent of the code that they test.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install mpmath
    /tmp/venv/bin/python ticker/greeks/make-reference.py > ticker/greeks/reference.csv

Prices are the textbook formulas with mpmath's normal distribution. Greeks are not formulas but numerical derivatives of
those prices at 50 digits, so that a mistake in a formula cannot be on both sides. Theta is for a calendar day, vega and
rho for 0.01, as in ticker/greeks/greeks.ts.
"""

import sys

from mpmath import diff, exp, log, mp, mpf, ncdf, nstr, sqrt

mp.dps = 50

SPOT = 24500.0
STRIKE_SHARES = [0.2, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0, 1.01, 1.05, 1.1, 1.25, 2.0, 5.0]
MINUTE = 1.0 / (365 * 24 * 60)
TIMES = [MINUTE, 10 * MINUTE, 60 * MINUTE, 1.0 / 365, 7.0 / 365, 30.0 / 365, 1.0, 5.0]
VOLATILITIES = [0.01, 0.05, 0.15, 0.4, 1.0, 2.5, 5.0]
CARRIES = [(0.065, 0.0), (-0.02, 0.01), (0.1, 0.03), (0.0, 0.0), (0.04, -0.015)]


def price(model, call, spot, strike, years, rate, dividend, volatility):
    carry = mpf(0) if model == "black76" else rate - dividend
    forward = spot * exp(carry * years)
    deviation = volatility * sqrt(years)
    d1 = log(forward / strike) / deviation + deviation / 2
    d2 = d1 - deviation
    sign = 1 if call else -1
    return sign * exp(-rate * years) * (forward * ncdf(sign * d1) - strike * ncdf(sign * d2))


def row(model, call, strike, years, rate, dividend, volatility, days):
    at = [mpf(value) for value in (SPOT, strike, years, rate, dividend, volatility)]
    # Derivatives by a wide working precision: mpmath raises it by itself for `diff`.
    def along(index, order=1):
        def f(value):
            moved = list(at)
            moved[index] = value
            return price(model, call, *moved)

        return diff(f, at[index], order, h=mpf(10) ** -20 * max(abs(at[index]), mpf(1) / 10**6), relative=False)

    mp.dps = 80
    values = [
        price(model, call, *at),
        along(0),
        along(0, 2),
        -along(2) / days,
        along(5) / 100,
        along(3) / 100,
    ]
    mp.dps = 50
    return values


def main():
    write = sys.stdout.write
    write("model,type,underlying,strike,years,rate,dividend_yield,volatility,days,price,delta,gamma,theta,vega,rho\n")
    turn = 0
    for model in ("blackScholesMerton", "black76"):
        for call in (True, False):
            for share in STRIKE_SHARES:
                for years in TIMES:
                    for volatility in VOLATILITIES:
                        rate, dividend = CARRIES[turn % len(CARRIES)]
                        days = 365 if turn % 3 else 360
                        turn += 1
                        strike = SPOT * share
                        inputs = [SPOT, strike, years, rate, dividend, volatility]
                        values = row(model, call, strike, years, rate, dividend, volatility, days)
                        cells = [model, "CE" if call else "PE", *map(repr, inputs), str(days)]
                        cells += [nstr(value, 17, strip_zeros=True) for value in values]
                        write(",".join(cells) + "\n")


main()
