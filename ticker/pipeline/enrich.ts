import type { GreeksSpec } from '../../crds/index.ts';
import { instantOf } from '../../runtime/zoned-time.ts';
import { Greek, greekCount, type OptionInput, solveGreeks } from '../greeks/greeks.ts';
import { type Carry, emptyCarry, solveGreeksFrom, updateCarry } from '../greeks/warm.ts';

const microsPerDay = 86_400_000_000;
const daysPerYear = { act365: 365, act360: 360 } as const;

/** When the options of a group expire, and what they share at the moment that was last asked for. */
export interface Expiry {
  /** Microseconds since the epoch; `NaN` where it cannot be known. */
  readonly at: number;
  readonly carry: Carry;
}

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
  /** Volatility that was found last, by slot: where the next search starts. */
  #before = new Float64Array(0);

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

  expiryOf(date: string | undefined): Expiry {
    const at = date === undefined ? Number.NaN : instantOf(date, this.#spec.expiryTime, this.#spec.timezone);
    return { at, carry: emptyCarry() };
  }

  /** Makes room for slots below `capacity`. */
  reserve(capacity: number): void {
    if (capacity <= this.#before.length) return;
    const grown = new Float64Array(capacity);
    grown.set(this.#before);
    this.#before = grown;
  }

  /**
   * @param slot of the option; whose volatility is remembered there matters to the time it takes only
   * @param at when the price was received, microseconds since the epoch
   * @returns whether some volatility explains the price; all of `out` is `NaN` where none does
   */
  solve(
    slot: number,
    call: boolean,
    price: number,
    underlying: number,
    strike: number,
    expiry: Expiry,
    at: number,
  ): boolean {
    const option = this.#option;
    option.call = call;
    option.underlying = underlying;
    option.strike = strike;
    option.years = (expiry.at - at) / this.#microsPerYear;
    updateCarry(expiry.carry, option);
    const solved =
      solveGreeksFrom(option, expiry.carry, price, this.#before[slot]!, this.out) ||
      solveGreeks(option, price, this.out);
    if (solved) this.#before[slot] = this.out[Greek.iv]!;
    return solved;
  }
}
