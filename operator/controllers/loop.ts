import { type BackoffPolicy, backoffDelay } from '../../runtime/backoff.ts';
import type { Clock } from '../../runtime/clock.ts';
import { describeError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import { Wakeup } from '../deadline.ts';

export interface LoopOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  readonly reconcile: () => Promise<{ readonly requeueAfter?: number | undefined }>;
}

/** Changes that come within this time (milliseconds) of each other are dealt with together. */
const debounce = 20;
/** Everything is looked at this often (milliseconds) though nothing is heard of. */
const resync = 30_000;
const backoff: BackoffPolicy = { first: 100, most: 30_000 };

/**
 * Runs one reconcile at a time: soon after a trigger, however many there were meanwhile; again after what the last one
 * asked for, or with backoff after a failure.
 */
export class ReconcileLoop {
  readonly #options: LoopOptions;
  readonly #wakeup: Wakeup;
  #failures = 0;
  /** Reconciles that succeeded and that failed. */
  readonly counts = { succeeded: 0, failed: 0 };

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock);
  }

  /** Something changed. */
  trigger(): void {
    this.#wakeup.wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    const silent = new Wakeup(this.#options.clock);
    while (!signal.aborted) {
      const wait = await this.#once();
      // A failure waits its backoff out whatever happens meanwhile; otherwise any change wakes.
      if (this.#failures > 0) await silent.sleep(wait, signal);
      else await this.#wakeup.sleep(wait, signal);
      await silent.sleep(debounce, signal);
    }
  }

  async #once(): Promise<number> {
    const { log, random, reconcile } = this.#options;
    try {
      const { requeueAfter } = await reconcile();
      this.#failures = 0;
      this.counts.succeeded++;
      return Math.min(requeueAfter ?? resync, resync);
    } catch (error) {
      this.counts.failed++;
      const wait = backoffDelay(backoff, this.#failures++, random);
      log.warn({ event: 'reconcile.failed', error, wait: Math.round(wait) }, describeError(error));
      return wait;
    }
  }
}
