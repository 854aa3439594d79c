import type { Clock, Timer } from '../runtime/clock.ts';
import { unavailable } from './errors.ts';

/**
 * Waits for one promise after another, each at most as long as the limit: one timer and one listener serve them all, for
 * most promises are kept long before.
 */
export class Patience {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => this.#settle?.(() => undefined);
  #settle: ((outcome: () => undefined) => void) | undefined;
  #since = 0;
  #timer: Timer | undefined;

  /** @param limit milliseconds */
  constructor(clock: Clock, limit: number, signal: AbortSignal) {
    this.#clock = clock;
    this.#limit = limit;
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort);
  }

  /** The promise's value; undefined when the signal is aborted first; `CLUSTER_UNAVAILABLE` once patience is over. */
  wait<V>(promise: Promise<V>): Promise<V | undefined> {
    this.#since = this.#clock.monotonic();
    this.#watchOver();
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => V | undefined): void => {
        if (this.#settle !== settle) return;
        this.#settle = undefined;
        try {
          resolve(outcome());
        } catch (error) {
          reject(error);
        }
      };
      this.#settle = settle;
      if (this.#signal.aborted) this.#onAbort();
      promise.then(
        (value) => settle(() => value),
        (error: unknown) =>
          settle(() => {
            throw error instanceof Error ? error : unavailable(String(error));
          }),
      );
    });
  }

  end(): void {
    this.#settle = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  #watchOver(): void {
    if (this.#timer !== undefined) return;
    const left = this.#since + this.#limit - this.#clock.monotonic();
    const fire = (): void => {
      this.#timer = undefined;
      if (this.#settle === undefined) return;
      if (this.#clock.monotonic() < this.#since + this.#limit) this.#watchOver();
      else {
        this.#settle(() => {
          throw unavailable(`the API server was silent for ${this.#limit} ms`);
        });
      }
    };
    this.#timer = this.#clock.setTimer(left, fire, { background: true });
  }
}
