import { expect } from 'vitest';
import { apiVersion, type KubeObject } from '../../crds/index.ts';
import { CodedError } from '../../runtime/errors.ts';
import type { Cluster, ListOptions, Resource, WatchEvent } from '../cluster.ts';

/** A cluster under test. */
export interface ClusterUnderTest {
  readonly cluster: Cluster;
  /** Two namespaces that exist and hold nothing of ours; `default` and `kube-system` when absent. */
  readonly namespaces?: readonly [string, string];
  readonly stop: () => Promise<void>;
}

/** An object as a configuration file would hold it: defaults need not be said. */
export interface Loose extends KubeObject {
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  data?: Record<string, string>;
  stringData?: Record<string, string>;
}

/** What the suite's cases share: the cluster, its namespaces, and names that are used once. */
export class Fixture {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly other: string;
  #names = 0;

  constructor({ cluster, namespaces = ['default', 'kube-system'] }: ClusterUnderTest) {
    this.cluster = cluster;
    [this.namespace, this.other] = namespaces;
  }

  name(): string {
    return `contract-${this.#names++}`;
  }

  /** An InstrumentSet of one instrument. */
  set(extra: { name?: string; labels?: Record<string, string>; spec?: Record<string, unknown> } = {}): Loose {
    const { name = this.name(), labels, spec = {} } = extra;
    return {
      apiVersion,
      kind: 'InstrumentSet',
      metadata: { name, namespace: this.namespace, ...(labels === undefined ? {} : { labels }) },
      spec: { instruments: ['NSE:INFY'], ...spec },
    };
  }

  slice(): Loose {
    return {
      apiVersion,
      kind: 'SubscriptionSlice',
      metadata: { name: this.name(), namespace: this.namespace },
      spec: {
        account: 'primary',
        connection: 0,
        login: { provider: 'mock' },
        epoch: 1,
        sets: [],
        groups: [],
      },
    };
  }

  /** The same object with nothing but its name and the parts given. */
  config({ apiVersion: version, kind, metadata }: Loose, parts: Partial<Loose>): Loose {
    const { name, namespace } = metadata;
    return {
      apiVersion: version,
      kind,
      ...parts,
      metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...parts.metadata },
    };
  }

  get<T extends KubeObject = Loose>(resource: Resource, { metadata }: KubeObject): Promise<T> {
    return this.cluster.get<T>(resource, metadata);
  }

  /** Changes after `resourceVersion`, until there are `count` of them; bookmarks are left out. */
  async changes(
    resource: Resource,
    resourceVersion: string,
    count: number,
    where: ListOptions = { namespace: this.namespace },
  ): Promise<Exclude<WatchEvent<Loose>, { type: 'BOOKMARK' }>[]> {
    const stop = new AbortController();
    const seen: Exclude<WatchEvent<Loose>, { type: 'BOOKMARK' }>[] = [];
    for await (const event of this.cluster.watch<Loose>(resource, { ...where, resourceVersion, signal: stop.signal })) {
      if (event.type === 'BOOKMARK') continue;
      seen.push(event);
      if (seen.length === count) stop.abort();
    }
    return seen;
  }

  /** The version of now, to watch from. */
  async version(resource: Resource): Promise<string> {
    return (await this.cluster.list(resource, { namespace: this.namespace })).resourceVersion;
  }
}

/** Field managers of the suite. */
export const alice = { fieldManager: 'alice' };
export const bob = { fieldManager: 'bob' };

/** Expects a coded error; returns its message. */
export async function refused(promise: Promise<unknown>, code: string): Promise<string> {
  const outcome = await promise.then(
    () => 'it was accepted',
    (error: unknown) => error,
  );
  if (!(outcome instanceof CodedError)) throw new Error(`${code} was expected`, { cause: outcome });
  expect(outcome.code, outcome.message).toBe(code);
  return outcome.message;
}
