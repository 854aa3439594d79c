import type { KubeObject } from '../../crds/index.ts';
import type { Clock } from '../../runtime/clock.ts';
import { hasCode } from '../../runtime/errors.ts';
import type { Random } from '../../runtime/random.ts';
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
import { conflict, invalid, unavailable } from '../errors.ts';
import { compareVersions } from '../resource-version.ts';
import type { ApiServerConfig } from './config.ts';
import { responseTooLarge } from './errors.ts';
import * as limits from './limits.ts';
import { collectionPath, creationPath, objectPath, selectionQuery } from './paths.ts';
import { type Call, Requester, type RequestReport } from './requester.ts';
import { watchEvents } from './watch.ts';

export interface KubernetesClusterOptions {
  readonly config: ApiServerConfig;
  readonly clock: Clock;
  /** Spreads the ends of watches, and retries. */
  readonly random: Random;
  /** `NAME/VERSION`, as the API server's audit log shows it. */
  readonly userAgent?: string;
  /** Milliseconds that a request may take; default {@link limits.requestTimeout}. */
  readonly requestTimeout?: number;
  /** Milliseconds of silence after which a watch counts as dead; default {@link limits.watchIdleTimeout}. */
  readonly watchIdleTimeout?: number;
  /** Objects of one page of a list. */
  readonly pageSize?: number;
  /** Told of every request; for metrics. */
  readonly onRequest?: (report: RequestReport) => void;
}

/**
 * A real API server. One instance has its own connections, so that what must not wait behind other requests (leases)
 * gets an instance of its own. Objects go as JSON; unknown fields are refused (`fieldValidation=Strict`).
 */
export class KubernetesCluster implements Cluster {
  readonly #requester: Requester;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #watchIdleTimeout: number;
  readonly #pageSize: number;
  #watches = 0;

  constructor(options: KubernetesClusterOptions) {
    const { config, clock, random, userAgent = 'ticker-operator', requestTimeout, onRequest } = options;
    const timeout = requestTimeout ?? limits.requestTimeout;
    this.#requester = new Requester({ config, clock, random, userAgent, timeout, onRequest });
    this.#clock = clock;
    this.#random = random;
    this.#watchIdleTimeout = options.watchIdleTimeout ?? limits.watchIdleTimeout;
    this.#pageSize = options.pageSize ?? limits.pageSize;
  }

  /** Watches that are open now. */
  get watches(): number {
    return this.#watches;
  }

  async get<T extends KubeObject>(resource: Resource, name: ObjectName): Promise<T> {
    return this.#one(resource, name, { verb: 'get', method: 'GET', path: objectPath(resource, name) });
  }

  async list<T extends KubeObject>(resource: Resource, options: ListOptions = {}): Promise<List<T>> {
    const items: T[] = [];
    let resourceVersion = '';
    let next = '';
    do {
      const page = await this.#page<T>(resource, options, next);
      for (const item of page.items) items.push(typed(resource, item));
      if (items.length > limits.maxListItems) {
        throw responseTooLarge(`list ${resource.plural}: there are more than ${limits.maxListItems}`);
      }
      resourceVersion = page.metadata.resourceVersion;
      next = page.metadata.continue ?? '';
    } while (next !== '');
    return { resourceVersion, items };
  }

  async *watch<T extends KubeObject>(resource: Resource, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    const { resourceVersion, signal, namespace } = options;
    if (signal.aborted) return;
    if (Number.isNaN(compareVersions(resourceVersion, '0'))) {
      // The API server would answer 500, as if it were its own fault.
      throw invalid(`watch ${resource.plural}: '${resourceVersion}' is not a resourceVersion`);
    }
    if (this.#watches >= limits.maxWatches) throw unavailable(`${limits.maxWatches} watches are open already`);
    const seconds = Math.round(limits.watchSeconds * (1 + this.#random.next()));
    const call = {
      verb: 'watch',
      method: 'GET',
      resource: resource.plural,
      what: described(namespace, options.name),
      path: collectionPath(resource, namespace),
      query: {
        ...{ watch: 'true', allowWatchBookmarks: 'true', resourceVersion, timeoutSeconds: String(seconds) },
        ...selectionQuery(options),
      },
      signal,
    } as const;
    this.#watches++;
    try {
      const message = await this.#requester.open(call);
      const what = `watch ${resource.plural}`;
      yield* watchEvents<T>(message, { clock: this.#clock, signal, idleTimeout: this.#watchIdleTimeout, what });
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#watches--;
    }
  }

  async create<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    const path = creationPath(resource, object.metadata);
    return this.#write(resource, object, { verb: 'create', method: 'POST', path, query: writeQuery(options) });
  }

  async replace<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    const path = objectPath(resource, object.metadata);
    if (!object.metadata.resourceVersion) {
      // Some kinds (leases) would be replaced whatever they hold.
      throw invalid(`replace ${resource.plural} ${path}: metadata.resourceVersion: must be specified for an update`);
    }
    return this.#write(resource, object, { verb: 'update', method: 'PUT', path, query: writeQuery(options) });
  }

  async apply<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    const path = objectPath(resource, object.metadata);
    const { uid, resourceVersion } = object.metadata;
    if (resourceVersion === undefined || uid !== undefined) return this.#apply(resource, object, path, options);
    // With a version alone the API server would create anew what is gone; with a uid it refuses that.
    const bound = { ...object.metadata, uid: await this.#uidAt(resource, object.metadata, resourceVersion) };
    return this.#apply(resource, { ...object, metadata: bound }, path, options);
  }

  async applyStatus<T extends KubeObject & { status?: unknown }>(
    resource: Resource,
    object: T,
    options: ApplyOptions,
  ): Promise<T> {
    const { apiVersion, kind, metadata, status } = object;
    const { name, namespace, uid, resourceVersion } = metadata;
    const config = { apiVersion, kind, metadata: { name, namespace, uid, resourceVersion }, status };
    return this.#apply(resource, config as T, objectPath(resource, metadata, 'status'), options);
  }

  async patch<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    operations: readonly PatchOperation[],
    options: PatchOptions,
  ): Promise<T> {
    return this.#one(resource, name, {
      ...{
        verb: 'patch',
        method: 'PATCH',
        path: objectPath(resource, name, options.subresource),
        query: writeQuery(options),
      },
      ...{ contentType: 'application/json-patch+json', body: JSON.stringify(operations) },
    });
  }

  async delete(resource: Resource, name: ObjectName, options: DeleteOptions = {}): Promise<void> {
    const body = JSON.stringify({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      ...(options.uid === undefined && options.resourceVersion === undefined ? {} : { preconditions: options }),
    });
    const path = objectPath(resource, name);
    await this.#one(resource, name, { verb: 'delete', method: 'DELETE', path, contentType: json, body });
  }

  /** Ends every request and watch; what is called afterwards is `CLUSTER_UNAVAILABLE`. */
  close(): void {
    this.#requester.close();
  }

  /** The uid of the object of this version; `CLUSTER_CONFLICT` where it is gone or has another version. */
  async #uidAt(resource: Resource, name: ObjectName, resourceVersion: string): Promise<string> {
    const { metadata } = await this.get(resource, name).catch((error: unknown) => {
      throw hasCode(error, 'CLUSTER_NOT_FOUND')
        ? conflict(`${error.message}; the object that was read is gone`)
        : error;
    });
    if (metadata.uid !== undefined && metadata.resourceVersion === resourceVersion) return metadata.uid;
    throw conflict(`patch ${resource.plural} ${described(name.namespace, name.name)}: the object has been modified`);
  }

  #apply<T extends KubeObject>(resource: Resource, object: T, path: string, options: ApplyOptions): Promise<T> {
    return this.#write(resource, object, {
      ...{ verb: 'patch', method: 'PATCH', path, contentType: 'application/apply-patch+yaml' },
      query: { ...writeQuery(options), force: String(options.force === true) },
    });
  }

  /** Sends an object; JSON is YAML too. */
  #write<T extends KubeObject>(
    resource: Resource,
    object: T,
    call: Omit<Call, 'resource' | 'what' | 'body'>,
  ): Promise<T> {
    if (object.apiVersion !== resource.apiVersion || object.kind !== resource.kind) {
      throw invalid(`apiVersion and kind must be ${resource.apiVersion} and ${resource.kind}`);
    }
    return this.#one(resource, object.metadata, { contentType: json, ...call, body: JSON.stringify(object) });
  }

  async #one<T>(
    resource: Resource,
    { namespace, name }: ObjectName,
    call: Omit<Call, 'resource' | 'what' | 'confidential'>,
  ): Promise<T> {
    const what = described(namespace, name);
    const confidential = resource.kind === 'Secret';
    return (await this.#requester.call({ ...call, resource: resource.plural, what, confidential })) as T;
  }

  async #page<T>(resource: Resource, options: ListOptions, next: string): Promise<Page<T>> {
    const page = (await this.#requester.call({
      ...{ verb: 'list', method: 'GET', resource: resource.plural, what: described(options.namespace, options.name) },
      path: collectionPath(resource, options.namespace),
      query: {
        limit: String(this.#pageSize),
        ...selectionQuery(options),
        ...(next === '' ? {} : { continue: next }),
      },
    })) as Page<T>;
    if (!Array.isArray(page.items) || !page.metadata?.resourceVersion) {
      throw unavailable(`list ${resource.plural}: the answer is no list`);
    }
    return page;
  }
}

const json = 'application/json';

interface Page<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[];
}

function writeQuery({ fieldManager }: ApplyOptions): Record<string, string> {
  if (fieldManager === '') throw invalid('fieldManager: must have 1 to 128 characters');
  return { fieldManager, fieldValidation: 'Strict' };
}

/** Items of a built-in kind's list come without apiVersion and kind. */
function typed<T>({ apiVersion, kind }: Resource, item: T): T {
  return { apiVersion, kind, ...item };
}

function described(namespace: string | undefined, name: string | undefined): string {
  return [namespace, name].filter((part) => part !== undefined && part !== '').join('/');
}
