import { type Clock, sleep } from '../../runtime/clock.ts';
import { describeError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import { channelOf, isEverySlice } from './channels.ts';
import type { Published, SinkReader, Unsubscribe } from './reader.ts';

export interface SetSubscriptionOptions {
  readonly reader: SinkReader;
  readonly clock: Clock;
  readonly log: Logger;
  readonly setUid: string;
  /** The set's channel, or what stands for those of all its slices. */
  readonly channel: string;
  readonly deliver: (message: Published) => void;
}

/** Milliseconds between two looks at which slices deliver to a set. */
const lookEvery = 1000;

/**
 * Subscribes to everything of a set. Where its channels are sharded, that is one for each slice in the set's directory,
 * which is read again every second; what a new slice publishes before it is found there is missed.
 */
export async function subscribeSet(options: SetSubscriptionOptions): Promise<Unsubscribe> {
  const { reader, channel, deliver } = options;
  if (!isEverySlice(channel)) return reader.subscribe(channel, deliver);
  const slices = new SliceSubscriptions(options);
  try {
    await slices.look();
  } catch (error) {
    await slices.close();
    throw error;
  }
  slices.follow();
  return () => slices.close();
}

class SliceSubscriptions {
  readonly #options: SetSubscriptionOptions;
  readonly #bySlice = new Map<string, Unsubscribe>();
  readonly #closing = new AbortController();
  #following: Promise<void> = Promise.resolve();

  constructor(options: SetSubscriptionOptions) {
    this.#options = options;
  }

  /** Subscribes the slices that are new, and ends those that are gone. */
  async look(): Promise<void> {
    const { reader, setUid, channel, deliver } = this.#options;
    const slices = new Set(await reader.slices(setUid));
    for (const [sliceUid, unsubscribe] of this.#bySlice) {
      if (slices.has(sliceUid)) continue;
      this.#bySlice.delete(sliceUid);
      await unsubscribe();
    }
    for (const sliceUid of slices) {
      if (this.#bySlice.has(sliceUid) || this.#closing.signal.aborted) continue;
      this.#bySlice.set(sliceUid, await reader.subscribe(channelOf(channel, sliceUid), deliver));
    }
  }

  follow(): void {
    this.#following = this.#follow();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#following;
    await Promise.all([...this.#bySlice.values()].map((unsubscribe) => unsubscribe()));
    this.#bySlice.clear();
  }

  async #follow(): Promise<void> {
    const { clock, log, setUid } = this.#options;
    const { signal } = this.#closing;
    for (let told = false; !signal.aborted; ) {
      await sleep(clock, lookEvery, signal);
      if (signal.aborted) return;
      try {
        await this.look();
        told = false;
      } catch (error) {
        if (!told) log.warn({ event: 'reader.slices', set: setUid }, describeError(error));
        told = true;
      }
    }
  }
}
