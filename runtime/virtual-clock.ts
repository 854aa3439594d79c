import type { Clock, Timer } from './clock.ts';

interface Pending {
  at: number;
  order: number;
  fire: () => void;
}

/**
 * A clock that moves only when told to. Timers fire in order of their time, and of their setting where times are equal,
 * so that a run with the same inputs is the same run.
 */
export class VirtualClock implements Clock {
  #monotonic = 0;
  #epoch: number;
  #order = 0;
  #pending: Pending[] = [];

  /** @param start wall-clock time at the start, in milliseconds since the Unix epoch */
  constructor(start = Date.UTC(2026, 0, 5, 4, 0)) {
    this.#epoch = start;
  }

  now(): number {
    return this.#epoch + this.#monotonic;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  /** Timers that have not fired yet. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Steps the wall clock by `milliseconds` without firing anything, as a clock adjustment would. */
  step(milliseconds: number): void {
    this.#epoch += milliseconds;
  }

  setTimer(delay: number, fire: () => void): Timer {
    const entry: Pending = { at: this.#monotonic + Math.max(0, delay), order: this.#order++, fire };
    let index = this.#pending.length;
    while (index > 0 && this.#pending[index - 1]!.at > entry.at) index--;
    this.#pending.splice(index, 0, entry);
    return {
      cancel: () => {
        const found = this.#pending.indexOf(entry);
        if (found >= 0) this.#pending.splice(found, 1);
      },
    };
  }

  /**
   * Moves time on by `milliseconds`, firing due timers one by one and letting promises settle after each.
   */
  async advance(milliseconds: number): Promise<void> {
    const until = this.#monotonic + milliseconds;
    await settle();
    for (;;) {
      const next = this.#pending[0];
      if (next === undefined || next.at > until) break;
      this.#pending.shift();
      this.#monotonic = next.at;
      next.fire();
      await settle();
    }
    this.#monotonic = until;
  }
}

/** Lets promise chains and immediate callbacks that are already due run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
