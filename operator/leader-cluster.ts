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
} from '../cluster/cluster.ts';
import type { KubeObject } from '../crds/index.ts';
import { defineError } from '../runtime/errors.ts';

const notLeading = defineError(
  'OPERATOR_NOT_LEADING',
  'retryable',
  'Another replica leads, and does what is to be done; look at the lease that they elect their leader by.',
);

/** A cluster that is written to only while this replica leads: who has lost the lead stops at once, in mid-reconcile. */
export class LeaderCluster implements Cluster {
  readonly #inner: Cluster;
  readonly #leads: () => boolean;

  constructor(inner: Cluster, leads: () => boolean) {
    this.#inner = inner;
    this.#leads = leads;
  }

  get<T extends KubeObject>(resource: Resource, name: ObjectName): Promise<T> {
    return this.#inner.get<T>(resource, name);
  }

  list<T extends KubeObject>(resource: Resource, options?: ListOptions): Promise<List<T>> {
    return this.#inner.list<T>(resource, options);
  }

  watch<T extends KubeObject>(resource: Resource, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    return this.#inner.watch<T>(resource, options);
  }

  create<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    return this.#write(() => this.#inner.create(resource, object, options));
  }

  replace<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    return this.#write(() => this.#inner.replace(resource, object, options));
  }

  apply<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    return this.#write(() => this.#inner.apply(resource, object, options));
  }

  applyStatus<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    return this.#write(() => this.#inner.applyStatus(resource, object, options));
  }

  patch<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    operations: readonly PatchOperation[],
    options: PatchOptions,
  ): Promise<T> {
    return this.#write(() => this.#inner.patch<T>(resource, name, operations, options));
  }

  delete(resource: Resource, name: ObjectName, options?: DeleteOptions): Promise<void> {
    return this.#write(() => this.#inner.delete(resource, name, options));
  }

  async #write<R>(write: () => Promise<R>): Promise<R> {
    if (!this.#leads()) throw notLeading('this replica does not lead any more; nothing was written');
    return await write();
  }
}
