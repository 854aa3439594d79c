import { sinkUnavailable } from '../errors.ts';
import type { Published, SinkReader, Unsubscribe } from '../reader.ts';
import type { Channels } from './channels.ts';
import type { SliceStore } from './memory-sink.ts';
import type { StreamEntry } from './stream.ts';

/** Reads what a {@link MemorySink} of the same process holds. */
export class MemoryReader implements SinkReader {
  readonly #slices: ReadonlyMap<string, SliceStore>;
  readonly #channels: Channels;
  readonly #subscriptions = new Set<Unsubscribe>();
  #closed = false;

  constructor(slices: ReadonlyMap<string, SliceStore>, channels: Channels) {
    this.#slices = slices;
    this.#channels = channels;
  }

  async subscribe(channel: string, deliver: (message: Published) => void): Promise<Unsubscribe> {
    this.#check();
    const unsubscribe = this.#channels.subscribe(channel, deliver);
    this.#subscriptions.add(unsubscribe);
    return () => {
      this.#subscriptions.delete(unsubscribe);
      return unsubscribe();
    };
  }

  async latest(setUid: string): Promise<ReadonlyMap<string, string>> {
    this.#check();
    const newest = new Map<string, { time: number; json: string }>();
    for (const slice of this.#slices.values()) {
      for (const [instrument, row] of slice.sets.get(setUid)?.latest.rows ?? []) {
        if ((newest.get(instrument)?.time ?? Number.NEGATIVE_INFINITY) <= row.time) newest.set(instrument, row);
      }
    }
    return new Map([...newest].map(([instrument, row]) => [instrument, row.json]));
  }

  async range(sliceUid: string, setUid: string, afterId: string, limit: number): Promise<readonly StreamEntry[]> {
    this.#check();
    return this.#slices.get(sliceUid)?.sets.get(setUid)?.stream.range(afterId, limit) ?? [];
  }

  async rangeBack(sliceUid: string, setUid: string, beforeId: string, limit: number): Promise<readonly StreamEntry[]> {
    this.#check();
    return this.#slices.get(sliceUid)?.sets.get(setUid)?.stream.rangeBack(beforeId, limit) ?? [];
  }

  async slices(setUid: string): Promise<readonly string[]> {
    this.#check();
    return [...this.#slices].filter(([, slice]) => slice.sets.has(setUid)).map(([sliceUid]) => sliceUid);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#subscriptions].map((unsubscribe) => unsubscribe()));
    this.#subscriptions.clear();
  }

  #check(): void {
    if (this.#closed) throw sinkUnavailable('the reader is closed');
  }
}
