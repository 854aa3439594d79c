import type { Clock, Timer } from './clock.ts';
import { type QueuedTimer, TimerQueue } from './timer-queue.ts';

/** Timers fired by {@link VirtualClock.run} before the process's own events (signals, messages) get a turn. */
const turnAfter = 20_000;

/** Timers fired in a row at one instant before {@link VirtualClock.run} takes it for a loop that waits for no time. */
const standstill = 100_000;

/**
 * A clock that moves only when told to. Timers fire in order of their time, and of their setting where times are equal,
 * so that a run with the same inputs is the same run.
 */
export class VirtualClock implements Clock {
  #monotonic = 0;
  #epoch: number;
  #order = 0;
  readonly #timers = new TimerQueue();

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
    return this.#timers.size;
  }

  /** Steps the wall clock by `milliseconds` without firing anything, as a clock adjustment would. */
  step(milliseconds: number): void {
    this.#epoch += milliseconds;
  }

  /** Time goes by for a process that is stopped: what is due meanwhile fires late, when time moves on again. */
  jump(milliseconds: number): void {
    this.#monotonic += milliseconds;
  }

  setTimer(delay: number, fire: () => void): Timer {
    const timer: QueuedTimer = { at: this.#monotonic + Math.max(0, delay), order: this.#order++, fire };
    this.#timers.push(timer);
    return { cancel: () => this.#timers.cancel(timer) };
  }

  /**
   * Moves time on by `milliseconds`, firing due timers one by one and letting promises settle after each, and real
   * input and output too as far as it is there already.
   */
  async advance(milliseconds: number): Promise<void> {
    const until = this.#monotonic + milliseconds;
    await settle();
    while (this.#timers.nextAt <= until) {
      this.#fireNext();
      await settle();
    }
    this.#monotonic = until;
  }

  /**
   * Like {@link advance}, for programs without any real input or output: after each timer everything that promises can
   * do is done, and nothing else is waited for. An exception of a timer's callback ends the run, and so do timers that
   * set one another for ever without any time between.
   */
  run(milliseconds: number): Promise<void> {
    const until = this.#monotonic + milliseconds;
    let fired = 0;
    let atOnce = 0;
    return new Promise((resolve, reject) => {
      const step = (): void => {
        if (this.#timers.nextAt > until) {
          this.#monotonic = until;
          resolve();
          return;
        }
        try {
          atOnce = this.#timers.nextAt > this.#monotonic ? 0 : atOnce + 1;
          if (atOnce > standstill) throw new Error(`time stands still: ${standstill} timers fired at one instant`);
          this.#fireNext();
        } catch (error) {
          reject(error);
          return;
        }
        if (++fired % turnAfter === 0) setImmediate(step);
        else afterPromises(step);
      };
      afterPromises(step);
    });
  }

  #fireNext(): void {
    this.#monotonic = Math.max(this.#monotonic, this.#timers.nextAt);
    this.#timers.shift()?.();
  }
}

/**
 * Calls back once no promise has anything left to do: Node runs its tick queue only when the microtask queue is empty
 * (`processTicksAndRejections`). The microtask in between keeps this tick out of a round that is already under way.
 * `queueMicrotask` would do the same, and make an asynchronous resource each time.
 */
function afterPromises(act: () => void): void {
  void kept.then(() => process.nextTick(act));
}

const kept = Promise.resolve();

/** Lets promise chains and immediate callbacks that are already due run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
