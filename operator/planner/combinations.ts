/** Id of a combination of sets; 0 is the empty one. */
export type Combination = number;

/**
 * Interned combinations of set indexes. Of a million instruments nearly all share their combination with thousands of
 * others, so set algebra is done once for each pair of combinations and remembered.
 */
export class Combinations {
  readonly #members: (readonly number[])[] = [[]];
  readonly #byKey = new Map<string, Combination>([['', 0]]);
  readonly #unions = new Map<number, Combination>();
  readonly #differences = new Map<number, Combination>();
  readonly #intersections = new Map<number, Combination>();
  readonly #single: Combination[] = [];

  /** Indexes of the sets, ascending. */
  members(combination: Combination): readonly number[] {
    return this.#members[combination]!;
  }

  of(set: number): Combination {
    this.#single[set] ??= this.intern([set]);
    return this.#single[set];
  }

  /** @param members ascending, without duplicates */
  intern(members: readonly number[]): Combination {
    const key = members.join();
    let id = this.#byKey.get(key);
    if (id === undefined) {
      id = this.#members.length;
      this.#members.push(members);
      this.#byKey.set(key, id);
    }
    return id;
  }

  union(a: Combination, b: Combination): Combination {
    if (a === b || b === 0) return a;
    if (a === 0) return b;
    return this.#remembered(this.#unions, a, b, (left, right) =>
      [...new Set([...left, ...right])].sort((x, y) => x - y),
    );
  }

  minus(a: Combination, b: Combination): Combination {
    if (a === b || a === 0) return 0;
    if (b === 0) return a;
    return this.#remembered(this.#differences, a, b, (left, right) => {
      const gone = new Set(right);
      return left.filter((set) => !gone.has(set));
    });
  }

  intersection(a: Combination, b: Combination): Combination {
    if (a === b) return a;
    if (a === 0 || b === 0) return 0;
    return this.#remembered(this.#intersections, a, b, (left, right) => {
      const kept = new Set(right);
      return left.filter((set) => kept.has(set));
    });
  }

  /** Order of service: by the oldest set, then by the others. */
  compare(a: Combination, b: Combination): number {
    const left = this.#members[a]!;
    const right = this.#members[b]!;
    for (let i = 0; i < left.length && i < right.length; i++) {
      const difference = left[i]! - right[i]!;
      if (difference !== 0) return difference;
    }
    return left.length - right.length;
  }

  #remembered(
    memo: Map<number, Combination>,
    a: Combination,
    b: Combination,
    compute: (a: readonly number[], b: readonly number[]) => readonly number[],
  ): Combination {
    const key = a * 0x400_0000 + b;
    let result = memo.get(key);
    if (result === undefined) {
      result = this.intern(compute(this.#members[a]!, this.#members[b]!));
      memo.set(key, result);
    }
    return result;
  }
}
