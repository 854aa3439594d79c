import type { KubeObject } from '../crds/index.ts';

/** A kind of the API, as a path of the API server names it. */
export interface Resource {
  /** e.g. `ticker-operator.io/v1alpha1`, `v1`. */
  readonly apiVersion: string;
  readonly kind: string;
  /** Lower-case plural, e.g. `tickeraccounts`. */
  readonly plural: string;
  readonly namespaced: boolean;
}

/** Which object of a {@link Resource}. */
export interface ObjectName {
  readonly namespace?: string;
  readonly name: string;
}

export interface ListOptions {
  /** All namespaces when absent. */
  readonly namespace?: string;
  /** Labels that must be equal. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Only this object (`metadata.name`): how a shard watches one Secret. */
  readonly name?: string;
}

export interface List<T> {
  readonly resourceVersion: string;
  readonly items: readonly T[];
}

export interface WatchOptions extends ListOptions {
  /** Changes after this version. Too old a one ends the watch with `CLUSTER_EXPIRED` (410 Gone). */
  readonly resourceVersion: string;
  readonly signal: AbortSignal;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** Nothing changed, but the version moved on. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface ApplyOptions {
  /** Who writes; one name a writer (server-side apply's field manager). */
  readonly fieldManager: string;
  /** Take fields over from other managers; without it a conflict is `CLUSTER_CONFLICT`. */
  readonly force?: boolean;
}

export interface PatchOptions extends ApplyOptions {
  /** `status`: only the status is patched; without it everything but the status is. */
  readonly subresource?: 'status';
}

export interface DeleteOptions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** RFC 6902 operations that this project uses: `test` guards what `replace`, `add` and `remove` do. */
export interface PatchOperation {
  readonly op: 'test' | 'add' | 'replace' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

/**
 * The cluster as this project sees it. Two implementations, memory and Kubernetes, pass one contract suite
 * (`cluster.contract.ts`).
 *
 * Objects handed out are shared and must not be changed. Errors are coded (`errors.ts`): `CLUSTER_NOT_FOUND`,
 * `CLUSTER_CONFLICT`, `CLUSTER_INVALID`, `CLUSTER_EXPIRED`, `CLUSTER_ALREADY_EXISTS`, `CLUSTER_UNAVAILABLE`; of a real API server `CLUSTER_UNAUTHORIZED`
 * and `CLUSTER_FORBIDDEN` too.
 */
export interface Cluster {
  get<T extends KubeObject>(resource: Resource, name: ObjectName): Promise<T>;
  list<T extends KubeObject>(resource: Resource, options?: ListOptions): Promise<List<T>>;
  /** Ends by returning when `signal` is aborted or the server closes; throws a coded error otherwise. */
  watch<T extends KubeObject>(resource: Resource, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** `CLUSTER_ALREADY_EXISTS` where there is one. */
  create<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T>;
  /** Replaces the whole object but its status; needs `metadata.resourceVersion`. Used for leases. */
  replace<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T>;
  /**
   * Server-side apply of what `object` holds, creating it where absent. With `metadata.resourceVersion` it is refused
   * (`CLUSTER_CONFLICT`) unless that is the current one; with `metadata.uid`, unless it is that object.
   */
  apply<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T>;
  /** Server-side apply of the status subresource; everything else in `object` is ignored. */
  applyStatus<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T>;
  /** JSON Patch. A `test` that fails is `CLUSTER_INVALID`. */
  patch<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    operations: readonly PatchOperation[],
    options: PatchOptions,
  ): Promise<T>;
  /** Marks the object for deletion while it has finalizers, else removes it. Absent already: `CLUSTER_NOT_FOUND`. */
  delete(resource: Resource, name: ObjectName, options?: DeleteOptions): Promise<void>;
}
