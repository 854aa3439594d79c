import { expNearZero, expNegative, logRatio } from './elementary.ts';
import { erfcxLarge, erfSmall, small } from './erf.ts';
import { intrinsicNoise, type OptionInput } from './greeks.ts';
import { inverseSqrt2, inverseSqrt2Pi } from './normal.ts';

/**
 * Implied volatility and Greeks of options whose volatility a moment ago is known: Householder steps of third order on
 * the normalised Black function (see `implied.ts`), from there instead of from a guess that has to be worked out. Both
 * normal integrals and the vega of a step share one exponential, and so do the Greeks at its end.
 *
 * Each stage is a loop over all options: one option's numbers depend on each other from first to last, and a processor
 * works on several options at once only where they are next to each other.
 */

/** Options at once: their numbers stay in the first-level cache. */
export const warmRoom = 64;
/** Steps from the volatility before; one that is further off starts afresh. */
const maxSteps = 4;
/**
 * A step of at most this share of the deviation, times 1 + h² + t², is followed by series: nearly every tick's is. Their
 * error is below 1e-13 of the density then, and what the price still lacks is below 1e-10 of the deviation.
 */
const shortStep = 3e-3;
/** Half a deviation below which the difference of the two integrals cancels too much. */
const leastHalf = 2e-3;
/** Largest |ln(F/K)| / deviation: further out the price is no longer nearly linear in the volatility. */
const furthest = 5;

/** What all options under one setting share. */
export type GreeksSetting = Pick<OptionInput, 'model' | 'rate' | 'dividendYield' | 'daysPerYear'>;

/** Where numbers go, by row; units as in `solveGreeks`. */
export interface GreekColumns {
  readonly impliedVolatility: Float64Array;
  readonly delta: Float64Array;
  readonly gamma: Float64Array;
  readonly theta: Float64Array;
  readonly vega: Float64Array;
  readonly rho: Float64Array;
}

/** Of a time to expiry, by its place in `#terms`. */
const term = {
  years: 0,
  rootTime: 1,
  inverseRoot: 2,
  growth: 3,
  compounding: 4,
  discount: 5,
  spotDiscount: 6,
} as const;
const termStride = 8;

/** Up to {@link warmRoom} options under one setting: add each, then solve, then begin again. */
export class WarmGreeks {
  readonly #setting: GreeksSetting;
  /** Discount rate of forwards: 0 for a future. */
  readonly #yields: number;
  #count = 0;
  #termCount = 0;
  readonly #terms = new Float64Array(termStride * warmRoom);
  readonly #memory = new Float64Array(13 * warmRoom);
  /** As added. */
  readonly #underlying = this.#column(0);
  readonly #strike = this.#column(1);
  readonly #price = this.#column(2);
  readonly #start = this.#column(3);
  readonly #call = new Uint8Array(warmRoom);
  readonly #term = new Uint16Array(warmRoom);
  /** √(F/K) or √(K/F), which is below 1; ln of its square; the time value over √(FK). */
  readonly #bound = this.#column(4);
  readonly #x = this.#column(5);
  readonly #beta = this.#column(6);
  /** The forward is at most the strike. */
  readonly #below = new Uint8Array(warmRoom);
  /** Deviation σ√T where the step begins, and what it is changed by. */
  readonly #deviation = this.#column(7);
  readonly #change = this.#column(8);
  /** h = x / deviation; e^(−(h² + t²)/2) for t = deviation / 2; Φ(h + t) and Φ(h − t). */
  readonly #h = this.#column(9);
  readonly #shared = this.#column(10);
  readonly #upper = this.#column(11);
  readonly #lower = this.#column(12);
  /** Options that the next stage is for. */
  readonly #open = new Uint8Array(warmRoom);
  #openCount = 0;
  readonly #done = new Uint8Array(warmRoom);
  #doneCount = 0;
  readonly #solved = new Uint8Array(warmRoom);

  constructor(setting: GreeksSetting) {
    this.#setting = setting;
    this.#yields = setting.model === 'black76' ? 0 : setting.rate - setting.dividendYield;
  }

  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count === warmRoom;
  }

  /** What the last {@link solve} said of option `index`. */
  solved(index: number): boolean {
    return this.#solved[index] === 1;
  }

  /** Option `index` as it was added, filled into `option`. */
  read(index: number, option: OptionInput): OptionInput {
    option.call = this.#call[index] === 1;
    option.underlying = this.#underlying[index]!;
    option.strike = this.#strike[index]!;
    option.years = this.#terms[this.#term[index]! + term.years]!;
    return option;
  }

  price(index: number): number {
    return this.#price[index]!;
  }

  clear(): void {
    this.#count = 0;
    this.#termCount = 0;
  }

  /** A time to expiry, to {@link add} options with until the next {@link clear}: there may be as many as options. */
  addTerm(years: number): number {
    const { rate } = this.#setting;
    const yields = this.#yields;
    const terms = this.#terms;
    const at = termStride * this.#termCount;
    const rootTime = Math.sqrt(years);
    terms[at + term.years] = years;
    terms[at + term.rootTime] = rootTime;
    terms[at + term.inverseRoot] = 1 / rootTime;
    terms[at + term.growth] = Math.exp(yields * years);
    terms[at + term.compounding] = Math.exp(rate * years);
    terms[at + term.discount] = Math.exp(-rate * years);
    terms[at + term.spotDiscount] = Math.exp((yields - rate) * years);
    return this.#termCount++;
  }

  /** @param start the annual volatility that it had a moment ago */
  add(termIndex: number, call: boolean, underlying: number, strike: number, price: number, start: number): void {
    const at = this.#count++;
    this.#term[at] = termStride * termIndex;
    this.#call[at] = call ? 1 : 0;
    this.#underlying[at] = underlying;
    this.#strike[at] = strike;
    this.#price[at] = price;
    this.#start[at] = start;
  }

  /**
   * Implied volatility and Greeks of every option that was added, option `i` to row `rows[i]`. The volatility is that of a
   * cold start to within 1e-12 of itself. Nothing is written for one that needs a cold start (see {@link solved}): no
   * volatility explains its price, it is too far off, or the price hardly depends on it.
   *
   * @returns how many are solved
   */
  solve(into: GreekColumns, rows: Int32Array): number {
    this.#solved.fill(0, 0, this.#count);
    this.#normalise();
    let solved = 0;
    for (let step = 0; step < maxSteps && this.#openCount > 0; step++) {
      this.#density();
      this.#integrals();
      this.#step();
      this.#finish(into, rows);
      solved += this.#doneCount;
    }
    return solved;
  }

  #column(index: number): Float64Array {
    return this.#memory.subarray(index * warmRoom, (index + 1) * warmRoom);
  }

  /** Normalised coordinates. */
  #normalise(): void {
    const [terms, termOf, calls, below, open] = [this.#terms, this.#term, this.#call, this.#below, this.#open];
    const [underlyings, strikes, prices, starts] = [this.#underlying, this.#strike, this.#price, this.#start];
    const [bounds, betas, xs, deviations] = [this.#bound, this.#beta, this.#x, this.#deviation];
    const count = this.#count;
    let next = 0;
    for (let i = 0; i < count; i++) {
      const at = termOf[i]!;
      const strike = strikes[i]!;
      const start = starts[i]!;
      const forward = underlyings[i]! * terms[at + term.growth]!;
      const undiscounted = prices[i]! * terms[at + term.compounding]!;
      const intrinsic = calls[i] === 1 ? forward - strike : strike - forward;
      const timeValue = intrinsic > 0 ? undiscounted - intrinsic : undiscounted;
      const isBelow = forward <= strike;
      const lower = isBelow ? forward : strike;
      const higher = isBelow ? strike : forward;
      const bound = Math.sqrt(lower / higher);
      const beta = timeValue / (higher * bound);
      below[i] = isBelow ? 1 : 0;
      bounds[i] = bound;
      betas[i] = beta;
      xs[i] = logRatio(lower, higher);
      deviations[i] = start * terms[at + term.rootTime]!;
      open[next] = i;
      // Prices that leave nothing, or what rounding left, are judged by the cold start; so is what is not a number.
      if (timeValue > intrinsicNoise * (forward + strike) * 4 && start > 0 && beta < 0.9 * bound) next++;
    }
    this.#openCount = next;
  }

  #density(): void {
    const [open, xs, deviations, hs, shared] = [this.#open, this.#x, this.#deviation, this.#h, this.#shared];
    const count = this.#openCount;
    let next = 0;
    for (let k = 0; k < count; k++) {
      const i = open[k]!;
      const s = deviations[i]!;
      const h = xs[i]! / s;
      const t = 0.5 * s;
      if (!(t > leastHalf && t < 2 && h > -furthest)) continue;
      hs[i] = h;
      shared[i] = expNegative(-0.5 * (h * h + t * t));
      open[next++] = i;
    }
    this.#openCount = next;
  }

  /** Φ(h + t) and Φ(h − t); e^(−(h±t)²/2) is the shared exponential over or times e^(x/2), for ht = x/2. */
  #integrals(): void {
    const [open, bounds, deviations, hs, shared] = [this.#open, this.#bound, this.#deviation, this.#h, this.#shared];
    const [uppers, lowers] = [this.#upper, this.#lower];
    const count = this.#openCount;
    for (let k = 0; k < count; k++) {
      const i = open[k]!;
      const h = hs[i]!;
      const t = 0.5 * deviations[i]!;
      const half = 0.5 * shared[i]!;
      const bound = bounds[i]!;
      uppers[i] = normalIntegral((h + t) * inverseSqrt2, half / bound);
      lowers[i] = normalIntegral((h - t) * inverseSqrt2, half * bound);
    }
  }

  /** Moves each option on, and sorts those that are near enough from those that need another step. */
  #step(): void {
    const [open, done, bounds, betas] = [this.#open, this.#done, this.#bound, this.#beta];
    const [deviations, hs, shared, changes] = [this.#deviation, this.#h, this.#shared, this.#change];
    const [uppers, lowers] = [this.#upper, this.#lower];
    const count = this.#openCount;
    let next = 0;
    let near = 0;
    for (let k = 0; k < count; k++) {
      const i = open[k]!;
      const s = deviations[i]!;
      const h = hs[i]!;
      const bound = bounds[i]!;
      const vega = inverseSqrt2Pi * shared[i]!;
      const newton = (betas[i]! - (bound * uppers[i]! - lowers[i]! / bound)) / vega;
      const inverse = 1 / s;
      const halley = h * h * inverse - 0.25 * s;
      const third = halley * halley - 3 * (h * inverse) * (h * inverse) - 0.25;
      const change = (newton * (1 + 0.5 * halley * newton)) / (1 + newton * (halley + (third * newton) / 6));
      const size = Math.abs(change);
      if (!(size < 0.5 * s)) continue;
      changes[i] = change;
      deviations[i] = s + change;
      if (size * (1 + h * h + 0.25 * s * s) <= shortStep * s) done[near++] = i;
      else open[next++] = i;
    }
    this.#openCount = next;
    this.#doneCount = near;
  }

  /**
   * Volatility and Greeks after a short step. The integrals at the new deviation are those before it and what lies between,
   * by the trapezoidal rule with its correction by derivatives: the density at either end is known, for its exponent has
   * hardly changed.
   */
  #finish({ impliedVolatility, delta, gamma, theta, vega, rho }: GreekColumns, rows: Int32Array): void {
    const [terms, termOf, calls, below, done, solved] = [
      this.#terms,
      this.#term,
      this.#call,
      this.#below,
      this.#done,
      this.#solved,
    ];
    const [underlyings, strikes, bounds, betas, xs] = [
      this.#underlying,
      this.#strike,
      this.#bound,
      this.#beta,
      this.#x,
    ];
    const [deviations, changes, hs, shared, uppers, lowers] = [
      this.#deviation,
      this.#change,
      this.#h,
      this.#shared,
      this.#upper,
      this.#lower,
    ];
    const { model, rate, daysPerYear } = this.#setting;
    const future = model === 'black76';
    const growthLessRate = this.#yields - rate;
    const inverseDays = 1 / daysPerYear;
    const count = this.#doneCount;
    for (let k = 0; k < count; k++) {
      const i = done[k]!;
      const bound = bounds[i]!;
      const inverseBound = 1 / bound;
      const s = deviations[i]!;
      const h0 = hs[i]!;
      const t0 = 0.5 * (s - changes[i]!);
      const h = xs[i]! / s;
      const t = 0.5 * s;
      const vega0 = inverseSqrt2Pi * shared[i]!;
      const vega1 = vega0 * expNearZero(0.5 * ((h0 - h) * (h0 + h) + (t0 - t) * (t0 + t)));
      const densityUpper = vega1 * inverseBound;
      const densityLower = vega1 * bound;
      const upper = uppers[i]! + between(h0 + t0, h + t, vega0 * inverseBound, densityUpper);
      const lower = lowers[i]! + between(h0 - t0, h - t, vega0 * bound, densityLower);
      // What the price still lacks is followed to first order.
      const rest = (betas[i]! - (bound * upper - lower * inverseBound)) / vega1;
      const inverse = 1 / s;
      const ratio = rest * inverse;
      const nearer = upper + densityUpper * (t - h) * ratio;
      const farther = lower - densityLower * (t + h) * ratio;
      // With the forward above the strike both integrals swap sides.
      const isBelow = below[i] === 1;
      const put = calls[i] === 1 ? 0 : 1;
      const d1 = isBelow ? h + t : t - h;
      const slope = isBelow ? t - h : t + h;
      const density = (isBelow ? densityUpper : densityLower) * (1 - d1 * slope * ratio);
      const at = termOf[i]!;
      const spotDiscount = terms[at + term.spotDiscount]!;
      const inverseRoot = terms[at + term.inverseRoot]!;
      const underlying = underlyings[i]!;
      const ofDelta = spotDiscount * ((isBelow ? nearer : 1 - farther) - put);
      const exercised = strikes[i]! * terms[at + term.discount]! * ((isBelow ? farther : 1 - nearer) - put);
      const dense = spotDiscount * density;
      const volatility = (s + rest) * inverseRoot;
      const decay = -0.5 * underlying * dense * volatility * inverseRoot;
      const years = terms[at + term.years]!;
      const row = rows[i]!;
      impliedVolatility[row] = volatility;
      delta[row] = ofDelta;
      gamma[row] = (dense / underlying) * (inverse - inverse * ratio);
      theta[row] = (decay - growthLessRate * underlying * ofDelta - rate * exercised) * inverseDays;
      vega[row] = underlying * dense * terms[at + term.rootTime]! * 0.01;
      rho[row] = (future ? exercised - underlying * ofDelta : exercised) * years * 0.01;
      solved[i] = 1;
    }
  }
}

/** Φ(z√2), where `half` is e^(−z²) / 2. */
function normalIntegral(z: number, half: number): number {
  if (z > small) return 1 - half * erfcxLarge(z);
  if (z < -small) return half * erfcxLarge(-z);
  return 0.5 + 0.5 * erfSmall(z);
}

/** Φ(b) − Φ(a) of two points close together, from the densities there; the error is (b − a)⁵/720 of a fourth derivative. */
function between(a: number, b: number, densityA: number, densityB: number): number {
  const width = b - a;
  return width * (0.5 * (densityA + densityB) + (width / 12) * (b * densityB - a * densityA));
}
