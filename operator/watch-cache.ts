import type { Cluster, ListOptions, Resource } from '../cluster/cluster.ts';
import type { KubeObject } from '../crds/index.ts';
import { type BackoffPolicy, backoffDelay } from '../runtime/backoff.ts';
import { type Clock, sleep } from '../runtime/clock.ts';
import { describeError, hasCode } from '../runtime/errors.ts';
import type { Logger } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';

export interface WatchCacheOptions<T extends KubeObject> {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  readonly resource: Resource;
  readonly where?: ListOptions | undefined;
  /** Something was added, changed or removed; `object` is the newest that is known of it. */
  readonly changed: (object: T, removed: boolean) => void;
}

const retry: BackoffPolicy = { first: 100, most: 10_000 };

/** A local copy of a list of objects, kept by a watch. What it holds stands while the API server is away. */
export class WatchCache<T extends KubeObject> {
  readonly #options: WatchCacheOptions<T>;
  readonly #objects = new Map<string, T>();
  readonly #firstList = Promise.withResolvers<void>();
  #items: readonly T[] | undefined;
  #version: string | undefined;

  constructor(options: WatchCacheOptions<T>) {
    this.#options = options;
  }

  /** Resolves when the list has been read whole for the first time. */
  get synced(): Promise<void> {
    return this.#firstList.promise;
  }

  items(): readonly T[] {
    this.#items ??= [...this.#objects.values()];
    return this.#items;
  }

  /** Keeps the copy; ends when `signal` is aborted. Errors are logged and tried again with backoff. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, random, resource } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      const before = this.#version;
      try {
        if (this.#version === undefined) await this.#list();
        await this.#watch(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (hasCode(error, 'CLUSTER_EXPIRED')) this.#version = undefined;
        else log.warn({ event: 'watch.failed', kind: resource.kind, error }, describeError(error));
      }
      // A watch that brought something was a good one; servers end watches now and then.
      failures = this.#version !== undefined && this.#version !== before ? 0 : failures + 1;
      await sleep(clock, backoffDelay(retry, failures, random), signal);
    }
  }

  async #list(): Promise<void> {
    const { cluster, resource, where, changed } = this.#options;
    const list = await cluster.list<T>(resource, where);
    const gone = new Map(this.#objects);
    this.#items = undefined;
    for (const object of list.items) {
      const key = keyOf(object);
      const former = this.#objects.get(key);
      if (former?.metadata.uid === object.metadata.uid) gone.delete(key);
      this.#objects.set(key, object);
      if (former?.metadata.resourceVersion !== object.metadata.resourceVersion) changed(object, false);
    }
    for (const [key, object] of gone) {
      if (this.#objects.get(key) === object) this.#objects.delete(key);
      changed(object, true);
    }
    this.#version = list.resourceVersion;
    this.#firstList.resolve();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { cluster, resource, where, changed } = this.#options;
    const from = { ...where, resourceVersion: this.#version ?? '', signal };
    for await (const event of cluster.watch<T>(resource, from)) {
      if (event.type === 'BOOKMARK') {
        this.#version = event.resourceVersion;
        continue;
      }
      const { object } = event;
      this.#version = object.metadata.resourceVersion ?? this.#version;
      this.#items = undefined;
      if (event.type === 'DELETED') this.#objects.delete(keyOf(object));
      else this.#objects.set(keyOf(object), object);
      changed(object, event.type === 'DELETED');
    }
  }
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
