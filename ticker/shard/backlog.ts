import type { SliceSet } from '../../crds/index.ts';
import type { Gap } from '../delivery.ts';
import type { GatheredBatch } from '../pipeline/gathered-batch.ts';
import { mergeGaps } from './gaps.ts';
import type { SpoolPlace } from './spool/place.ts';

/** A batch that waits to be stamped and accepted, with what must be said of it whatever its token will be. */
export interface HeldBatch {
  /** Counts up over all batches of the slice. */
  readonly id: number;
  /** Without body and latest values where it is {@link evicted}. */
  batch: GatheredBatch;
  /** The set as it was when the batch was gathered: it may leave the slice before the batch is sent. */
  readonly set: SliceSet;
  readonly bytes: number;
  /** What was missed just before it. */
  gap: Gap | undefined;
  /** It was sent, and whether it was written is not known. */
  mayRepeat: boolean;
  /** It is in a call that waits for its answer. */
  open?: boolean;
  /** It waits no longer. */
  gone?: boolean;
  /** It is being written to the spool. */
  storing?: boolean;
  /** Where the spool has it. */
  place?: SpoolPlace | undefined;
  /** Only the spool has it. */
  evicted?: boolean;
}

/** UTF-16 strings of ASCII text take one byte a character; `latest` is counted by its JSON. */
export function heldBytes(batch: GatheredBatch): number {
  let bytes = batch.body.length;
  for (const value of batch.latest) bytes += value.json.length;
  return bytes;
}

/** Batches in order, not stamped yet. Dropping one leaves a debt: the next batch of its set says so. */
export class Backlog {
  /** No batch of it has a lower id, and no batch of a later backlog of the slice has a lower one than its own. */
  readonly from: number;
  /** Id of the last batch of it that the sink accepted. */
  accepted: number;
  /** Those before {@link #head} were taken, and are not held on to. */
  #items: (HeldBatch | undefined)[] = [];
  #head = 0;
  /** Said by the next batch of the set that is taken. */
  #owed = new Map<string, Gap>();
  /** Said by the next batch of the set that is added. */
  #announced = new Map<string, Gap>();

  constructor(from = 0) {
    this.from = from;
    this.accepted = from - 1;
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  get first(): HeldBatch | undefined {
    return this.#items[this.#head];
  }

  /** Its first batch is there to be taken. */
  get ready(): boolean {
    return this.first !== undefined && this.first.evicted !== true;
  }

  /** From the oldest on. */
  *items(): Generator<HeldBatch> {
    for (let i = this.#head; i < this.#items.length; i++) yield this.#items[i]!;
  }

  /** What only memory has, behind everything that the spool has too; from the oldest on. */
  unstored(): readonly HeldBatch[] {
    let from = this.#items.length;
    while (from > this.#head && this.#items[from - 1]!.place === undefined) from--;
    return this.#items.slice(from) as HeldBatch[];
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

  /** Drops the oldest that takes memory, but for what leaves it soon: dropped, it would have been written in vain. */
  dropResident(): HeldBatch | undefined {
    if (this.first === undefined || (this.ready && this.first.storing !== true)) return this.drop();
    const victim = this.#items.find((held) => held !== undefined && held.evicted !== true && held.storing !== true);
    if (victim !== undefined) this.dropAll((held) => held === victim);
    return victim;
  }

  /** Drops what `lost` is true of, wherever it is. `told`: the batches that say so, where they are here already. */
  dropAll(lost: (held: HeldBatch) => boolean): { dropped: HeldBatch[]; told: HeldBatch[] } {
    const dropped: HeldBatch[] = [];
    const told = new Set<HeldBatch>();
    const debts = new Map<string, Gap>();
    const kept: HeldBatch[] = [];
    this.payDebts();
    for (const held of this.items()) {
      const { batch, set } = held;
      if (lost(held)) {
        const own: Gap = { from: batch.firstReceived, to: batch.lastReceived, why: 'spool', ticks: batch.count };
        debts.set(set.uid, mergeGaps(debts.get(set.uid), mergeGaps(held.gap, own))!);
        dropped.push(held);
        continue;
      }
      const debt = debts.get(set.uid);
      if (debt !== undefined) {
        held.gap = mergeGaps(debt, held.gap);
        debts.delete(set.uid);
        told.add(held);
      }
      kept.push(held);
    }
    this.#items = kept;
    this.#head = 0;
    // Announced gaps come after everything that is here, so these come before them, all the same in one batch.
    for (const [uid, gap] of debts) this.#announced.set(uid, mergeGaps(gap, this.#announced.get(uid))!);
    return { dropped, told: [...told] };
  }

  /** Takes away everything up to `id`, which the sink has. */
  removeThrough(id: number): HeldBatch[] {
    const removed: HeldBatch[] = [];
    while (this.first !== undefined && this.first.id <= id) removed.push(this.#remove()!);
    this.accepted = removed.at(-1)?.id ?? this.accepted;
    return removed;
  }

  /** Takes over everything of another, what it has to say included. */
  adopt(other: Backlog): void {
    this.#items = [...this.#items.slice(this.#head), ...other.items()];
    this.#head = 0;
    for (const [uid, gap] of other.#owed) this.owe(uid, gap);
    for (const [uid, gap] of other.#announced) this.announce(uid, gap);
    other.#items = [];
    other.#head = 0;
    other.#owed.clear();
    other.#announced.clear();
  }

  /** Moves what is owed to the batches that will say it, where they are here already. */
  payDebts(): void {
    for (const [uid, gap] of this.#owed) {
      const follower = this.#find(uid);
      if (follower === undefined) continue;
      follower.gap = mergeGaps(gap, follower.gap);
      this.#owed.delete(uid);
    }
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
    this.#items[this.#head++] = undefined;
    // Compacting at half keeps taking from the front cheap.
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return held;
  }
}
