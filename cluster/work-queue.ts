import { type BackoffPolicy, backoffDelay } from '../runtime/backoff.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { defineError } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Wait before a key that failed is handed out again; default 50 ms doubling to 60 s. */
  readonly backoff?: BackoffPolicy;
  /** Keys that wait, are delayed or are processed, at most. */
  readonly maxKeys?: number;
}

export const queueFull = defineError(
  'WORK_QUEUE_FULL',
  'retryable',
  'Nothing drains the queue fast enough; look for reconciles that are stuck, or raise the limit.',
);

const defaultBackoff: BackoffPolicy = { first: 50, most: 60_000 };
const defaultMaxKeys = 100_000;

/**
 * Keys to be worked on, with the semantics of client-go's and controller-runtime's queues:
 * - a key is queued once, however often it is added before it is handed out;
 * - a key that is being processed is not handed out again before {@link done}; added meanwhile, it is queued then;
 * - keys come out in the order in which they went in.
 *
 * Bounded: a new key beyond `maxKeys` is refused with `WORK_QUEUE_FULL`, so that nothing is dropped in silence.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  /** Keys in order. */
  readonly #queued = new Set<string>();
  readonly #processing = new Set<string>();
  /** Added while they were processed. */
  readonly #dirty = new Set<string>();
  readonly #delayed = new Map<string, { at: number; timer: Timer }>();
  readonly #failures = new Map<string, number>();
  readonly #waiting: ((key: string | undefined) => void)[] = [];
  #closed = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that could be handed out now. */
  get length(): number {
    return this.#queued.size;
  }

  /** Keys that are being processed. */
  get processing(): number {
    return this.#processing.size;
  }

  /** Keys that wait for their time. */
  get delayed(): number {
    return this.#delayed.size;
  }

  /** Failures of a key since it was last forgotten. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Queues `key` now. */
  add(key: string): void {
    if (this.#closed || this.#queued.has(key) || this.#dirty.has(key)) return;
    if (this.#processing.has(key)) {
      this.#dirty.add(key);
      return;
    }
    if (!this.#delayed.has(key)) this.#checkRoom(key);
    this.#cancelDelay(key);
    this.#queued.add(key);
    this.#handOut();
  }

  /** Queues `key` in `delay` milliseconds; the earliest of several such times counts. */
  addAfter(key: string, delay: number): void {
    if (this.#closed) return;
    if (delay <= 0) {
      this.add(key);
      return;
    }
    const at = this.#options.clock.monotonic() + delay;
    const former = this.#delayed.get(key);
    if (this.#queued.has(key) || (former !== undefined && former.at <= at)) return;
    if (former === undefined && !this.#processing.has(key)) this.#checkRoom(key);
    this.#cancelDelay(key);
    const due = (): void => {
      this.#delayed.delete(key);
      this.add(key);
    };
    this.#delayed.set(key, { at, timer: this.#options.clock.setTimer(delay, due, { background: true }) });
  }

  /** Queues a key that failed after its backoff; returns the wait in milliseconds. */
  retry(key: string): number {
    const failures = this.failures(key);
    this.#failures.set(key, failures + 1);
    const wait = backoffDelay(this.#options.backoff ?? defaultBackoff, failures, this.#options.random);
    this.addAfter(key, wait);
    return wait;
  }

  /** The key succeeded: its next failure is the first again. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The next key, as soon as there is one; undefined when `signal` is aborted or the queue closed. */
  get(signal: AbortSignal): Promise<string | undefined> {
    return new Promise((resolve) => {
      const take = (key: string | undefined): void => {
        signal.removeEventListener('abort', onAbort);
        resolve(key);
      };
      const onAbort = (): void => {
        const index = this.#waiting.indexOf(take);
        if (index >= 0) this.#waiting.splice(index, 1);
        take(undefined);
      };
      if (signal.aborted || this.#closed) {
        resolve(undefined);
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(take);
      this.#handOut();
    });
  }

  /** The key that was handed out has been worked on, well or not. */
  done(key: string): void {
    this.#processing.delete(key);
    if (!this.#dirty.delete(key)) return;
    this.add(key);
  }

  /** Hands out nothing more. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    this.#queued.clear();
    this.#dirty.clear();
    for (const take of this.#waiting.splice(0)) take(undefined);
  }

  #handOut(): void {
    for (const key of this.#queued) {
      const take = this.#waiting.shift();
      if (take === undefined) return;
      this.#queued.delete(key);
      this.#processing.add(key);
      take(key);
    }
  }

  #cancelDelay(key: string): void {
    this.#delayed.get(key)?.timer.cancel();
    this.#delayed.delete(key);
  }

  #checkRoom(key: string): void {
    const { maxKeys = defaultMaxKeys } = this.#options;
    if (this.#queued.size + this.#processing.size + this.#delayed.size >= maxKeys) {
      throw queueFull(`the work queue holds ${maxKeys} keys; ${key} was refused`);
    }
  }
}
