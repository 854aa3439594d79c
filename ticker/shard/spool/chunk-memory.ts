/** Bytes of a chunk whose memory is kept. */
const mostKept = 16 * 1024 * 1024;
/** Sizes are multiples of this, so that chunks that differ a little fit. */
const step = 1024 * 1024;

/**
 * Memory that chunks are encoded in, used again for the next: as fresh memory for each of them, a spool that writes
 * 25 MB a second would have the collector go through the whole heap every few seconds.
 */
export class ChunkMemory {
  #kept: Buffer | undefined;

  /** So many bytes, of any content. Give them back once they are written. */
  take(length: number): Buffer {
    const kept = this.#kept;
    if (kept !== undefined && kept.length >= length) {
      this.#kept = undefined;
      return kept.subarray(0, length);
    }
    if (length < step) return Buffer.allocUnsafe(length);
    return Buffer.allocUnsafeSlow(length > mostKept ? length : Math.ceil(length / step) * step).subarray(0, length);
  }

  give(chunk: Buffer): void {
    const { byteLength } = chunk.buffer;
    // Below a step it is not of this memory: small buffers share theirs with others.
    if (byteLength < step || byteLength > mostKept || byteLength <= (this.#kept?.length ?? 0)) return;
    this.#kept = Buffer.from(chunk.buffer);
  }
}
