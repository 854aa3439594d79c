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

/** A watch cache. */
export interface Cached<T> {
  list(): readonly T[];
  /** Whether it shows everything up to that version. */
  observed(resourceVersion: string): boolean;
}

/**
 * Milliseconds after which a write is forgotten that the watch has not come to: longer than a silent watch goes unnoticed.
 * By then versions have gone back, as those of an etcd that was restored.
 */
const longestLag = 600_000;

/**
 * A controller's own last writes, laid over its watch cache until that has caught up, however long it takes: so that
 * nothing is decided on a cache older than the decisions before (read your writes).
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
  over(cache: Cached<T>): readonly T[] {
    const cached = cache.list();
    if (this.#entries.size === 0) return cached;
    const now = this.#clock.monotonic();
    const seen = new Set<string>();
    const merged: T[] = [];
    for (const object of cached) {
      const id = idOf(object);
      const entry = this.#entries.get(id);
      seen.add(id);
      if (entry === undefined || entry.expires <= now || caughtUp(cache, object, entry)) {
        this.#entries.delete(id);
        merged.push(object);
      } else if (entry.object !== undefined) {
        merged.push(entry.object);
      }
    }
    for (const [id, entry] of this.#entries) {
      if (seen.has(id)) continue;
      // It is not there: not yet, or, as far as the cache shows what came after the write, no longer.
      if (entry.object === undefined || entry.expires <= now || shows(cache, entry)) this.#entries.delete(id);
      else merged.push(entry.object);
    }
    return merged;
  }

  #remember(id: string, object: T | undefined, { metadata: { uid, resourceVersion: version } }: T): void {
    this.#entries.set(id, { object, uid, version, expires: this.#clock.monotonic() + longestLag });
  }
}

function caughtUp<T extends KubeObject>(cache: Cached<T>, { metadata }: T, entry: Entry<T>): boolean {
  // The version of a removal is not known, but one that was removed does not come back.
  if (entry.object === undefined) return metadata.uid !== entry.uid;
  const { version } = entry;
  const { resourceVersion } = metadata;
  // Versions that cannot be compared are taken as new: the watch is the truth.
  const newer =
    version === undefined || resourceVersion === undefined || !(compareVersions(version, resourceVersion) > 0);
  return newer || shows(cache, entry);
}

function shows<T>(cache: Cached<T>, { version }: Entry<T>): boolean {
  return version === undefined || cache.observed(version);
}
