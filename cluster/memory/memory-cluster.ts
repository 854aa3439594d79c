import type { KubeObject } from '../../crds/index.ts';
import type { Clock } from '../../runtime/clock.ts';
import { type Random, SeededRandom } from '../../runtime/random.ts';
import type {
  ApplyOptions,
  Cluster,
  DeleteOptions,
  List,
  ListOptions,
  ObjectName,
  PatchOperation,
  PatchOptions,
  Resource,
  WatchEvent,
  WatchOptions,
} from '../cluster.ts';
import { alreadyExists, conflict, invalid, notFound, unavailable } from '../errors.ts';
import { secondText } from '../second-text.ts';
import { isRecord, type JsonObject, recordAt, toJson } from './json.ts';
import { applyPatch } from './json-patch.ts';
import { kindOf } from './kinds.ts';
import { ObjectStore } from './object-store.ts';
import { matches } from './selection.ts';
import { LazyWatch, LogWatch, type WatchSource } from './watch.ts';
import { applyObject, createObject, replaceObject, type WriteContext } from './write.ts';

export interface MemoryClusterOptions {
  readonly clock: Clock;
  /** For UIDs and for how long watches last. */
  readonly random?: Random;
  /** Changes kept of each kind; who watches from before them gets `CLUSTER_EXPIRED`. */
  readonly history?: number;
  /** Milliseconds between bookmarks on a quiet watch. */
  readonly bookmarkInterval?: number;
  /** Shortest life of a watch in milliseconds, after which the server closes it; the longest is twice that. */
  readonly watchLife?: number;
}

/** Watches open at once; another one is refused as unavailable. */
export const maxWatches = 10_000;
/**
 * An API server in memory, as strict as the real one in what this project relies on: versions and conflicts,
 * generations, the status subresource, finalizers, server-side apply with field ownership, defaults and validation at
 * admission, watches that resume and expire. No garbage collection of owned objects: that is a controller's work.
 */
export class MemoryCluster implements Cluster {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: Required<Pick<MemoryClusterOptions, 'bookmarkInterval' | 'watchLife'>>;
  readonly #store: ObjectStore;
  #watches = 0;

  constructor(options: MemoryClusterOptions) {
    this.#clock = options.clock;
    this.#random = options.random ?? new SeededRandom(1);
    const { history = 2048, bookmarkInterval = 60_000, watchLife = 1_800_000 } = options;
    this.#store = new ObjectStore(options.clock, history);
    this.#options = { bookmarkInterval, watchLife };
  }

  /** Watches that are open now. */
  get watches(): number {
    return this.#watches;
  }

  async get<T extends KubeObject>(resource: Resource, name: ObjectName): Promise<T> {
    return this.#live(resource, name) as T;
  }

  async list<T extends KubeObject>(resource: Resource, options: ListOptions = {}): Promise<List<T>> {
    const items = this.#store.all(resource).filter((object) => matches(object, options));
    return { resourceVersion: String(this.#store.version), items: items.map((object) => object as T) };
  }

  /** The watch is opened, and what is wrong with it said, when the first event is asked for. */
  watch<T extends KubeObject>(resource: Resource, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    return { [Symbol.asyncIterator]: () => new LazyWatch(() => this.#open<T>(resource, options)) };
  }

  #open<T extends KubeObject>(resource: Resource, options: WatchOptions): LogWatch<T> {
    if (this.#watches >= maxWatches) throw unavailable(`${maxWatches} watches are open already`);
    const { bookmarkInterval, watchLife } = this.#options;
    const source: WatchSource = {
      log: this.#store.log(resource),
      version: () => this.#store.version,
      clock: this.#clock,
      timing: { bookmarkInterval, life: watchLife * (1 + this.#random.next()) },
      ended: () => {
        this.#watches--;
      },
    };
    const watch = new LogWatch<T>(source, options);
    this.#watches++;
    return watch;
  }

  async create<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    const { sent, name } = this.#read(resource, object, undefined);
    if (recordAt(sent, 'metadata')['resourceVersion'] !== undefined) {
      throw invalid('metadata.resourceVersion: should not be set on objects to be created');
    }
    const next = createObject(this.#context(resource, 'Update', '', options), sent);
    if (this.#store.find(resource, name) !== undefined)
      throw alreadyExists(`${describe(resource, name)} already exists`);
    return this.#store.put(resource, undefined, next) as T;
  }

  async replace<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    const live = this.#stored(resource, object);
    const { sent, name } = this.#read(resource, object, live);
    if (object.metadata.resourceVersion === undefined) {
      throw invalid(`${describe(resource, name)}: metadata.resourceVersion: must be specified for an update`);
    }
    if (live === undefined) return this.#replaceAbsent(resource, object, options, name);
    checkPreconditions(resource, live, recordAt(sent, 'metadata'));
    return this.#store.put(
      resource,
      live,
      replaceObject(this.#context(resource, 'Update', '', options), live, sent),
    ) as T;
  }

  async apply<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    return this.#apply(resource, object, '', options) as T;
  }

  async applyStatus<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    return this.#apply(resource, object, 'status', options) as T;
  }

  async patch<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    operations: readonly PatchOperation[],
    options: PatchOptions,
  ): Promise<T> {
    const live = this.#live(resource, name);
    const patched = applyPatch(live, operations);
    if (!isRecord(patched)) throw invalid('patch: the result is not an object');
    const metadata = recordAt(patched, 'metadata');
    checkPreconditions(resource, live, metadata);
    if (metadata['name'] !== live.metadata.name || metadata['namespace'] !== live.metadata.namespace) {
      throw invalid('metadata.name and metadata.namespace: field is immutable');
    }
    const context = this.#context(resource, 'Update', options.subresource ?? '', options);
    const sent = options.subresource === undefined ? patched : { ...patched, metadata: live.metadata };
    return this.#store.put(resource, live, replaceObject(context, live, sent)) as T;
  }

  async delete(resource: Resource, name: ObjectName, options: DeleteOptions = {}): Promise<void> {
    const live = this.#live(resource, name);
    checkPreconditions(resource, live, { ...options });
    if ((live.metadata.finalizers ?? []).length === 0) {
      this.#store.remove(resource, live);
    } else if (live.metadata.deletionTimestamp === undefined) {
      const { generation } = live.metadata;
      const marked = {
        ...live.metadata,
        ...(generation === undefined ? {} : { generation: generation + 1 }),
        deletionTimestamp: this.#now(),
        deletionGracePeriodSeconds: 0,
      };
      this.#store.put(resource, live, { ...live, metadata: marked });
    }
  }

  /** Forgets the history of changes: every watch from before now is `CLUSTER_EXPIRED`. */
  compact(): void {
    this.#store.compact();
  }

  #apply(resource: Resource, object: KubeObject, subresource: '' | 'status', options: ApplyOptions): KubeObject {
    const live = this.#stored(resource, object);
    const { sent, name } = this.#read(resource, object, live);
    const { uid, resourceVersion, managedFields } = object.metadata;
    if (managedFields !== undefined) throw invalid('metadata.managedFields: must not be in what is applied');
    if (live === undefined && subresource !== '') throw notFound(`${describe(resource, name)} not found`);
    if (live === undefined && (uid !== undefined || resourceVersion !== undefined)) {
      throw conflict(`${describe(resource, name)}: the object that was read is gone`);
    }
    // As upstream: what is written to a status is put on the object that is there, whatever uid was meant.
    const meant = subresource === '' ? { uid, resourceVersion } : { resourceVersion };
    if (live !== undefined) checkPreconditions(resource, live, meant);
    const context = this.#context(resource, 'Apply', subresource, options);
    return this.#store.put(resource, live, applyObject(context, live, sent, options.force === true));
  }

  #replaceAbsent<T extends KubeObject>(
    resource: Resource,
    object: T,
    options: ApplyOptions,
    name: ObjectName,
  ): Promise<T> {
    if (kindOf(resource).createOnReplace !== true) throw notFound(`${describe(resource, name)} not found`);
    if (object.metadata.uid !== undefined)
      throw conflict(`${describe(resource, name)}: the object that was read is gone`);
    const { resourceVersion: _, ...metadata } = object.metadata;
    return this.create(resource, { ...object, metadata }, options);
  }

  #context(
    resource: Resource,
    operation: 'Apply' | 'Update',
    subresource: '' | 'status',
    { fieldManager }: ApplyOptions,
  ): WriteContext {
    if (fieldManager === '' || fieldManager.length > 128) {
      throw invalid('fieldManager: must have 1 to 128 characters');
    }
    const now = this.#now();
    const { apiVersion } = resource;
    return {
      kind: kindOf(resource),
      now,
      uid: () => this.#newUid(),
      by: { name: fieldManager, operation, subresource, apiVersion, time: now },
    };
  }

  /** What there is under the name of an object that was sent and has not been looked at yet. */
  #stored(resource: Resource, { metadata }: KubeObject): KubeObject | undefined {
    const { name, namespace } = recordAt({ metadata }, 'metadata');
    if (typeof name !== 'string' || (resource.namespaced && typeof namespace !== 'string')) return undefined;
    return this.#store.find(resource, typeof namespace === 'string' ? { namespace, name } : { name });
  }

  /** What was sent, as it would come off the wire; it shares with `live` what is the same. */
  #read(resource: Resource, object: KubeObject, live: KubeObject | undefined): { sent: JsonObject; name: ObjectName } {
    const sent = toJson(object, live);
    if (!isRecord(sent)) throw invalid('an object is wanted');
    if (sent['apiVersion'] !== resource.apiVersion || sent['kind'] !== resource.kind) {
      throw invalid(`apiVersion and kind must be ${resource.apiVersion} and ${resource.kind}`);
    }
    const { name, namespace } = recordAt(sent, 'metadata');
    if (typeof name !== 'string' || name === '') throw invalid('metadata.name: is required');
    return { sent, name: typeof namespace === 'string' ? { namespace, name } : { name } };
  }

  #live(resource: Resource, name: ObjectName): KubeObject {
    const live = this.#store.find(resource, name);
    if (live === undefined) throw notFound(`${describe(resource, name)} not found`);
    return live;
  }

  /** RFC 3339 with seconds, as metav1.Time. */
  #now(): string {
    return `${secondText(Math.floor(this.#clock.now() / 1000))}Z`;
  }

  /** RFC 9562, version 4. */
  #newUid(): string {
    const hex = Array.from({ length: 32 }, () => this.#random.integer(16));
    hex[12] = 4;
    hex[16] = 8 + (hex[16]! & 3);
    const text = hex.map((digit) => digit.toString(16)).join('');
    return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join('-');
  }
}

function describe(resource: Resource, { namespace, name }: ObjectName): string {
  return `${resource.plural} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

function checkPreconditions(resource: Resource, live: KubeObject, sent: JsonObject): void {
  const what = describe(resource, live.metadata);
  const { uid, resourceVersion } = sent;
  if (uid !== undefined && uid !== live.metadata.uid) {
    throw conflict(`${what}: precondition failed: UID in precondition: ${uid}, UID in object: ${live.metadata.uid}`);
  }
  if (resourceVersion !== undefined && resourceVersion !== live.metadata.resourceVersion) {
    throw conflict(`${what}: the object has been modified; read the latest version and decide anew`);
  }
}
