/** Urgent writes within so many intervals that don't wait for their interval. */
const urgentWrites = 5;
const urgentIntervals = 5;

/**
 * When the next write may go out: an interval after the one before, or at once where somebody waits for it, as long as
 * that is not so all the time. Times are monotonic milliseconds. Pure.
 */
export class WritePace {
  readonly #interval: number;
  #last = Number.NEGATIVE_INFINITY;
  /** Writes that did not wait, oldest first. */
  #early: number[] = [];

  constructor(interval: number) {
    this.#interval = interval;
  }

  /** Milliseconds until a write may go out. */
  wait(now: number, urgent: boolean): number {
    const early = this.#early.filter((at) => now - at < urgentIntervals * this.#interval);
    if (urgent && early.length < urgentWrites) return 0;
    const rest = this.#last + this.#interval - now;
    // A timer's clock and this one may differ by what was rounded.
    return rest < 1 ? 0 : rest;
  }

  /** One goes out. */
  wrote(now: number): void {
    if (now - this.#last < this.#interval) this.#early = [...this.#early, now].slice(-urgentWrites);
    this.#last = now;
  }
}
