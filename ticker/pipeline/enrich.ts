import type { GreeksSpec } from '../../crds/index.ts';
import { greekCount, type OptionInput, solveGreeks } from '../greeks/greeks.ts';
import { instantOf } from './expiry.ts';

const microsPerDay = 86_400_000_000;
const daysPerYear = { act365: 365, act360: 360 } as const;

/**
 * Computes Greeks under one setting, for all sets that share it. The numbers are in {@link out} until the next call.
 * Allocates nothing.
 */
export class Enricher {
  /** iv, delta, gamma, theta, vega, rho of the last {@link solve}. */
  readonly out = new Float64Array(greekCount);
  readonly #spec: GreeksSpec;
  readonly #option: OptionInput;
  readonly #microsPerYear: number;

  constructor(spec: GreeksSpec) {
    this.#spec = spec;
    this.#microsPerYear = daysPerYear[spec.dayCount] * microsPerDay;
    this.#option = {
      model: spec.model,
      call: true,
      underlying: 0,
      strike: 0,
      years: 0,
      rate: spec.rate,
      dividendYield: spec.dividendYield,
      daysPerYear: daysPerYear[spec.dayCount],
    };
  }

  /** Two settings with one key give the same numbers. */
  static key(spec: GreeksSpec): string {
    const { model, rate, dividendYield, dayCount, expiryTime, timezone } = spec;
    return JSON.stringify([model, rate, dividendYield, dayCount, expiryTime, timezone]);
  }

  /** When options of this date expire, microseconds since the epoch; `NaN` where that cannot be known. */
  expiryOf(date: string | undefined): number {
    return date === undefined ? Number.NaN : instantOf(date, this.#spec.expiryTime, this.#spec.timezone);
  }

  /**
   * @param at when the price was received, microseconds since the epoch; so `expiry`
   * @returns whether some volatility explains the price; all of `out` is `NaN` where none does
   */
  solve(call: boolean, price: number, underlying: number, strike: number, expiry: number, at: number): boolean {
    const option = this.#option;
    option.call = call;
    option.underlying = underlying;
    option.strike = strike;
    option.years = (expiry - at) / this.#microsPerYear;
    return solveGreeks(option, price, this.out);
  }
}
