import { type BackoffPolicy, backoffDelay } from '../../runtime/backoff.ts';
import type { Clock } from '../../runtime/clock.ts';
import { describeError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import { Wakeup } from '../deadline.ts';
import type { OperatorObserver } from '../vitals.ts';

export interface LoopOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  /** @param log carries the reconcile's number */
  readonly reconcile: (log: Logger) => Promise<{ readonly requeueAfter?: number | undefined }>;
  readonly observer?: Pick<OperatorObserver, 'waited' | 'reconciled'> | undefined;
}

export interface LoopCounts {
  readonly succeeded: number;
  readonly failed: number;
  /** Changes that asked for a reconcile. */
  readonly triggers: number;
  /** Whether one has asked since the last reconcile began. */
  readonly waiting: boolean;
}

/** Changes that come within this time (milliseconds) of each other are dealt with together. */
const debounce = 20;
/** Everything is looked at this often (milliseconds) though nothing is heard of. */
const resync = 30_000;
/** A reconcile that takes longer (milliseconds) is told of. Requests have timeouts of their own, so it ends. */
const lateAfter = 60_000;
const backoff: BackoffPolicy = { first: 100, most: 30_000 };

/**
 * Runs one reconcile at a time: soon after a trigger, however many there were meanwhile; again after what the last one
 * asked for, or with backoff after a failure.
 */
export class ReconcileLoop {
  readonly #options: LoopOptions;
  readonly #wakeup: Wakeup;
  #failures = 0;
  #succeeded = 0;
  #failed = 0;
  #triggers = 0;
  /** When the first change since the last reconcile asked for one, monotonic milliseconds. */
  #waitingSince: number | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock);
  }

  get counts(): LoopCounts {
    const waiting = this.#waitingSince !== undefined;
    return { succeeded: this.#succeeded, failed: this.#failed, triggers: this.#triggers, waiting };
  }

  /** Something changed. */
  trigger(): void {
    this.#triggers++;
    this.#waitingSince ??= this.#options.clock.monotonic();
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
    const { clock, random, reconcile, observer } = this.#options;
    const log = this.#options.log.child({ reconcile: this.#succeeded + this.#failed + 1 });
    const onLate = (): void => log.error({ event: 'reconcile.late', after: lateAfter }, 'the reconcile takes too long');
    const timer = clock.setTimer(lateAfter, onLate, { background: true });
    const started = clock.monotonic();
    if (this.#waitingSince !== undefined) observer?.waited((started - this.#waitingSince) / 1000);
    this.#waitingSince = undefined;
    try {
      const { requeueAfter } = await reconcile(log);
      observer?.reconciled('succeeded', (clock.monotonic() - started) / 1000);
      this.#failures = 0;
      this.#succeeded++;
      return Math.min(requeueAfter ?? resync, resync);
    } catch (error) {
      observer?.reconciled('failed', (clock.monotonic() - started) / 1000);
      this.#failed++;
      const wait = backoffDelay(backoff, this.#failures++, random);
      log.warn({ event: 'reconcile.failed', error, wait: Math.round(wait) }, describeError(error));
      return wait;
    } finally {
      timer.cancel();
    }
  }
}
