import type { KubeObject } from '../crds/index.ts';
import { describeError } from '../runtime/errors.ts';
import type { ObjectName } from './cluster.ts';
import { Reflector, type ReflectorEvent, type ReflectorOptions } from './reflector.ts';
import { compareVersions } from './resource-version.ts';
import { type Change, type Indexer, Store } from './store.ts';

export interface InformerOptions<T extends KubeObject> extends ReflectorOptions {
  readonly indexers?: Readonly<Record<string, Indexer<T>>>;
  /** Objects kept at most; one more ends the task with `CACHE_FULL`. */
  readonly maxObjects?: number;
}

export type ChangeHandler<T> = (change: Change<T>) => void;

/**
 * A local copy of the objects of a kind that a {@link Reflector} keeps current, and handlers of what changes. Objects
 * are shared and must not be changed.
 *
 * @example
 * const sets = new Informer<InstrumentSet>({ cluster, clock, random, log, resource: instrumentSets });
 * sets.onChange(({ object }) => queue.add(keyOf(object.metadata)));
 * supervisor.run('informer/instrumentsets', (signal) => sets.run(signal));
 * await sets.waitForSync(signal);
 */
export class Informer<T extends KubeObject> {
  readonly #options: InformerOptions<T>;
  readonly #store: Store<T>;
  readonly #reflector: Reflector<T>;
  readonly #handlers = new Set<ChangeHandler<T>>();
  readonly #waiting = new Set<() => void>();
  #version: string | undefined;
  /** Exceptions of handlers since the start; for metrics. */
  handlerFailures = 0;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.#store = new Store<T>(options.indexers, options.maxObjects);
    this.#reflector = new Reflector<T>(options, (event) => this.#take(event));
  }

  /** Supervised task: keeps the copy current until `signal` is aborted. */
  run(signal: AbortSignal): Promise<void> {
    return this.#reflector.run(signal);
  }

  /** The whole list was read once. */
  get hasSynced(): boolean {
    return this.#version !== undefined;
  }

  /** The version that the copy is known to be at; undefined before it has synced. */
  get resourceVersion(): string | undefined {
    return this.#version;
  }

  /** Milliseconds since the API server last said anything. */
  get lastEventAge(): number {
    return this.#reflector.lastEventAge;
  }

  /** Failed lists and watches since the start. */
  get failures(): number {
    return this.#reflector.failures;
  }

  get(name: ObjectName): T | undefined {
    return this.#store.get(name);
  }

  list(namespace?: string): readonly T[] {
    return this.#store.list(namespace);
  }

  byIndex(index: string, key: string): readonly T[] {
    return this.#store.byIndex(index, key);
  }

  /**
   * Calls `handler` for each object that is there, as ADDED, and for each change from now on, after the copy has it.
   * An exception is logged and counted, and hinders nobody else. Returns how to end it.
   */
  onChange(handler: ChangeHandler<T>): () => void {
    this.#handlers.add(handler);
    for (const object of this.#store.list()) this.#call(handler, { type: 'ADDED', object });
    return () => this.#handlers.delete(handler);
  }

  /** True once the whole list was read; false when `signal` is aborted first. */
  waitForSync(signal: AbortSignal): Promise<boolean> {
    return this.until(() => this.hasSynced, signal);
  }

  /** Whether the copy is at least as new as `resourceVersion`, e.g. that of the caller's own last write. */
  observed(resourceVersion: string): boolean {
    return this.#version !== undefined && compareVersions(this.#version, resourceVersion) >= 0;
  }

  /** True once {@link observed}; false when `signal` is aborted first. */
  waitFor(resourceVersion: string, signal: AbortSignal): Promise<boolean> {
    return this.until(() => this.observed(resourceVersion), signal);
  }

  #take(event: ReflectorEvent<T>): void {
    const changes = this.#changes(event);
    this.#version = event.resourceVersion;
    for (const change of changes) for (const handler of [...this.#handlers]) this.#call(handler, change);
    for (const check of [...this.#waiting]) check();
  }

  #changes(event: ReflectorEvent<T>): Change<T>[] {
    switch (event.type) {
      case 'Listed':
        return this.#store.replaceAll(event.objects);
      case 'Applied':
        return this.#store.apply(event.object);
      case 'Deleted':
        return this.#store.remove(event.object);
      case 'Bookmark':
        return [];
    }
  }

  #call(handler: ChangeHandler<T>, change: Change<T>): void {
    try {
      handler(change);
    } catch (error) {
      this.handlerFailures++;
      const { namespace, name } = change.object.metadata;
      const { resource, log } = this.#options;
      log.error({ event: 'informer.handlerFailed', kind: resource.kind, namespace, name, error }, describeError(error));
    }
  }

  /** True once `condition` holds, looked at after each event; false when `signal` is aborted first. */
  until(condition: () => boolean, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition() && !signal.aborted) return;
        this.#waiting.delete(check);
        signal.removeEventListener('abort', check);
        resolve(condition());
      };
      this.#waiting.add(check);
      signal.addEventListener('abort', check);
      check();
    });
  }
}
