/** Bytes before a body in which its header is written, so that a payload is made without a copy. A longer one copies. */
export const headroom = 1024;
/** Bytes after it. */
const tailroom = 8;
/** Smallest buffer that is kept for reuse; below, making one costs nothing. */
const leastKept = 16 * 1024;
/** Bytes that are kept for reuse, by default; past it, what comes back is left to the collector. */
const keptBytes = 32 * 1024 * 1024;

/** What was not needed while so many buffers were taken is given up, half of it at a time. */
const period = 256;

/** Buffers whose header has not been written yet. */
const unstamped = new WeakSet<ArrayBufferLike>();

/**
 * Memory for encoded batches, used again once a batch is delivered: fresh memory for each would be most of what the
 * collector has to do. Sizes are four to each power of two. What a burst has left behind goes by and by.
 */
export class BodyBuffers {
  readonly #limit: number;
  readonly #free = new Map<number, ArrayBufferLike[]>();
  #kept = 0;
  /** The least that was kept in this period, and how many buffers were taken in it. */
  #least = 0;
  #taken = 0;

  /** @param limit bytes that are kept for reuse */
  constructor(limit: number = keptBytes) {
    this.#limit = limit;
  }

  /** Bytes kept for reuse now. */
  get kept(): number {
    return this.#kept;
  }

  /** A body of so many bytes, of any content, with room for its header before it. */
  take(length: number): Buffer {
    const wanted = headroom + length + tailroom;
    const size = wanted < leastKept ? wanted : sizeOf(wanted);
    const known = this.#free.get(size)?.pop();
    if (known !== undefined) this.#kept -= size;
    if (this.#kept < this.#least) this.#least = this.#kept;
    if (++this.#taken === period) this.#trim();
    const memory = known ?? Buffer.allocUnsafeSlow(size).buffer;
    unstamped.add(memory);
    return Buffer.from(memory, headroom, length);
  }

  #trim(): void {
    let surplus = this.#least / 2;
    for (const [size, buffers] of this.#free) {
      const count = Math.min(buffers.length, Math.floor(surplus / size));
      // The newest are taken first, so the others are at the front.
      buffers.splice(0, count);
      surplus -= count * size;
      this.#kept -= count * size;
      if (buffers.length === 0) this.#free.delete(size);
    }
    this.#least = this.#kept;
    this.#taken = 0;
  }

  /** Nobody reads this body, or a payload made of it, any more. */
  give(body: Uint8Array): void {
    const { buffer } = body;
    const size = buffer.byteLength;
    if (size < leastKept || this.#kept + size > this.#limit) return;
    this.#kept += size;
    const free = this.#free.get(size);
    if (free === undefined) this.#free.set(size, [buffer]);
    else free.push(buffer);
  }
}

/** The next larger size that is kept. */
function sizeOf(wanted: number): number {
  const step = 2 ** (Math.ceil(Math.log2(wanted)) - 3);
  return Math.ceil(wanted / step) * step;
}

/**
 * The body with `head` before and `tail` after it. In place the first time, for a body of {@link BodyBuffers}; a copy after
 * that, for what was made first may be on its way still.
 *
 * @param tail at most 8 characters; both ASCII
 */
export function surround(head: string, body: string | Uint8Array, tail: string): Buffer {
  const length = head.length + body.length + tail.length;
  const inPlace = typeof body !== 'string' && head.length <= headroom && unstamped.delete(body.buffer);
  const payload = inPlace
    ? Buffer.from(body.buffer, body.byteOffset - head.length, length)
    : Buffer.allocUnsafeSlow(length);
  payload.write(head, 0, 'latin1');
  if (typeof body === 'string') payload.write(body, head.length, 'latin1');
  else if (!inPlace) payload.set(body, head.length);
  payload.write(tail, head.length + body.length, 'latin1');
  return payload;
}
