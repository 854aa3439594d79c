import { erfcxLarge, erfSmall, small } from './erf.ts';
import { Greek, intrinsicNoise, type OptionInput } from './greeks.ts';
import { inverseSqrt2, inverseSqrt2Pi } from './normal.ts';

/**
 * Implied volatility and Greeks of an option whose volatility a moment ago is known: Householder steps of third order on
 * the normalised Black function (see `implied.ts`), from there instead of from a guess that has to be worked out. Both
 * normal integrals and the vega of a step share one exponential, and so do the Greeks at its end.
 */

/** Steps from the volatility before; one that is further off starts afresh. */
const maxSteps = 4;
/** Below this share of the deviation a step's own error is below rounding, and so is that of following it linearly. */
const lastStep = 1e-7;
/** Half a deviation below which the difference of the two integrals cancels too much. */
const leastHalf = 2e-3;
/** Largest |ln(F/K)| / deviation: further out the price is no longer nearly linear in the volatility. */
const furthest = 5;

/** What all options of one expiry share at one moment. */
export interface Carry {
  /** Of {@link OptionInput.years}; `NaN` before the first use. */
  years: number;
  rootTime: number;
  /** Forward over underlying. */
  growth: number;
  /** e^(rT) and its inverse. */
  compounding: number;
  discount: number;
  /** Discounted forward over underlying. */
  spotDiscount: number;
}

export function emptyCarry(): Carry {
  return { years: Number.NaN, rootTime: 0, growth: 1, compounding: 1, discount: 1, spotDiscount: 1 };
}

/** Fills `carry` for the option's time to expiry, unless that is what it holds. */
export function updateCarry(carry: Carry, option: OptionInput): void {
  const { years, rate, dividendYield } = option;
  if (carry.years === years) return;
  const yields = option.model === 'black76' ? 0 : rate - dividendYield;
  carry.years = years;
  carry.rootTime = Math.sqrt(years);
  carry.growth = Math.exp(yields * years);
  carry.compounding = Math.exp(rate * years);
  carry.discount = Math.exp(-rate * years);
  carry.spotDiscount = Math.exp((yields - rate) * years);
}

/**
 * As `solveGreeks`, from the annual volatility `start`. The result is that of a cold start to within 1e-12 of itself.
 *
 * @param carry up to date for the option; see {@link updateCarry}
 * @returns false, and nothing is written, where a cold start is needed: no volatility explains the price, `start` is too
 * far off, or the price hardly depends on it
 */
export function solveGreeksFrom(
  option: OptionInput,
  carry: Carry,
  price: number,
  start: number,
  out: Float64Array,
): boolean {
  const { underlying, strike, call, rate, years } = option;
  const { rootTime, discount } = carry;
  const forward = underlying * carry.growth;
  const undiscounted = price * carry.compounding;
  const intrinsic = call ? forward - strike : strike - forward;
  const timeValue = intrinsic > 0 ? undiscounted - intrinsic : undiscounted;
  // Prices that leave nothing, or what rounding left, are judged by the cold start; so is what is not a number.
  if (!(timeValue > intrinsicNoise * (forward + strike) * 4) || !(start > 0)) return false;
  const outOfTheMoney = forward <= strike;
  const bound = Math.sqrt(outOfTheMoney ? forward / strike : strike / forward);
  const beta = timeValue / (Math.sqrt(forward) * Math.sqrt(strike));
  if (!(beta < 0.9 * bound)) return false;
  const x = -Math.abs(Math.log(forward / strike));

  let s = start * rootTime;
  for (let step = 0; step < maxSteps; step++) {
    const h = x / s;
    const t = 0.5 * s;
    if (!(t > leastHalf && t < 2 && h > -furthest)) return false;
    const shared = Math.exp(-0.5 * (h * h + t * t));
    // Φ(h + t) and Φ(h − t); e^(−(h±t)²/2) is `shared` over or times e^(x/2), for ht = x/2.
    const upper = (h + t) * inverseSqrt2;
    const lower = (t - h) * inverseSqrt2;
    let above: number;
    if (upper > small) above = 1 - ((0.5 * shared) / bound) * erfcxLarge(upper);
    else if (upper < -small) above = ((0.5 * shared) / bound) * erfcxLarge(-upper);
    else above = 0.5 + 0.5 * erfSmall(upper);
    const below = lower > small ? 0.5 * shared * bound * erfcxLarge(lower) : 0.5 - 0.5 * erfSmall(lower);
    const vega = inverseSqrt2Pi * shared;
    const newton = (beta - (bound * above - below / bound)) / vega;
    const halley = (h * h) / s - 0.25 * s;
    const third = halley * halley - 3 * (h / s) * (h / s) - 0.25;
    const change = (newton * (1 + 0.5 * halley * newton)) / (1 + newton * (halley + (third * newton) / 6));
    if (!(Math.abs(change) < 0.5 * s)) return false;
    if (Math.abs(change) >= lastStep * s) {
      s += change;
      continue;
    }
    // At s + change, to first order in the change. With the forward above the strike both integrals swap sides.
    const found = s + change;
    const ratio = change / s;
    const densityAbove = vega / bound;
    const densityBelow = vega * bound;
    const nearer = above + densityAbove * (t - h) * ratio;
    const farther = below - densityBelow * (t + h) * ratio;
    const exercisedCall = outOfTheMoney ? farther : 1 - nearer;
    const deltaCall = outOfTheMoney ? nearer : 1 - farther;
    const d1 = outOfTheMoney ? h + t : t - h;
    const slope = outOfTheMoney ? t - h : t + h;
    const density = (outOfTheMoney ? densityAbove : densityBelow) * (1 - d1 * slope * ratio);
    const { spotDiscount } = carry;
    const delta = spotDiscount * (call ? deltaCall : deltaCall - 1);
    const exercised = strike * discount * (call ? exercisedCall : exercisedCall - 1);
    const dense = spotDiscount * density;
    const future = option.model === 'black76';
    const yields = future ? 0 : rate - option.dividendYield;
    const volatility = found / rootTime;
    const decay = (-underlying * dense * volatility) / (2 * rootTime);
    const theta = decay - (yields - rate) * underlying * delta - rate * exercised;
    const rho = future ? -years * (underlying * delta - exercised) : years * exercised;
    out[Greek.iv] = volatility;
    out[Greek.delta] = delta;
    out[Greek.gamma] = dense / (underlying * found);
    out[Greek.theta] = theta / option.daysPerYear;
    out[Greek.vega] = underlying * dense * rootTime * 0.01;
    out[Greek.rho] = rho * 0.01;
    return true;
  }
  return false;
}
