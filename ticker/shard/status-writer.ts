import type { Cluster } from '../../cluster/cluster.ts';
import { subscriptionSlices } from '../../cluster/resources.ts';
import { apiVersion, type SliceShardStatus, type SubscriptionSlice } from '../../crds/index.ts';
import { type BackoffPolicy, backoffDelay } from '../../runtime/backoff.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import { describeError, hasCode } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import { Notifier } from './notifier.ts';
import { WritePace } from './write-pace.ts';

export interface StatusWriterOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly slice: { readonly namespace: string; readonly name: string; readonly uid: string };
  /** A field manager of its own: an entry is a pod's, and two pods may have one name. */
  readonly fieldManager: string;
  /** Least milliseconds between two writes, but for a bounded number of those that a move waits for. */
  readonly interval: number;
}

const retry: BackoffPolicy = { first: 200, most: 10_000 };

/**
 * Writes one shard's entry of a slice's status: only its own, only when it changed, the newest only. What a move waits
 * for is written at once, the rest at its own pace. The API server may be away as long as it likes; nothing waits for it.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #changed = new Notifier();
  readonly #pace: WritePace;
  /** Null: nothing is to be said any more. */
  #wanted: SliceShardStatus | null | undefined;
  #written = '';
  /** What a move waits for, of what was written. */
  #awaited = '';
  #gone = false;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.#pace = new WritePace(options.interval);
  }

  offer(status: SliceShardStatus): void {
    if (this.#wanted === null) return;
    this.#wanted = status;
    this.#changed.notify();
  }

  /** Somebody has removed what was written: it is written again. */
  repeat(): void {
    this.#written = '';
    this.#changed.notify();
  }

  /** Takes back what was said, for good. */
  withdraw(): void {
    this.#wanted = this.#wanted === undefined ? undefined : null;
    this.#changed.notify();
  }

  /** Supervised task, until `signal` is aborted; what was offered last is tried once more then. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      if (this.#wanted === undefined || this.#gone || JSON.stringify(this.#wanted) === this.#written) {
        await this.#changed.next(signal);
        continue;
      }
      const wait = this.#pace.wait(clock.monotonic(), this.#urgent);
      if (wait > 0) {
        await this.#sleepUnlessUrgent(wait, signal);
        continue;
      }
      try {
        this.#pace.wrote(clock.monotonic());
        await this.#write(this.#wanted);
        failures = 0;
      } catch (error) {
        log.warn({ event: 'status.writeFailed', error: describeError(error) }, 'trying again');
        await sleep(clock, backoffDelay(retry, failures++, random), signal);
      }
    }
    await this.flush();
  }

  get #urgent(): boolean {
    return awaitedOf(this.#wanted) !== this.#awaited;
  }

  async #sleepUnlessUrgent(wait: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const interrupt = new AbortController();
    const end = this.#changed.listen(() => {
      if (this.#pace.wait(clock.monotonic(), this.#urgent) === 0) interrupt.abort();
    });
    await sleep(clock, wait, AbortSignal.any([signal, interrupt.signal]));
    end();
  }

  /** Writes what was offered last, now; a failure is only logged. */
  async flush(): Promise<void> {
    if (this.#wanted === undefined || this.#gone || JSON.stringify(this.#wanted) === this.#written) return;
    try {
      await this.#write(this.#wanted);
    } catch (error) {
      this.#options.log.warn({ event: 'status.writeFailed', error: describeError(error) }, 'given up at the end');
    }
  }

  async #write(status: SliceShardStatus | null): Promise<void> {
    const { cluster, slice, fieldManager } = this.#options;
    const text = JSON.stringify(status);
    const object: Pick<SubscriptionSlice, 'apiVersion' | 'kind' | 'metadata' | 'status'> = {
      apiVersion,
      kind: 'SubscriptionSlice',
      metadata: { namespace: slice.namespace, name: slice.name, uid: slice.uid },
      status: { shards: status === null ? [] : [status] },
    };
    try {
      await cluster.applyStatus(subscriptionSlices, object, { fieldManager, force: true });
      this.#written = text;
      this.#awaited = awaitedOf(status);
    } catch (error) {
      if (hasCode(error, 'CLUSTER_NOT_FOUND')) this.#gone = true;
      else throw error;
    }
  }
}

/** What others act on as soon as they see it: the operator moves a slice on by it. */
function awaitedOf(status: SliceShardStatus | null | undefined): string {
  if (status === null || status === undefined) return String(status);
  const { phase, observedGeneration, token, beatenBy, streaming } = status;
  return JSON.stringify([phase, observedGeneration, token, beatenBy, streaming]);
}
