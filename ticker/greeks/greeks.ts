import { impliedDeviation } from './implied.ts';
import { cumulative, density } from './normal.ts';
import { normalisedBlack } from './normalised-black.ts';

/** Positions in the array that {@link solveGreeks} fills. */
export const Greek = { iv: 0, delta: 1, gamma: 2, theta: 3, vega: 4, rho: 5 } as const;
export const greekCount = 6;

/**
 * Black-Scholes-Merton (1973): `underlying` is a spot price that pays a continuous dividend yield.
 * Black-76: it is a future's price, so the carry is 0 and the yield is not used.
 */
export type Model = 'blackScholesMerton' | 'black76';

/** What an option is and stands at. */
export interface OptionInput {
  model: Model;
  call: boolean;
  /** Rupees. */
  underlying: number;
  /** Rupees. */
  strike: number;
  /** Time to expiry. */
  years: number;
  /** A year, continuously compounded. */
  rate: number;
  /** A year, continuously compounded. */
  dividendYield: number;
  /** Days in the year that `years` and `rate` count: what theta is divided by. */
  daysPerYear: number;
}

/** What is left to a bound, as a share of the larger of forward and strike: below this it is rounding, and says nothing. */
export const intrinsicNoise = 2 ** -49;
const notFinite = Number.NaN;

function valid(option: OptionInput): boolean {
  const { underlying, strike, years, rate, dividendYield } = option;
  return (
    underlying > 0 &&
    strike > 0 &&
    years > 0 &&
    underlying + strike + years < Number.POSITIVE_INFINITY &&
    Number.isFinite(rate) &&
    Number.isFinite(dividendYield)
  );
}

function forwardOf(option: OptionInput): number {
  return option.model === 'black76'
    ? option.underlying
    : option.underlying * Math.exp((option.rate - option.dividendYield) * option.years);
}

/** Price in rupees at an annual `volatility`; `NaN` for input that makes none. */
export function optionPrice(option: OptionInput, volatility: number): number {
  if (!valid(option) || !(volatility >= 0) || volatility === Number.POSITIVE_INFINITY) return notFinite;
  const forward = forwardOf(option);
  const discount = Math.exp(-option.rate * option.years);
  const intrinsic = Math.max(option.call ? forward - option.strike : option.strike - forward, 0);
  if (volatility === 0) return discount * intrinsic;
  const timeValue =
    Math.sqrt(forward) *
    Math.sqrt(option.strike) *
    normalisedBlack(-Math.abs(Math.log(forward / option.strike)), volatility * Math.sqrt(option.years));
  return discount * (intrinsic + timeValue);
}

/**
 * Annual implied volatility of `price`. `NaN` where none explains it: at or below the discounted intrinsic value, at
 * or above the upper bound (the discounted forward of a call, strike of a put), after expiry, or from non-finite input.
 */
export function impliedVolatility(option: OptionInput, price: number): number {
  if (!valid(option) || !(price > 0)) return notFinite;
  const forward = forwardOf(option);
  const { strike } = option;
  const undiscounted = price * Math.exp(option.rate * option.years);
  if (!(undiscounted < (option.call ? forward : strike) * (1 - intrinsicNoise))) return notFinite;
  const intrinsic = option.call ? forward - strike : strike - forward;
  let timeValue = undiscounted;
  if (intrinsic > 0) {
    timeValue = undiscounted - intrinsic;
    if (!(timeValue > intrinsicNoise * Math.max(forward, strike))) return notFinite;
  }
  const x = -Math.abs(Math.log(forward / strike));
  return impliedDeviation(x, timeValue / (Math.sqrt(forward) * Math.sqrt(strike))) / Math.sqrt(option.years);
}

/**
 * Implied volatility and the Greeks at it, into `out` by the positions of {@link Greek}; all `NaN` where no volatility
 * explains the price. Theta is for a calendar day, vega and rho for 0.01. Formulas: E. G. Haug, "The Complete Guide to
 * Option Pricing Formulas" (2nd ed., 2007), generalised Black-Scholes-Merton.
 *
 * @returns whether there is a volatility
 */
export function solveGreeks(option: OptionInput, price: number, out: Float64Array): boolean {
  return greeksAt(option, impliedVolatility(option, price), out);
}

/** The Greeks at a given volatility; see {@link solveGreeks}. */
export function greeksAt(option: OptionInput, volatility: number, out: Float64Array): boolean {
  if (!valid(option) || !(volatility > 0) || volatility === Number.POSITIVE_INFINITY) {
    out.fill(notFinite);
    return false;
  }
  const { underlying, strike, years, rate, call } = option;
  const future = option.model === 'black76';
  const carry = future ? 0 : rate - option.dividendYield;
  const rootTime = Math.sqrt(years);
  const deviation = volatility * rootTime;
  const d1 = (Math.log(underlying / strike) + carry * years) / deviation + 0.5 * deviation;
  const d2 = d1 - deviation;
  const sign = call ? 1 : -1;
  const discount = Math.exp(-rate * years);
  /** Discounted forward over the underlying. */
  const growth = Math.exp((carry - rate) * years);
  const delta = sign * growth * cumulative(sign * d1);
  /** Discounted probability of exercise. */
  const exercised = sign * strike * discount * cumulative(sign * d2);
  const dense = growth * density(d1);
  const decay = (-underlying * dense * volatility) / (2 * rootTime);
  const theta = decay - (carry - rate) * underlying * delta - rate * exercised;
  const rho = future ? -years * (underlying * delta - exercised) : years * exercised;
  out[Greek.iv] = volatility;
  out[Greek.delta] = delta;
  out[Greek.gamma] = dense / (underlying * deviation);
  out[Greek.theta] = theta / option.daysPerYear;
  out[Greek.vega] = underlying * dense * rootTime * 0.01;
  out[Greek.rho] = rho * 0.01;
  return true;
}
