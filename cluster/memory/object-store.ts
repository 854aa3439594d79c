import type { KubeObject } from '../../crds/index.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { ObjectName, Resource } from '../cluster.ts';
import { invalid } from '../errors.ts';
import { EventLog } from './event-log.ts';
import { deepFreeze } from './json.ts';

/** As of the API server's `--event-ttl`: how long an Event is kept after its last write, in milliseconds. */
export const eventLife = 3_600_000;
/** Events kept; the oldest go first. */
export const maxEvents = 10_000;

interface Table {
  readonly objects: Map<string, KubeObject>;
  readonly log: EventLog;
}

/** Objects by kind and name, each write under a version of its own: one count over all kinds. */
export class ObjectStore {
  readonly #clock: Clock;
  readonly #history: number;
  readonly #tables = new Map<string, Table>();
  /** The same, by the very descriptions that they were asked for with. */
  readonly #byResource = new WeakMap<Resource, Table>();
  /** Monotonic time of each Event's last write, the oldest first. */
  readonly #eventWrites = new Map<string, number>();
  /** The version of the newest write. An empty cluster is at 1, for 0 means "any" to an API server. */
  #version = 1;

  /** @param history changes kept of each kind */
  constructor(clock: Clock, history: number) {
    this.#clock = clock;
    this.#history = history;
  }

  get version(): number {
    return this.#version;
  }

  find(resource: Resource, name: ObjectName): KubeObject | undefined {
    return this.#table(resource).objects.get(keyOf(resource, name));
  }

  /** In order of namespace and name. */
  all(resource: Resource): KubeObject[] {
    const entries = [...this.#table(resource).objects];
    return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  log(resource: Resource): EventLog {
    return this.#table(resource).log;
  }

  /** Stores `next` under a new version, or removes it when it was only waiting for its last finalizer. */
  put(resource: Resource, live: KubeObject | undefined, next: KubeObject): KubeObject {
    if (next === live) return live;
    const { deletionTimestamp, finalizers = [] } = next.metadata;
    if (live !== undefined && deletionTimestamp !== undefined && finalizers.length === 0) {
      return this.remove(resource, live, next);
    }
    const stored = this.#stamp(next);
    const { objects, log } = this.#table(resource);
    objects.set(keyOf(resource, stored.metadata), stored);
    log.append({ version: this.#version, after: stored, ...(live === undefined ? {} : { before: live }) });
    if (resource.kind === 'Event') this.#expireEvents(resource, stored);
    return stored;
  }

  /** Removes an object; returns its `last` state under the version of its removal. */
  remove(resource: Resource, live: KubeObject, last = live): KubeObject {
    const removed = this.#stamp(last);
    const { objects, log } = this.#table(resource);
    objects.delete(keyOf(resource, live.metadata));
    // Selectors judge the object as it was stored.
    log.append({ version: this.#version, before: live });
    return removed;
  }

  /** Forgets the history of changes: every watch from before now is `CLUSTER_EXPIRED`. */
  compact(): void {
    for (const { log } of this.#tables.values()) log.compact();
  }

  #stamp(object: KubeObject): KubeObject {
    this.#version++;
    return deepFreeze({ ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } });
  }

  /** Removes what has not been written for {@link eventLife}, and the oldest beyond {@link maxEvents}. */
  #expireEvents(resource: Resource, written: KubeObject): void {
    const key = keyOf(resource, written.metadata);
    const now = this.#clock.monotonic();
    this.#eventWrites.delete(key);
    this.#eventWrites.set(key, now);
    for (const [oldest, at] of this.#eventWrites) {
      if (this.#eventWrites.size <= maxEvents && now - at < eventLife) break;
      this.#eventWrites.delete(oldest);
      const event = this.#table(resource).objects.get(oldest);
      if (event !== undefined) this.remove(resource, event);
    }
  }

  #table(resource: Resource): Table {
    let table = this.#byResource.get(resource);
    if (table !== undefined) return table;
    const key = `${resource.apiVersion}/${resource.plural}`;
    table = this.#tables.get(key) ?? { objects: new Map(), log: new EventLog(this.#history) };
    this.#tables.set(key, table);
    this.#byResource.set(resource, table);
    return table;
  }
}

function keyOf(resource: Resource, { namespace, name }: ObjectName): string {
  if (!resource.namespaced) return name;
  if (namespace === undefined || namespace === '') {
    throw invalid(`${resource.kind} ${name}: metadata.namespace: is required`);
  }
  return `${namespace}/${name}`;
}
