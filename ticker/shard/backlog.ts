import type { SliceSet } from '../../crds/index.ts';
import type { Gap } from '../delivery.ts';
import type { GatheredBatch } from '../pipeline/gathered-batch.ts';
import { mergeGaps } from './gaps.ts';

/** A batch that waits to be stamped and accepted, with what must be said of it whatever its token will be. */
export interface HeldBatch {
  readonly batch: GatheredBatch;
  /** The set as it was when the batch was gathered: it may leave the slice before the batch is sent. */
  readonly set: SliceSet;
  readonly bytes: number;
  /** What was missed just before it. */
  gap: Gap | undefined;
  /** It was sent, and whether it was written is not known. */
  mayRepeat: boolean;
}

/** UTF-16 strings of ASCII text take one byte a character; `latest` is counted by its JSON. */
export function heldBytes(batch: GatheredBatch): number {
  let bytes = batch.body.length;
  for (const value of batch.latest) bytes += value.json.length;
  return bytes;
}

/** Batches in order, not stamped yet. Dropping one leaves a debt: the next batch of its set says so. */
export class Backlog {
  #items: HeldBatch[] = [];
  #head = 0;
  /** Said by the next batch of the set that is taken. */
  #owed = new Map<string, Gap>();
  /** Said by the next batch of the set that is added. */
  #announced = new Map<string, Gap>();

  get length(): number {
    return this.#items.length - this.#head;
  }

  get first(): HeldBatch | undefined {
    return this.#items[this.#head];
  }

  push(held: HeldBatch): void {
    const announced = this.#announced.get(held.set.uid);
    if (announced !== undefined) {
      held.gap = mergeGaps(announced, held.gap);
      this.#announced.delete(held.set.uid);
    }
    this.#items.push(held);
  }

  /** Takes the oldest, with the gap that is owed to its set. */
  shift(): HeldBatch | undefined {
    const held = this.#remove();
    if (held === undefined) return undefined;
    const owed = this.#owed.get(held.set.uid);
    if (owed !== undefined) {
      held.gap = mergeGaps(owed, held.gap);
      this.#owed.delete(held.set.uid);
    }
    return held;
  }

  /** Puts batches that were taken back before all others. */
  unshift(returned: readonly HeldBatch[]): void {
    if (returned.length === 0) return;
    // What was dropped while they were out comes after them, so it stays owed to the batch that follows them: attach
    // it there now, for the next one taken will be a returned one.
    for (const [uid, gap] of this.#owed) {
      if (!returned.some((held) => held.set.uid === uid)) continue;
      const follower = this.#find(uid);
      if (follower === undefined) this.announce(uid, gap);
      else follower.gap = mergeGaps(gap, follower.gap);
      this.#owed.delete(uid);
    }
    this.#items = [...returned, ...this.#items.slice(this.#head)];
    this.#head = 0;
  }

  /** Drops the oldest for want of room. */
  drop(): HeldBatch | undefined {
    const held = this.#remove();
    if (held === undefined) return undefined;
    const { batch } = held;
    const own: Gap = { from: batch.firstReceived, to: batch.lastReceived, why: 'spool', ticks: batch.count };
    this.owe(held.set.uid, mergeGaps(held.gap, own)!);
    return held;
  }

  /** Says of a gap after everything that is held of this set now. */
  announce(setUid: string, gap: Gap): void {
    this.#announced.set(setUid, mergeGaps(this.#announced.get(setUid), gap)!);
  }

  /** Says of a gap before everything that is held of this set now. */
  owe(setUid: string, gap: Gap): void {
    this.#owed.set(setUid, mergeGaps(this.#owed.get(setUid), gap)!);
  }

  #find(setUid: string): HeldBatch | undefined {
    for (let i = this.#head; i < this.#items.length; i++) {
      if (this.#items[i]!.set.uid === setUid) return this.#items[i];
    }
    return undefined;
  }

  #remove(): HeldBatch | undefined {
    const held = this.#items[this.#head];
    if (held === undefined) return undefined;
    this.#head++;
    // Compacting at half keeps taking from the front cheap.
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return held;
  }
}
