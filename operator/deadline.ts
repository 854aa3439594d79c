import { type Clock, sleep } from '../runtime/clock.ts';
import { defineError } from '../runtime/errors.ts';

const overdue = defineError(
  'OPERATOR_DEADLINE',
  'retryable',
  'It is tried again; look at the log of the shard that was asked.',
);

/** Runs `work` with a signal that is aborted after `milliseconds`; rejects then even if `work` does not listen. */
export async function withDeadline<T>(
  clock: Clock,
  milliseconds: number,
  what: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const done = new AbortController();
  const both = AbortSignal.any([signal, late.signal]);
  const timeout = sleep(clock, milliseconds, AbortSignal.any([signal, done.signal])).then((): never => {
    late.abort();
    throw overdue(`${what} did not answer within ${milliseconds / 1000} s`);
  });
  try {
    return await Promise.race([work(both), timeout]);
  } finally {
    done.abort();
    // Whoever lost the race has nobody left to tell.
    await timeout.catch(() => undefined);
  }
}

/** Something to sleep on that others can wake. */
export class Wakeup {
  readonly #clock: Clock;
  #woken = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Until woken (also when that was since the last sleep), `milliseconds` have passed, or `signal` is aborted. */
  async sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (!this.#woken && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const finish = (): void => {
          timer.cancel();
          signal.removeEventListener('abort', finish);
          this.#wake = undefined;
          resolve();
        };
        const timer = this.#clock.setTimer(milliseconds, finish);
        signal.addEventListener('abort', finish, { once: true });
        this.#wake = finish;
      });
    }
    this.#woken = false;
  }
}
