import type { KubeObject } from '../../crds/index.ts';
import { expired } from '../errors.ts';

/** A change of one object of one kind. */
export interface Change {
  readonly version: number;
  /** Absent when it was created. */
  readonly before?: KubeObject;
  /** Absent when it was removed. */
  readonly after?: KubeObject;
}

/** The changes of one kind, newest last, up to a limit; the oldest are forgotten, and who still needs them has to list again. */
export class EventLog {
  readonly #limit: number;
  #changes: Change[] = [];
  /** Version of the newest change that was forgotten. */
  #forgotten = 0;
  readonly #waiting = new Set<() => void>();

  /** @param limit changes kept */
  constructor(limit: number) {
    this.#limit = limit;
  }

  append(change: Change): void {
    this.#changes.push(change);
    if (this.#changes.length > this.#limit) this.#forgotten = this.#changes.shift()!.version;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Forgets everything up to now, as a compaction does. */
  compact(): void {
    this.#forgotten = this.#changes.at(-1)?.version ?? this.#forgotten;
    this.#changes = [];
  }

  /** The first change after `version`, if any yet; `CLUSTER_EXPIRED` where changes after it were forgotten. */
  after(version: number): Change | undefined {
    if (version < this.#forgotten) {
      throw expired(`too old resource version: ${version} (changes are kept from ${this.#forgotten} on)`);
    }
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#changes[middle]!.version <= version) low = middle + 1;
      else high = middle;
    }
    return this.#changes[low];
  }

  /** Calls `wake` once, at the next change; returns how to take that back. */
  onNext(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }
}
