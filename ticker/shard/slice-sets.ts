import type { SliceSet } from '../../crds/index.ts';
import { LeavingSets } from './leaving-sets.ts';

/** Sets that left the slice and whose last batches may still come; past that the oldest is forgotten. */
const maxFormerSets = 1024;

/** The sets of a slice, those that left it, and those that nobody was told of yet. */
export class SliceSets {
  readonly leaving = new LeavingSets(maxFormerSets);
  readonly #current = new Map<string, SliceSet>();
  readonly #former = new Map<string, SliceSet>();

  /** By UID. */
  get current(): ReadonlyMap<string, SliceSet> {
    return this.#current;
  }

  /** Of the slice now, or before. */
  find(uid: string): SliceSet | undefined {
    return this.#current.get(uid) ?? this.#former.get(uid);
  }

  configure(sets: readonly SliceSet[]): void {
    this.leaving.configure(this.#current.values(), sets);
    for (const [uid, set] of this.#current) this.#former.set(uid, set);
    this.#current.clear();
    for (const set of sets) {
      this.#current.set(set.uid, set);
      this.#former.delete(set.uid);
    }
    for (const uid of this.#former.keys()) {
      if (this.#former.size <= maxFormerSets) break;
      this.#former.delete(uid);
    }
  }
}
