import type { SliceSet } from '../../crds/index.ts';
import { isBarsUid } from '../bars/bar-set.ts';

/** Sets that left a slice which goes on, and whose channel was not told yet. Bounded: past the limit the oldest is not told. */
export class LeavingSets {
  readonly #limit: number;
  /** By UID. */
  readonly #sets = new Map<string, SliceSet>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#sets.size;
  }

  /** Was the slice's, and is not any more unless it is among those `now`; readers tell sets apart by name and kind. */
  configure(before: Iterable<SliceSet>, now: readonly SliceSet[]): void {
    for (const set of before) this.#sets.set(set.uid, set);
    const names = new Set(now.map(nameOf));
    for (const [uid, set] of this.#sets) if (names.has(nameOf(set))) this.#sets.delete(uid);
    for (const uid of this.#sets.keys()) {
      if (this.#sets.size <= this.#limit) break;
      this.#sets.delete(uid);
    }
  }

  /** Those that are not among `said`. */
  except(said: ReadonlySet<SliceSet>): SliceSet[] {
    return [...this.#sets.values()].filter((set) => !said.has(set));
  }

  /** Its channel has it that it is over. Does nothing where it has come back since, and left once more. */
  told(set: SliceSet): void {
    if (this.#sets.get(set.uid) === set) this.#sets.delete(set.uid);
  }
}

/** How readers tell sets apart: one that is created anew goes on with its predecessor's sequence. */
export function nameOf({ uid, namespace, name }: SliceSet): string {
  return isBarsUid(uid) ? `${namespace}/${name} bars` : `${namespace}/${name}`;
}
