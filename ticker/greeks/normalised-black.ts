import { erfcx } from './erf.ts';
import { cumulative, inverseSqrt2, inverseSqrt2Pi } from './normal.ts';

/**
 * Black's formula in the normalised coordinates of P. Jäckel, "Let's Be Rational" (Wilmott, 2015): `x = ln(F/K)`,
 * `s = σ√T`, and the undiscounted call price over √(FK),
 *
 *     b(x, s) = e^(x/2) Φ(x/s + s/2) − e^(−x/2) Φ(x/s − s/2).
 *
 * With `h = x/s`, `t = s/2` and the scaled normal integral `Y(z) = Φ(z)/φ(z)` this is `φ-factor · (Y(h+t) − Y(h−t))`.
 * Only out-of-the-money calls (x ≤ 0) are needed here: puts and the rest follow by symmetry and parity.
 */

/** Below this share of 1 + |h|, `t` is small enough for the difference to cancel, and the series takes over. */
const seriesShare = 0.1;
/** From here on the moments come from their continued fraction, before from the recurrence upwards. */
const fractionFrom = 5;
/** Highest moment; the terms beyond are below 1e-17 of the sum wherever the series is used. */
const moments = 19;
/** Depth at which the continued fraction starts: beyond 1e-15 for |h| ≥ 5. */
const fractionDepth = 40;

/** b(x, s) for x ≤ 0 and s > 0, to about 1e-14 of itself. */
export function normalisedBlack(x: number, s: number): number {
  const h = x / s;
  const t = 0.5 * s;
  if (t < seriesShare * (1 - h)) return 2 * factor(h, t) * oddMoments(h, t);
  const upper = h + t;
  if (upper > 0.85) return Math.exp(0.5 * x) * cumulative(upper) - Math.exp(-0.5 * x) * cumulative(h - t);
  return 0.5 * Math.exp(-0.5 * (h * h + t * t)) * (erfcx(-upper * inverseSqrt2) - erfcx((t - h) * inverseSqrt2));
}

/** e^(x/2) − b(x, s), what is left to the upper bound, without cancellation. */
export function normalisedBlackComplement(x: number, s: number): number {
  const h = x / s;
  const t = 0.5 * s;
  return Math.exp(0.5 * x) * cumulative(-h - t) + Math.exp(-0.5 * x) * cumulative(h - t);
}

/** ∂b/∂s. */
export function normalisedVega(x: number, s: number): number {
  return factor(x / s, 0.5 * s);
}

function factor(h: number, t: number): number {
  return inverseSqrt2Pi * Math.exp(-0.5 * (h * h + t * t));
}

/**
 * (Y(h+t) − Y(h−t)) / 2 = Σ t^(2k+1)/(2k+1)! M_(2k+1)(h), where M_n(h) = ∫₀^∞ uⁿ e^(hu − u²/2) du, the n-th derivative
 * of Y. The moments obey M_n = h M_(n−1) + (n−1) M_(n−2), and their ratios M_n/M_(n−1) = n / (|h| + M_(n+1)/M_n):
 * every term is positive, so nothing cancels far out of the money.
 */
function oddMoments(h: number, t: number): number {
  return -h >= fractionFrom ? oddMomentsByFraction(-h, t) : oddMomentsUpwards(h, t);
}

function oddMomentsByFraction(a: number, t: number): number {
  let ratio = 0.5 * (Math.sqrt(a * a + 4 * fractionDepth) - a);
  let n = fractionDepth - 1;
  for (; n > moments; n--) ratio = n / (a + ratio);
  // Σ t^n/n! M_n over odd n, as nested products of ratios from the highest term down.
  let sum = 0;
  for (; n >= 1; n--) {
    ratio = n / (a + ratio);
    sum = ((n & 1) === 1 ? 1 + sum : sum) * ratio * (t / n);
  }
  return sum / (a + ratio);
}

function oddMomentsUpwards(h: number, t: number): number {
  let before = inverseSqrt2 * 1.772453850905516 * erfcx(-h * inverseSqrt2);
  let moment = 1 + h * before;
  let power = t;
  let sum = power * moment;
  for (let n = 2; n <= moments; n++) {
    const next = h * moment + (n - 1) * before;
    before = moment;
    moment = next;
    power *= t / n;
    if ((n & 1) === 1) {
      const term = power * moment;
      sum += term;
      if (Math.abs(term) < 1e-17 * sum) break;
    }
  }
  return sum;
}
