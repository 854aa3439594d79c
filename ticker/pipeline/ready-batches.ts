import type { GatheredBatch } from './gathered-batch.ts';

/** Characters of text, or bytes, in sealed batches that wait to be taken. One frame of 3,000 full packets makes about 1.5 million. */
export const maxReadyCharacters = 64 * 1024 * 1024;

/** Sealed batches until they are taken. Past the bound the oldest are dropped. */
export class ReadyBatches {
  #batches: GatheredBatch[] = [];
  #characters = 0;

  get empty(): boolean {
    return this.#batches.length === 0;
  }

  /** Returns how many ticks were dropped to make room. */
  push(batch: GatheredBatch): number {
    this.#batches.push(batch);
    this.#characters += sizeOf(batch);
    let dropped = 0;
    while (this.#characters > maxReadyCharacters && this.#batches.length > 1) {
      const oldest = this.#batches.shift()!;
      this.#characters -= sizeOf(oldest);
      dropped += oldest.count;
    }
    return dropped;
  }

  /** All of them, in order. */
  take(): GatheredBatch[] {
    const batches = this.#batches;
    this.#batches = [];
    this.#characters = 0;
    return batches;
  }
}

function sizeOf(batch: GatheredBatch): number {
  let size = batch.body.length;
  for (const value of batch.latest) size += value.json.length;
  return size;
}
