import type { Cluster, ObjectName } from '../../cluster/cluster.ts';
import { subscriptionSlices } from '../../cluster/resources.ts';
import type { SubscriptionSlice } from '../../crds/index.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import { describeError, hasCode } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import { Notifier } from './notifier.ts';

export interface SliceLookupOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly log: Logger;
  readonly name: ObjectName;
  /** The longest between two looks, in milliseconds. */
  readonly interval: number;
  /** Whether nothing is left to be known. */
  readonly done: () => boolean;
  /** The object as it is now; undefined where there is none. */
  readonly found: (slice: SubscriptionSlice | undefined) => void;
}

/** Milliseconds until the second look: most of what happens to a slice in a move happens soon. */
const firstWait = 1_000;

/** Looks up a slice that left the watch: it is another shard's now, or gone for good, and nobody would tell. */
export class SliceLookup {
  readonly #options: SliceLookupOptions;
  readonly #left = new Notifier();
  #missing = false;
  /** Looks since it left. */
  #looks = 0;

  constructor(options: SliceLookupOptions) {
    this.#options = options;
  }

  /** It has left the watch, and has not been seen since. */
  get missing(): boolean {
    return this.#missing;
  }

  seen(): void {
    this.#missing = false;
  }

  left(): void {
    if (this.#missing) return;
    this.#missing = true;
    this.#looks = 0;
    this.#left.notify();
  }

  /** Supervised task. */
  async run(signal: AbortSignal): Promise<void> {
    const { cluster, clock, log, name, interval, done, found } = this.#options;
    while (!signal.aborted) {
      if (!this.#missing) {
        await this.#left.next(signal);
        continue;
      }
      if (done()) return;
      try {
        const slice = await cluster.get<SubscriptionSlice>(subscriptionSlices, name);
        if (this.#missing) found(slice);
      } catch (error) {
        if (hasCode(error, 'CLUSTER_NOT_FOUND')) found(undefined);
        else log.debug({ event: 'slice.lookupFailed', error: describeError(error) }, 'looked up again later');
      }
      await sleep(clock, Math.min(interval, firstWait * 2 ** this.#looks++), signal);
    }
  }
}
