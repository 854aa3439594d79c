import { erfcx } from './erf.ts';
import { cumulative, inverseSqrt2Pi, roughQuantile } from './normal.ts';
import { normalisedBlack, normalisedBlackComplement, normalisedVega } from './normalised-black.ts';

/**
 * Inverts the normalised Black function after P. Jäckel, "Let's Be Rational" (Wilmott, 2015): four branches split at
 * the inflection point s_c = √(2|x|) and where its tangent meets the bounds, a rational cubic guess (Delbourgo and
 * Gregory, 1985) on each, then Householder steps of third order on an objective that is nearly linear there. Unlike the
 * paper's two fixed steps, steps go on until they no longer matter, inside a bracket, so that nothing depends on how
 * good the guess was.
 */

/** Steps that the iteration may take; 2 or 3 suffice, the rest is for guesses that the bracket had to repair. */
const maxSteps = 64;
/** A step below this share of `s` leaves an error of its fourth power. */
const lastStep = 1e-5;
const sqrt3 = 1.7320508075688772;
const twoPi = 6.283185307179586;

/**
 * Total standard deviation s = σ√T for which b(x, s) = beta.
 *
 * @param x ln(F/K), at most 0
 * @param beta price of the out-of-the-money call over √(FK), undiscounted
 * @returns `NaN` unless 0 < beta < e^(x/2)
 */
export function impliedDeviation(x: number, beta: number): number {
  const bound = Math.exp(0.5 * x);
  if (!(x <= 0) || !(beta > 0) || !(beta < bound)) return Number.NaN;
  const absX = -x;
  const centre = Math.sqrt(2 * absX);
  const root = Math.sqrt(absX);
  const atCentre = 0.5 * bound * (1 - erfcx(root));
  const vegaCentre = inverseSqrt2Pi * bound;
  if (beta < atCentre) {
    const low = centre - atCentre / vegaCentre;
    const atLow = low > 0 ? normalisedBlack(x, low) : 0;
    if (beta < atLow) {
      return refine(lowerGuess(x, beta, low, atLow), x, beta, 0, low, bound, 'logarithm');
    }
    const slope = low > 0 ? 1 / normalisedVega(x, low) : Number.POSITIVE_INFINITY;
    const width = atCentre - atLow;
    const chord = (centre - low) / width;
    const control = (1 / vegaCentre - slope) / (1 / vegaCentre - chord);
    const guess = rationalCubic(beta, atLow, atCentre, low, centre, slope, 1 / vegaCentre, control);
    return refine(guess, x, beta, Math.max(low, 0), centre, bound, 'value');
  }
  const high = centre + (bound - atCentre) / vegaCentre;
  const atHigh = normalisedBlack(x, high);
  if (beta <= atHigh) {
    const slope = 1 / normalisedVega(x, high);
    const chord = (high - centre) / (atHigh - atCentre);
    const control = (slope - 1 / vegaCentre) / (chord - 1 / vegaCentre);
    const guess = rationalCubic(beta, atCentre, atHigh, centre, high, 1 / vegaCentre, slope, control);
    return refine(guess, x, beta, centre, high, bound, beta > 0.5 * bound ? 'complement' : 'value');
  }
  // Φ(−s/2) falls to 0 as b rises to its bound; near it, their ratio is cosh(x/2).
  const guess = -2 * roughQuantile(Math.min(0.5, (bound - beta) / (bound + 1 / bound)));
  return refine(guess, x, beta, high, Number.POSITIVE_INFINITY, bound, 'complement');
}

/** The paper's map of the lower branch: f = 2π|x|/(3√3) Φ(−|x|/(√3 s))³, nearly linear in b. */
function lowerGuess(x: number, beta: number, low: number, atLow: number): number {
  const absX = -x;
  const scale = (twoPi * absX) / (3 * sqrt3);
  const z = absX / (sqrt3 * low);
  const y = z * z;
  const s2 = low * low;
  const tail = cumulative(-z);
  const f = scale * tail * tail * tail;
  const growth = Math.exp(y + s2 / 8);
  const slope = twoPi * y * tail * tail * growth;
  const curvature =
    (Math.PI / 6) *
    (y / (s2 * low)) *
    tail *
    (8 * sqrt3 * low * absX + ((3 * s2 * (s2 - 8) - 8 * x * x) * tail) / (inverseSqrt2Pi * Math.exp(-0.5 * y))) *
    growth *
    growth;
  const chord = f / atLow;
  const control = (0.5 * atLow * curvature + slope - 1) / (slope - chord);
  const value = rationalCubic(beta, 0, atLow, 0, f, 1, slope, control);
  return absX / (sqrt3 * -roughQuantile(Math.cbrt(value / scale)));
}

/**
 * The rational cubic of Delbourgo and Gregory through (l, yl) and (r, yr) with slopes dl and dr.
 *
 * @param control −1 is the limit below which it has a pole; larger is straighter
 */
function rationalCubic(
  at: number,
  l: number,
  r: number,
  yl: number,
  yr: number,
  dl: number,
  dr: number,
  control: number,
): number {
  const width = r - l;
  const u = (at - l) / width;
  const v = 1 - u;
  const c = control > -0.999 ? Math.min(control, 1e8) : -0.999;
  const above = yr * u * u * u + (c * yr - width * dr) * u * u * v + (c * yl + width * dl) * u * v * v + yl * v * v * v;
  const value = above / (1 + (c - 3) * u * v);
  // A NaN here (a degenerate branch) is repaired by the bracket.
  return value;
}

/** Householder steps of third order on the branch's objective, inside the bracket [from, to]. */
function refine(
  guess: number,
  x: number,
  beta: number,
  from: number,
  to: number,
  bound: number,
  objective: 'logarithm' | 'value' | 'complement',
): number {
  let below = from;
  let above = to;
  let s = guess > below && guess < above ? guess : inside(below, above);
  const logBeta = objective === 'logarithm' ? Math.log(beta) : 0;
  for (let step = 0; step < maxSteps; step++) {
    const vega = normalisedVega(x, s);
    const h = x / s;
    let halley = (h * h) / s - 0.25 * s;
    const third = halley * halley - 3 * (h / s) * (h / s) - 0.25;
    let newton: number;
    let cubic = third;
    if (objective === 'complement') {
      const rest = normalisedBlackComplement(x, s);
      const growth = vega / rest;
      newton = Math.log(rest / (bound - beta)) / growth;
      cubic = third + growth * (2 * growth + 3 * halley);
      halley += growth;
    } else {
      const value = normalisedBlack(x, s);
      if (objective === 'value') newton = (beta - value) / vega;
      else {
        const log = Math.log(value);
        const growth = vega / value;
        newton = ((logBeta - log) * (log / logBeta)) / growth;
        cubic = third + 2 * growth * growth * (1 + (3 / log) * (1 + 1 / log)) - 3 * halley * growth * (1 + 2 / log);
        halley -= growth * (1 + 2 / log);
      }
    }
    if (newton > 0) below = s;
    else if (newton < 0) above = s;
    else if (newton === 0) return s;
    const change = (newton * (1 + 0.5 * halley * newton)) / (1 + newton * (halley + (cubic * newton) / 6));
    const next = s + change;
    if (next > below && next < above) {
      if (Math.abs(change) < lastStep * s) return next;
      s = next;
    } else {
      // At the last bit of an end of the bracket there is nothing between.
      if (Math.abs(newton) < 1e-14 * s) return s;
      s = inside(below, above);
    }
  }
  return s;
}

function inside(below: number, above: number): number {
  if (above === Number.POSITIVE_INFINITY) return 2 * below;
  return 0.5 * (below + above);
}
