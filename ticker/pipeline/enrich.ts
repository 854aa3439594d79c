import type { GreeksSpec } from '../../crds/index.ts';
import { instantOf } from '../../runtime/zoned-time.ts';
import { Greek, greekCount, type OptionInput, solveGreeks } from '../greeks/greeks.ts';
import { type GreekColumns, WarmGreeks, warmRoom } from '../greeks/warm.ts';
import type { TickColumns } from '../tick-columns.ts';
import type { Entry, WantedGreeks } from './routes.ts';

const microsPerDay = 86_400_000_000;
const daysPerYear = { act365: 365, act360: 360 } as const;

/** When the options of a group expire, and where the time until then stands among those of the options at hand. */
export interface Expiry {
  /** Microseconds since the epoch; `NaN` where it cannot be known. */
  readonly at: number;
  /** Of the round of options `round`, at the moment `from`. */
  term: number;
  round: number;
  from: number;
}

/**
 * Computes Greeks under one setting, for all sets that share it: several options at once, each {@link add added} and then
 * all {@link solve solved}. Allocates nothing.
 */
export class Enricher {
  readonly #spec: GreeksSpec;
  readonly #option: OptionInput;
  readonly #microsPerYear: number;
  readonly #warm: WarmGreeks;
  #round = 0;
  /** What was added: by its place in the round. */
  readonly #slots = new Int32Array(warmRoom);
  readonly #rows = new Int32Array(warmRoom);
  readonly #out = new Float64Array(greekCount);
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
    this.#warm = new WarmGreeks(this.#option);
  }

  /** Two settings with one key give the same numbers. */
  static key(spec: GreeksSpec): string {
    const { model, rate, dividendYield, dayCount, expiryTime, timezone } = spec;
    return JSON.stringify([model, rate, dividendYield, dayCount, expiryTime, timezone]);
  }

  expiryOf(date: string | undefined): Expiry {
    const at = date === undefined ? Number.NaN : instantOf(date, this.#spec.expiryTime, this.#spec.timezone);
    return { at, term: 0, round: -1, from: Number.NaN };
  }

  /** Makes room for slots below `capacity`. */
  reserve(capacity: number): void {
    if (capacity <= this.#before.length) return;
    const grown = new Float64Array(capacity);
    grown.set(this.#before);
    this.#before = grown;
  }

  /** No more fit: {@link solve} first. */
  get full(): boolean {
    return this.#warm.full;
  }

  /**
   * Adds options of this setting, from `row` on: up to the first row that is none, or to as many as are solved at once.
   *
   * @param underlyings by row, rupees
   * @returns the row after the last that was added
   */
  addRows(entries: readonly (Entry | undefined)[], ticks: TickColumns, underlyings: Float64Array, row: number): number {
    const { slot, lastPrice, receiveTime, length } = ticks;
    const end = Math.min(length, row + warmRoom - this.#warm.count);
    for (let at = row; at < end; at++) {
      const entry = entries[slot[at]!];
      const wanted = wantedOf(entry);
      if (entry === undefined || wanted?.enricher !== this) return at;
      this.add(entry, wanted.expiry, slot[at]!, lastPrice[at]!, underlyings[at]!, receiveTime[at]!, at);
    }
    return end;
  }

  /** How many were added since they were last {@link solve solved}. */
  get pending(): number {
    return this.#warm.count;
  }

  /**
   * @param slot of the option; whose volatility is remembered there matters to the time it takes only
   * @param price in rupees, as of the underlying
   * @param at when the price was received, microseconds since the epoch
   * @param row where its Greeks are to be written
   */
  add(
    { call, strike }: Pick<OptionInput, 'call' | 'strike'>,
    expiry: Expiry,
    slot: number,
    price: number,
    underlying: number,
    at: number,
    row: number,
  ): void {
    const warm = this.#warm;
    if (expiry.round !== this.#round || expiry.from !== at) {
      expiry.term = warm.addTerm((expiry.at - at) / this.#microsPerYear);
      expiry.round = this.#round;
      expiry.from = at;
    }
    const index = warm.count;
    this.#slots[index] = slot;
    this.#rows[index] = row;
    warm.add(expiry.term, call, underlying, strike, price, this.#before[slot]!);
  }

  /**
   * Writes the Greeks of all that were added, `NaN` where no volatility explains the price.
   *
   * @returns how many are solved
   */
  solve(into: GreekColumns): number {
    const warm = this.#warm;
    const { count } = warm;
    let solved = warm.solve(into, this.#rows);
    const before = this.#before;
    for (let i = 0; i < count; i++) {
      const slot = this.#slots[i]!;
      const row = this.#rows[i]!;
      if (!warm.solved(i) && this.#solveCold(i, into, row)) solved++;
      const volatility = into.impliedVolatility[row]!;
      if (volatility > 0) before[slot] = volatility;
    }
    warm.clear();
    this.#round++;
    return solved;
  }

  #solveCold(index: number, into: GreekColumns, row: number): boolean {
    const out = this.#out;
    let solved = solveGreeks(this.#warm.read(index, this.#option), this.#warm.price(index), out);
    if (solved && !out.every(Number.isFinite)) {
      out.fill(Number.NaN);
      solved = false;
    }
    into.impliedVolatility[row] = out[Greek.iv]!;
    into.delta[row] = out[Greek.delta]!;
    into.gamma[row] = out[Greek.gamma]!;
    into.theta[row] = out[Greek.theta]!;
    into.vega[row] = out[Greek.vega]!;
    into.rho[row] = out[Greek.rho]!;
    return solved;
  }
}

/** How an option's Greeks are wanted by the first of those that take its rows; undefined where it is no option, or none are. */
export function wantedOf(entry: Entry | undefined): WantedGreeks | undefined {
  return entry?.option === true ? entry.route.deliveries[0]?.greeks : undefined;
}
