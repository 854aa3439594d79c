import type {
  Cluster,
  List,
  ListOptions,
  ObjectName,
  Resource,
  WatchEvent,
  WatchOptions,
} from '../../cluster/cluster.ts';
import { notFound, unavailable } from '../../cluster/errors.ts';
import type { KubeObject, SubscriptionSlice } from '../../crds/index.ts';

interface Watcher {
  readonly resource: Resource;
  readonly options: WatchOptions;
  readonly queue: WatchEvent<KubeObject>[];
  wake: () => void;
}

/**
 * As much of a cluster as a shard needs, for tests of the shard alone: objects are put in and changed by the test. The
 * memory cluster is the strict one.
 */
export class TestCluster implements Cluster {
  readonly #objects = new Map<string, KubeObject>();
  readonly #watchers = new Set<Watcher>();
  readonly statusWrites: SubscriptionSlice[] = [];
  #version = 0;
  /** The API server is away. */
  away = false;
  /** Look-ups of single objects are answered, with what is there then, once it resolves. */
  lookups: Promise<void> = Promise.resolve();

  /** Creates or changes an object as a user or the operator would. */
  put<T extends KubeObject>(resource: Resource, object: T): T {
    const key = this.#key(resource, object.metadata);
    const before = this.#objects.get(key);
    const generation = (before?.metadata.generation ?? 0) + 1;
    const metadata = { generation, ...object.metadata, resourceVersion: String(++this.#version) };
    const after = { ...before, ...object, metadata };
    this.#objects.set(key, after);
    this.#tell(resource, before, after);
    return after;
  }

  remove(resource: Resource, name: ObjectName): void {
    const key = this.#key(resource, name);
    const before = this.#objects.get(key);
    this.#objects.delete(key);
    this.#tell(resource, before, undefined);
  }

  find<T extends KubeObject>(resource: Resource, name: ObjectName): T | undefined {
    return this.#objects.get(this.#key(resource, name)) as T | undefined;
  }

  async get<T extends KubeObject>(resource: Resource, name: ObjectName): Promise<T> {
    await this.lookups;
    return this.#read(resource, name);
  }

  async list<T extends KubeObject>(resource: Resource, options: ListOptions = {}): Promise<List<T>> {
    this.#reach();
    const all = [...this.#objects].filter(([key]) => key.startsWith(`${resource.plural}/`)).map(([, object]) => object);
    return { resourceVersion: String(this.#version), items: all.filter((each) => matches(each, options)) as T[] };
  }

  async *watch<T extends KubeObject>(resource: Resource, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    this.#reach();
    const watcher: Watcher = { resource, options, queue: [], wake: () => {} };
    this.#watchers.add(watcher);
    const stop = (): void => watcher.wake();
    options.signal.addEventListener('abort', stop, { once: true });
    try {
      while (!options.signal.aborted) {
        const event = watcher.queue.shift();
        if (event !== undefined) yield event as WatchEvent<T>;
        else {
          await new Promise<void>((resolve) => {
            watcher.wake = resolve;
          });
        }
        if (this.away) return;
      }
    } finally {
      options.signal.removeEventListener('abort', stop);
      this.#watchers.delete(watcher);
    }
  }

  async create<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    this.#reach();
    return this.put(resource, object);
  }

  async replace<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    this.#reach();
    return this.put(resource, object);
  }

  async apply<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    this.#reach();
    return this.put(resource, object);
  }

  async applyStatus<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    const before = this.#read<T>(resource, object.metadata);
    const status = (object as KubeObject & { status?: unknown }).status;
    const after = { ...before, status };
    this.#objects.set(this.#key(resource, object.metadata), after);
    this.statusWrites.push(object as KubeObject as SubscriptionSlice);
    this.#tell(resource, before, after);
    return after;
  }

  async patch<T extends KubeObject>(resource: Resource, name: ObjectName): Promise<T> {
    const object = this.#read<T>(resource, name);
    // The one patch that a shard makes takes its finalizer away.
    const { finalizers: _, ...metadata } = object.metadata;
    const after = { ...object, metadata };
    this.#objects.set(this.#key(resource, name), after);
    if (metadata.deletionTimestamp !== undefined) this.remove(resource, name);
    return after;
  }

  async delete(resource: Resource, name: ObjectName): Promise<void> {
    this.#reach();
    this.remove(resource, name);
  }

  /** The API server goes away: every watch breaks. */
  goAway(): void {
    this.away = true;
    for (const watcher of this.#watchers) watcher.wake();
  }

  comeBack(): void {
    this.away = false;
  }

  #read<T extends KubeObject>(resource: Resource, name: ObjectName): T {
    this.#reach();
    const found = this.find<T>(resource, name);
    if (found === undefined) throw notFound(`${resource.kind} ${name.name}`);
    return found;
  }

  #reach(): void {
    if (this.away) throw unavailable('the API server is away');
  }

  #key(resource: Resource, { namespace = '', name }: ObjectName): string {
    return `${resource.plural}/${namespace}/${name}`;
  }

  #tell(resource: Resource, before: KubeObject | undefined, after: KubeObject | undefined): void {
    for (const watcher of this.#watchers) {
      if (watcher.resource !== resource) continue;
      const was = before !== undefined && matches(before, watcher.options);
      const is = after !== undefined && matches(after, watcher.options);
      if (is) watcher.queue.push({ type: was ? 'MODIFIED' : 'ADDED', object: after });
      else if (was) watcher.queue.push({ type: 'DELETED', object: after ?? before });
      watcher.wake();
    }
  }
}

function matches({ metadata }: KubeObject, { namespace, name, labels = {} }: ListOptions): boolean {
  if (namespace !== undefined && metadata.namespace !== namespace) return false;
  if (name !== undefined && metadata.name !== name) return false;
  return Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value);
}
