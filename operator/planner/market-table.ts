import type { Mode } from '../../crds/index.ts';
import { type Combination, Combinations } from './combinations.ts';
import { compareText, type SetDemand } from './types.ts';

/** Ticks a second assumed of an underlying that no set asks for by itself. */
export const underlyingRate = 2;

const richness: Record<Mode, number> = { ltp: 0, quote: 1, full: 2 };

/** The richer of two modes. */
export function richerMode(a: Mode, b: Mode): Mode {
  return richness[a] >= richness[b] ? a : b;
}

/** Order of service: the oldest set first, then by name. */
export function compareRank(a: Pick<SetDemand, 'created' | 'set'>, b: Pick<SetDemand, 'created' | 'set'>): number {
  return compareText(a.created, b.created) || compareText(a.set, b.set);
}

/** A set as the planner knows it: its index is its rank, the oldest first. */
export interface RankedSet {
  readonly id: string;
  readonly mode: Mode;
  readonly accounts: readonly string[];
}

/** Everything demanded of one market, merged: one row an instrument, as columns. */
export class MarketTable {
  readonly sets: readonly RankedSet[];
  readonly combinations = new Combinations();
  readonly tokens: number[] = [];
  readonly rates: number[] = [];
  /** Row of the underlying, or -1. */
  readonly underlyings: number[] = [];
  /** Sets that want the row. */
  readonly wanted: Combination[] = [];
  readonly rowOf = new Map<number, number>();
  readonly #rankOf: ReadonlyMap<string, number>;

  constructor(demands: readonly SetDemand[]) {
    const ranked = [...demands].sort(compareRank);
    this.sets = ranked.map(({ set, mode, accounts }) => ({ id: set, mode, accounts }));
    this.#rankOf = new Map(this.sets.map(({ id }, rank) => [id, rank]));
    const pending: [row: number, underlying: number][] = [];
    ranked.forEach((demand, rank) => {
      const single = this.combinations.of(rank);
      for (const { token, rate, underlying } of demand.instruments) {
        let row = this.rowOf.get(token);
        if (row === undefined) row = this.#add(token, rate);
        else if (rate > this.rates[row]!) this.rates[row] = rate;
        this.wanted[row] = this.combinations.union(this.wanted[row]!, single);
        // Of sets that disagree about an option's underlying the oldest is believed: a slice can name but one.
        if (underlying !== undefined && underlying !== token && this.underlyings[row] === -1) {
          this.underlyings[row] = -2;
          pending.push([row, underlying]);
        }
      }
    });
    for (const [row, underlying] of pending) {
      this.underlyings[row] = this.rowOf.get(underlying) ?? this.#add(underlying, underlyingRate);
    }
  }

  rankOf(set: string): number | undefined {
    return this.#rankOf.get(set);
  }

  /** The richest mode that any of the sets asks for; `ltp` of an underlying that nobody asked for. */
  modeOf(sets: Combination): Mode {
    let mode: Mode = 'ltp';
    for (const rank of this.combinations.members(sets)) mode = richerMode(mode, this.sets[rank]!.mode);
    return mode;
  }

  /** Order in which rows are placed: an underlying, then its options, so that a chain stays together. */
  compareRows(a: number, b: number): number {
    return (
      this.tokens[this.#familyOf(a)]! - this.tokens[this.#familyOf(b)]! ||
      this.#generationOf(a) - this.#generationOf(b) ||
      this.tokens[a]! - this.tokens[b]!
    );
  }

  #familyOf(row: number): number {
    const underlying = this.underlyings[row]!;
    return underlying >= 0 ? underlying : row;
  }

  #generationOf(row: number): number {
    return this.underlyings[row]! >= 0 ? 1 : 0;
  }

  #add(token: number, rate: number): number {
    const row = this.tokens.length;
    this.tokens.push(token);
    this.rates.push(rate);
    this.underlyings.push(-1);
    this.wanted.push(0);
    this.rowOf.set(token, row);
    return row;
  }
}
