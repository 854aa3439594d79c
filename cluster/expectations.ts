import type { KubeObject } from '../crds/index.ts';
import type { Informer } from './informer.ts';
import { newerVersion } from './resource-version.ts';
import { keyOf, parseKey } from './store.ts';

/** Deletions remembered at most; beyond, the oldest is taken as seen. */
const maxDeletions = 10_000;

/**
 * Read your own writes: what a controller wrote, until its cache shows it. A plan made on a cache older than the
 * planner's own last write gives away what is already given.
 */
export class Expectations<T extends KubeObject> {
  readonly #informer: Informer<T>;
  #version: string | undefined;
  readonly #deleted = new Map<string, string>();

  constructor(informer: Informer<T>) {
    this.#informer = informer;
  }

  /** The object as a write returned it. */
  wrote({ metadata: { resourceVersion } }: T): void {
    if (resourceVersion === undefined) return;
    this.#version = this.#version === undefined ? resourceVersion : newerVersion(this.#version, resourceVersion);
  }

  /** An object that was deleted, as it was before. */
  deleted({ metadata }: T): void {
    this.#deleted.set(keyOf(metadata), metadata.uid ?? '');
    const oldest = this.#deleted.keys().next();
    if (this.#deleted.size > maxDeletions && oldest.done !== true) this.#deleted.delete(oldest.value);
  }

  /** Whether the cache shows all of it. */
  get satisfied(): boolean {
    for (const [key, uid] of this.#deleted) {
      const current = this.#informer.get(parseKey(key));
      const gone = current?.metadata.uid !== uid || current.metadata.deletionTimestamp !== undefined;
      if (!gone) return false;
      this.#deleted.delete(key);
    }
    return this.#version === undefined || this.#informer.observed(this.#version);
  }

  /** True once {@link satisfied}; false when `signal` is aborted first. */
  wait(signal: AbortSignal): Promise<boolean> {
    return this.#informer.until(() => this.satisfied, signal);
  }
}
