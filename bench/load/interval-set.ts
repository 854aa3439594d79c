/** Whole numbers as half-open ranges: cheap while they come nearly in order, as the ticks of a stream do. */
export class IntervalSet {
  /** `from, to, from, to …`, ascending, neither overlapping nor touching. */
  readonly #edges: number[];
  #size: number;

  constructor(edges: readonly number[] = []) {
    this.#edges = [...edges];
    this.#size = 0;
    for (let i = 0; i < edges.length; i += 2) this.#size += edges[i + 1]! - edges[i]!;
  }

  /** Numbers in it. */
  get size(): number {
    return this.#size;
  }

  /** `from, to, from, to …` */
  get edges(): readonly number[] {
    return this.#edges;
  }

  /** False where it was there already. */
  add(value: number): boolean {
    return this.addRange(value, value + 1) === 1;
  }

  /** How many numbers were not there before. */
  addRange(from: number, to: number): number {
    if (to <= from) return 0;
    const edges = this.#edges;
    const last = edges.length - 1;
    if (last < 0 || from > edges[last]!) {
      edges.push(from, to);
      this.#size += to - from;
      return to - from;
    }
    if (from === edges[last]) {
      edges[last] = to;
      this.#size += to - from;
      return to - from;
    }
    return this.#merge(from, to);
  }

  has(value: number): boolean {
    const at = this.#rangeAt(value);
    return at < this.#edges.length && this.#edges[at]! <= value;
  }

  /** What `other` has and this has not. */
  missingFrom(other: IntervalSet): IntervalSet {
    const missing = new IntervalSet();
    let at = 0;
    for (let i = 0; i < other.#edges.length; i += 2) {
      let from = other.#edges[i]!;
      const to = other.#edges[i + 1]!;
      while (at < this.#edges.length && this.#edges[at + 1]! <= from) at += 2;
      for (let own = at; from < to && own < this.#edges.length && this.#edges[own]! < to; own += 2) {
        missing.addRange(from, Math.min(to, this.#edges[own]!));
        from = Math.max(from, this.#edges[own + 1]!);
      }
      missing.addRange(from, to);
    }
    return missing;
  }

  #merge(from: number, to: number): number {
    const edges = this.#edges;
    // The first range that touches or follows `from`, and the first that lies beyond `to`.
    const first = this.#rangeAt(from - 1);
    let after = first;
    let covered = 0;
    let [low, high] = [from, to];
    while (after < edges.length && edges[after]! <= to) {
      low = Math.min(low, edges[after]!);
      high = Math.max(high, edges[after + 1]!);
      covered += edges[after + 1]! - edges[after]!;
      after += 2;
    }
    edges.splice(first, after - first, low, high);
    const added = high - low - covered;
    this.#size += added;
    return added;
  }

  /** Index of the first range that ends after `value`. */
  #rangeAt(value: number): number {
    let low = 0;
    let high = this.#edges.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#edges[middle * 2 + 1]! > value) high = middle;
      else low = middle + 1;
    }
    return low * 2;
  }
}
