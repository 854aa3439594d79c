import { compareVersions } from '../../cluster/resource-version.ts';
import type { KubeObject } from '../../crds/index.ts';
import type { Clock } from '../../runtime/clock.ts';
import { idOf } from './names.ts';

interface Entry<T> {
  /** Undefined: deleted. */
  readonly object: T | undefined;
  readonly uid: string | undefined;
  readonly version: string | undefined;
  readonly expires: number;
}

/** A write that the watch has not shown by then (milliseconds) was undone by somebody else before the watch saw it. */
const longestLag = 10_000;

/**
 * A controller's own last writes, laid over its watch cache until that has caught up: so that nothing is decided on
 * a cache older than the decisions before (read your writes).
 */
export class Overlay<T extends KubeObject> {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry<T>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wrote(object: T): void {
    this.#remember(idOf(object), object, object);
  }

  /** The object is gone, and not only marked for deletion. */
  removed(object: T): void {
    this.#remember(idOf(object), undefined, object);
  }

  /** Somebody else wrote: what we hold is no news. */
  forget(id: string): void {
    this.#entries.delete(id);
  }

  clear(): void {
    this.#entries.clear();
  }

  /** The cache's objects with the newer ones of our own in their place. */
  over(cached: readonly T[]): readonly T[] {
    if (this.#entries.size === 0) return cached;
    const now = this.#clock.monotonic();
    const seen = new Set<string>();
    const merged: T[] = [];
    for (const object of cached) {
      const id = idOf(object);
      const entry = this.#entries.get(id);
      seen.add(id);
      if (entry === undefined || entry.expires <= now || caughtUp(object, entry)) {
        this.#entries.delete(id);
        merged.push(object);
      } else if (entry.object !== undefined) {
        merged.push(entry.object);
      }
    }
    for (const [id, entry] of this.#entries) {
      if (seen.has(id)) continue;
      if (entry.object === undefined || entry.expires <= now) this.#entries.delete(id);
      else merged.push(entry.object);
    }
    return merged;
  }

  #remember(id: string, object: T | undefined, { metadata: { uid, resourceVersion: version } }: T): void {
    this.#entries.set(id, { object, uid, version, expires: this.#clock.monotonic() + longestLag });
  }
}

function caughtUp<T extends KubeObject>({ metadata }: T, entry: Entry<T>): boolean {
  if (entry.object === undefined) return metadata.uid !== entry.uid;
  const { version } = entry;
  const { resourceVersion } = metadata;
  // Versions that cannot be compared are taken as new: the watch is the truth.
  return version === undefined || resourceVersion === undefined || !(compareVersions(version, resourceVersion) > 0);
}
