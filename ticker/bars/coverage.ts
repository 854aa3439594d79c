/**
 * The last time in which a slice received nothing: from `from` to just before `to`, milliseconds since the epoch; `to` is
 * infinite while it lasts. Before the first connection it has lasted for ever.
 */
export class Coverage {
  #from = Number.NEGATIVE_INFINITY;
  #to = Number.POSITIVE_INFINITY;

  get open(): boolean {
    return this.#to !== Number.POSITIVE_INFINITY;
  }

  /** Everything since then was watched; `Infinity` while nothing is. */
  get since(): number {
    return this.#to;
  }

  /** A connection is open, and everything subscribed. */
  opened(at: number): void {
    if (!this.open) this.#to = at;
  }

  lost(at: number): void {
    if (!this.open) return;
    this.#from = at;
    this.#to = Number.POSITIVE_INFINITY;
  }

  /** Whether a part of the time from `start` to `end` was not watched. */
  lacks(start: number, end: number): boolean {
    return this.#from < end && this.#to > start;
  }
}
