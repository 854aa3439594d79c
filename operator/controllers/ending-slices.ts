import { idOf } from './names.ts';
import { isLive } from './shards.ts';
import { endDeadline, endingWrite, type SliceWrite } from './slice-writes.ts';
import type { World } from './world.ts';

/** Slices whose stream is being ended (PROTOCOL 7), and how long their owners have been gone. */
export class EndingSlices {
  /** When the owner of a slice was first seen gone, by slice UID; monotonic milliseconds. */
  readonly #goneSince = new Map<string, number>();

  /** Whoever begins to lead waits anew. */
  forget(): void {
    this.#goneSince.clear();
  }

  /** What is to be done about them, and milliseconds until one of them has waited long enough. */
  writes({ slices, shards }: World, now: number): { writes: SliceWrite[]; wait: number | undefined } {
    const writes: SliceWrite[] = [];
    const present = new Set<string>();
    let wait: number | undefined;
    for (const slice of slices.filter(({ metadata }) => metadata.deletionTimestamp !== undefined)) {
      const key = slice.metadata.uid ?? idOf(slice);
      present.add(key);
      if (isLive(shards, slice.spec.owner)) this.#goneSince.delete(key);
      else if (!this.#goneSince.has(key)) this.#goneSince.set(key, now);
      const since = this.#goneSince.get(key) ?? now;
      const write = endingWrite(slice, shards, now - since);
      if (write !== undefined) writes.push(write);
      else if (this.#goneSince.has(key)) wait = Math.min(wait ?? endDeadline, since + endDeadline - now);
    }
    for (const key of this.#goneSince.keys()) if (!present.has(key)) this.#goneSince.delete(key);
    return { writes, wait };
  }
}
