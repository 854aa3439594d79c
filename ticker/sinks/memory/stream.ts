/** One entry of a stream. Ids are `milliseconds-sequence`, as in Redis Streams. */
export interface StreamEntry {
  readonly id: string;
  readonly payload: string | Uint8Array;
}

/** A stream of batches with a bound on their number and on their bytes; the oldest go first. */
export class BoundedStream {
  readonly #maxBytes: number;
  #entries: StreamEntry[] = [];
  #first = 0;
  #bytes = 0;
  #millis = 0;
  #sequence = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#entries.length - this.#first;
  }

  /** Appends; ids rise even where the clock steps back. Returns how many go for it. */
  add(now: number, payload: string | Uint8Array, maxLength: number): number {
    const millis = Math.max(this.#millis, Math.floor(now));
    this.#sequence = millis === this.#millis ? this.#sequence + 1 : 0;
    this.#millis = millis;
    this.#entries.push({ id: `${millis}-${this.#sequence}`, payload });
    this.#bytes += payload.length;
    const before = this.length;
    while (this.length > maxLength || (this.#bytes > this.#maxBytes && this.length > 1)) this.#drop();
    return before - this.length;
  }

  /** At most `limit` entries after `afterId`, which need not be one that is kept. */
  range(afterId: string, limit: number): StreamEntry[] {
    const from = this.#after(afterId);
    return this.#entries.slice(from, from + limit);
  }

  /** At most `limit` entries before `beforeId`, the newest first; `+` is after every one. */
  rangeBack(beforeId: string, limit: number): StreamEntry[] {
    let end = this.#entries.length;
    if (beforeId !== '+') {
      end = this.#after(beforeId);
      if (this.#entries[end - 1]?.id === beforeId) end--;
    }
    return this.#entries.slice(Math.max(this.#first, end - limit), Math.max(this.#first, end)).reverse();
  }

  /** Index of the first entry after an id. */
  #after(id: string): number {
    const [millis, sequence] = parseStreamId(id);
    let low = this.#first;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const [m, s] = parseStreamId(this.#entries[middle]!.id);
      if (m > millis || (m === millis && s > sequence)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #drop(): void {
    this.#bytes -= this.#entries[this.#first]!.payload.length;
    this.#first++;
    if (this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
  }
}

/** `5` means `5-0`, as in Redis. */
function parseStreamId(id: string): [millis: number, sequence: number] {
  const [millis, sequence] = id.split('-');
  return [Number(millis), Number(sequence ?? 0)];
}
