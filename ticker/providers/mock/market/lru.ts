/** A map that keeps at most `limit` entries; the one that was used least recently goes first. */
export class LruMap<K, V> {
  readonly limit: number;
  readonly #entries = new Map<K, V>();
  /** Entries that were dropped since the start. */
  evicted = 0;

  constructor(limit: number) {
    if (!(limit >= 1)) throw new RangeError(`an LRU map of ${limit} entries holds nothing`);
    this.limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.limit) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      this.evicted += 1;
      return;
    }
  }
}
