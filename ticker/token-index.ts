/** Places at first, and doubled as needed. A power of two. */
const firstSize = 256;
/** How full it gets. Tokens spread well, and fewer cache lines are worth more than fewer probes. */
const fullest = 0.75;
/** Marks a free place; no instrument has token 0. */
const free = 0;

/**
 * Instrument token → number from 0 on, by open addressing with linear probing: one multiplication and usually one cache line a
 * look-up, no hashing of boxed keys.
 */
export class TokenIndex {
  #keys: Uint32Array;
  #values: Int32Array;
  #shift: number;
  #size = 0;

  /** @param expected how many there will be, where that is known */
  constructor(expected = 0) {
    const bits = Math.ceil(Math.log2(Math.max(firstSize, expected / fullest)));
    this.#keys = new Uint32Array(2 ** bits);
    this.#values = new Int32Array(2 ** bits);
    this.#shift = 32 - bits;
  }

  get size(): number {
    return this.#size;
  }

  /** -1 where there is none. */
  get(token: number): number {
    const keys = this.#keys;
    const mask = keys.length - 1;
    for (let at = this.#home(token); ; at = (at + 1) & mask) {
      const key = keys[at]!;
      if (key === token) return token === free ? -1 : this.#values[at]!;
      if (key === free) return -1;
    }
  }

  has(token: number): boolean {
    return this.get(token) >= 0;
  }

  /** In no order; nothing may be set or deleted meanwhile. */
  forEach(act: (value: number, token: number) => void): void {
    this.#keys.forEach((token, at) => {
      if (token !== free) act(this.#values[at]!, token);
    });
  }

  /** @param token 1 to 2^32 − 1 */
  set(token: number, value: number): void {
    if (token === free) throw new RangeError('an instrument token is at least 1');
    if (this.#size + 1 > fullest * this.#keys.length) this.#grow();
    const mask = this.#keys.length - 1;
    let at = this.#home(token);
    while (this.#keys[at] !== free && this.#keys[at] !== token) at = (at + 1) & mask;
    if (this.#keys[at] === free) this.#size++;
    this.#keys[at] = token;
    this.#values[at] = value;
  }

  /** Whether it was there. */
  delete(token: number): boolean {
    const keys = this.#keys;
    const mask = keys.length - 1;
    let hole = this.#home(token);
    while (keys[hole] !== token) {
      if (keys[hole] === free) return false;
      hole = (hole + 1) & mask;
    }
    if (token === free) return false;
    // Moves back what probed past the hole, so that no tombstone is needed (Knuth, TAOCP 3, 6.4, algorithm R).
    for (let at = (hole + 1) & mask; keys[at] !== free; at = (at + 1) & mask) {
      const home = this.#home(keys[at]!);
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      keys[hole] = keys[at]!;
      this.#values[hole] = this.#values[at]!;
      hole = at;
    }
    keys[hole] = free;
    this.#size--;
    return true;
  }

  /** Fibonacci hashing: tokens differ in all bits but cluster by segment in the lowest eight. */
  #home(token: number): number {
    return Math.imul(token, 0x9e3779b1) >>> this.#shift;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Uint32Array(keys.length * 2);
    this.#values = new Int32Array(keys.length * 2);
    this.#shift--;
    this.#size = 0;
    for (let at = 0; at < keys.length; at++) if (keys[at] !== free) this.set(keys[at]!, values[at]!);
  }
}
