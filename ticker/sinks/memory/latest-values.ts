import type { LatestValue } from '../sink.ts';

/** Newest row of each instrument; never back in exchange time, never more instruments than `limit`. */
export class LatestValues {
  readonly #limit: number;
  readonly #rows = new Map<string, { time: number; json: string }>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get rows(): ReadonlyMap<string, { readonly time: number; readonly json: string }> {
    return this.#rows;
  }

  /** An equal time replaces: exchange times are coarse, and what comes later is newer. */
  offer(value: LatestValue): void {
    const known = this.#rows.get(value.instrument);
    if (known !== undefined && known.time > value.time) return;
    this.#rows.set(value.instrument, { time: value.time, json: value.json });
  }

  /** Drops the instruments with the oldest times down to nine tenths of the limit, once it is passed. */
  trim(): void {
    if (this.#rows.size <= this.#limit) return;
    const byTime = [...this.#rows].sort(([, a], [, b]) => a.time - b.time);
    const excess = this.#rows.size - Math.floor(this.#limit * 0.9);
    for (const [instrument] of byTime.slice(0, excess)) this.#rows.delete(instrument);
  }
}
