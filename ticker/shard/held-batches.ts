import type { GatheredBatch } from '../pipeline/gathered-batch.ts';
import type { HeldBatch } from './backlog.ts';
import { newOutboxCounters, type OutboxCounters } from './outbox-counters.ts';
import type { SpoolPlace } from './spool/place.ts';

export interface HeldBounds {
  /** Bounds of what waits for the sink in memory. */
  readonly maxBytes: number;
  readonly maxBatches: number;
  /** The spool need not keep this batch any longer. */
  readonly released: (place: SpoolPlace) => void;
}

/** Accounts for what an outbox holds, wherever it waits: how much of it is in memory, and how much the spool has. */
export class HeldBatches {
  readonly counters: OutboxCounters = newOutboxCounters();
  readonly bounds: HeldBounds;
  #resident = 0;

  constructor(bounds: HeldBounds) {
    this.bounds = bounds;
  }

  /** Batches in memory. */
  get resident(): number {
    return this.#resident;
  }

  get full(): boolean {
    return this.counters.heldBytes > this.bounds.maxBytes || this.#resident > this.bounds.maxBatches;
  }

  /** One more waits, in memory. */
  take({ batch, bytes }: HeldBatch): void {
    this.counters.held += batch.count;
    this.counters.heldBatches++;
    this.counters.heldBytes += bytes;
    this.#resident++;
  }

  /** One more waits, that a process before this one left in the spool. */
  restore({ batch }: HeldBatch): void {
    const { counters } = this;
    counters.added += batch.count;
    counters.restored += batch.count;
    counters.held += batch.count;
    counters.heldBatches++;
    counters.spooled += batch.count;
    counters.spooledBatches++;
  }

  /** The spool has it. */
  placed(held: HeldBatch, place: SpoolPlace): void {
    held.place = place;
    this.counters.spooled += held.batch.count;
    this.counters.spooledBatches++;
  }

  /** The spool has it no longer, or need not. */
  unplace(held: HeldBatch): void {
    if (held.place === undefined) return;
    this.bounds.released(held.place);
    held.place = undefined;
    this.counters.spooled -= held.batch.count;
    this.counters.spooledBatches--;
  }

  /** It leaves memory, for the spool has it. */
  evict(held: HeldBatch): void {
    if (held.evicted === true) return;
    held.evicted = true;
    // Its memory is not given back by hand: a call that was taken back may still be on its way out with it.
    const { release: _, ...batch } = held.batch;
    held.batch = { ...batch, body: '', latest: [] };
    this.counters.heldBytes -= held.bytes;
    this.#resident--;
  }

  /** It was read back into memory. */
  readBack(held: HeldBatch, batch: GatheredBatch): void {
    held.batch = batch;
    held.evicted = false;
    this.counters.heldBytes += held.bytes;
    this.#resident++;
  }

  /** It waits no longer. */
  release(held: HeldBatch): void {
    held.gone = true;
    this.counters.held -= held.batch.count;
    this.counters.heldBatches--;
    if (held.evicted !== true) {
      this.counters.heldBytes -= held.bytes;
      this.#resident--;
    }
    this.unplace(held);
  }

  /** It waits no longer, and nobody gets it. */
  discard(held: HeldBatch): void {
    this.release(held);
    this.counters.discarded += held.batch.count;
  }
}
