import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { apiVersion, type KubeObject } from '../../crds/index.ts';
import { systemClock } from '../../runtime/clock.ts';
import { CodedError } from '../../runtime/errors.ts';
import type { Cluster, PatchOperation, Resource } from '../cluster.ts';
import { MemoryCluster } from '../memory/memory-cluster.ts';
import { instrumentSets, subscriptionSlices } from '../resources.ts';
import { ApiServer } from './api-server.testing.ts';

vi.setConfig({ hookTimeout: 180_000, testTimeout: 180_000 });

type Loose = KubeObject & { spec?: object; status?: object };

/** One request of a sequence; both clusters get the same ones. */
type Step =
  | { readonly verb: 'create' | 'apply' | 'replace' | 'applyStatus'; readonly body: Body; readonly who: Who }
  | { readonly verb: 'patch'; readonly operations: readonly PatchOperation[]; readonly who: Who }
  | { readonly verb: 'delete'; readonly stale: boolean };
interface Who {
  readonly fieldManager: string;
  readonly force?: boolean;
}
interface Body {
  readonly labels?: Record<string, string>;
  readonly finalizers?: string[];
  readonly spec?: object;
  readonly status?: object;
  /** With the version that was last seen, with an old one, or with none. */
  readonly version?: 'current' | 'stale';
}

const who = fc.record(
  { fieldManager: fc.constantFrom('alice', 'bob'), force: fc.boolean() },
  { requiredKeys: ['fieldManager'] },
);
const labels = fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('x', 'y'), { maxKeys: 2 });
const common = {
  labels: labels.filter((it) => Object.keys(it).length > 0),
  finalizers: fc.subarray(['example.com/one', 'example.com/two'], { minLength: 1 }),
  version: fc.constantFrom('current' as const, 'stale' as const),
};
const condition = fc.record({
  type: fc.constantFrom('Ready', 'Resolved'),
  status: fc.constantFrom('True', 'False'),
  reason: fc.constant('Tested'),
  message: fc.constantFrom('', 'm'),
  lastTransitionTime: fc.constant('2026-01-05T04:00:00Z'),
});
const setSpec = fc.record(
  {
    instruments: fc.subarray(['NSE:INFY', 'NSE:TCS', 'NSE:SBIN'], { minLength: 0 }),
    mode: fc.constantFrom('ltp', 'full', 'everything'),
    optionChains: fc.constantFrom([], [{ underlying: 'NSE:NIFTY 50', strikes: { aroundMoney: 1 } }]),
    delivery: fc.record(
      { window: fc.constantFrom(0, 250), stream: fc.constant({ maxLength: 500 }) },
      { requiredKeys: [] },
    ),
    accountSelector: fc.record({ matchLabels: labels, names: fc.constant(['n']) }, { requiredKeys: [] }),
    greeks: fc.constantFrom({}, { model: 'black76' }),
  },
  { requiredKeys: [] },
);
const setStatus = fc.record(
  {
    resolved: fc.integer({ min: -1, max: 3 }),
    conditions: fc.uniqueArray(condition, { maxLength: 2, selector: ({ type }) => type }),
  },
  { requiredKeys: [] },
);
const shard = fc.record({ shard: fc.constantFrom('s-0', 's-1'), uid: fc.constantFrom('u1', 'u2') });
const sliceSpec = fc.record(
  {
    account: fc.constantFrom('a', 'b'),
    connection: fc.constant(0),
    login: fc.constant({ provider: 'mock' }),
    epoch: fc.integer({ min: 1, max: 3 }),
    sets: fc.constant([]),
    groups: fc.constant([]),
    owner: shard,
  },
  { requiredKeys: ['connection'] },
);
const shardReport = fc.record({
  shard: fc.constantFrom('s-0', 's-1'),
  uid: fc.constant('u'),
  observedGeneration: fc.integer({ min: 0, max: 2 }),
  phase: fc.constantFrom('Streaming', 'Up'),
  subscribed: fc.integer({ min: 0, max: 1 }),
});
const sliceStatus = fc.record(
  { shards: fc.uniqueArray(shardReport, { maxLength: 2, selector: ({ shard: name }) => name }) },
  { requiredKeys: [] },
);

function steps(spec: fc.Arbitrary<object>, status: fc.Arbitrary<object>): fc.Arbitrary<Step[]> {
  const body = fc.record({ ...common, spec, status }, { requiredKeys: ['spec'] });
  const operation: fc.Arbitrary<PatchOperation> = fc.constantFrom(
    { op: 'test', path: '/metadata/finalizers/0', value: 'example.com/one' } as const,
    { op: 'remove', path: '/metadata/finalizers/0' } as const,
    { op: 'remove', path: '/metadata/labels' } as const,
    { op: 'add', path: '/metadata/labels/a', value: 'x' } as const,
    { op: 'replace', path: '/spec/mode', value: 'ltp' } as const,
    { op: 'add', path: '/metadata/finalizers', value: ['example.com/two'] } as const,
  );
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ verb: fc.constant('apply' as const), body, who }) },
    {
      weight: 4,
      arbitrary: fc.record({
        verb: fc.constantFrom('create' as const, 'replace' as const, 'applyStatus' as const),
        body,
        who,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        verb: fc.constant('patch' as const),
        operations: fc.array(operation, { minLength: 1, maxLength: 2 }),
        who,
      }),
    },
    { weight: 1, arbitrary: fc.record({ verb: fc.constant('delete' as const), stale: fc.boolean() }) },
  );
  return fc.array(step, { minLength: 1, maxLength: 10 });
}

/** Plays a sequence on one cluster; what came of each step, without what may differ between any two clusters. */
async function play(cluster: Cluster, resource: Resource, name: string, sequence: readonly Step[]): Promise<unknown[]> {
  const results: unknown[] = [];
  const key = { namespace: 'default', name };
  let last: Loose | undefined;
  for (const step of sequence) {
    const before = last?.metadata.resourceVersion;
    try {
      const after = await run(cluster, resource, key, step, last);
      if (after === undefined) results.push('deleted');
      else results.push({ wrote: after.metadata.resourceVersion !== before, ...comparable(after) });
      last = after ?? last;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      results.push(error.code);
    }
  }
  const end = await cluster.get<Loose>(resource, key).catch((error: CodedError) => error.code);
  results.push(typeof end === 'string' ? end : comparable(end));
  return results;
}

async function run(
  cluster: Cluster,
  resource: Resource,
  key: { namespace: string; name: string },
  step: Step,
  last: Loose | undefined,
): Promise<Loose | undefined> {
  if (step.verb === 'patch') return cluster.patch<Loose>(resource, key, step.operations, step.who);
  if (step.verb === 'delete') {
    await cluster.delete(resource, key, step.stale ? { resourceVersion: '1' } : {});
    return undefined;
  }
  const { version, spec, status, ...metadata } = step.body;
  const current = last?.metadata.resourceVersion ?? '1';
  const resourceVersion = version === undefined ? undefined : version === 'stale' ? '1' : current;
  const object = {
    ...{
      apiVersion,
      kind: resource.kind,
      metadata: { ...key, ...metadata, ...(resourceVersion && { resourceVersion }) },
    },
    ...(spec === undefined ? {} : { spec }),
    ...(status === undefined ? {} : { status }),
  } as Loose;
  return cluster[step.verb](resource, object, step.who);
}

function comparable({ metadata, ...rest }: Loose): object {
  const { uid: _, resourceVersion: __, creationTimestamp: ___, deletionTimestamp, managedFields, ...same } = metadata;
  const owners = ((managedFields ?? []) as Record<string, unknown>[])
    .map(({ time: ____, ...entry }) => JSON.stringify(sorted(entry)))
    .sort();
  return { ...rest, metadata: { ...same, deleting: deletionTimestamp !== undefined, owners } };
}

/** Where several things are wrong at once, which of them is said is not promised. */
function sameRefusal(answer: unknown, truth: unknown): unknown {
  const refused = (it: unknown): boolean => typeof it === 'string' && it.startsWith('CLUSTER_');
  return refused(answer) && refused(truth) ? truth : answer;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort()
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

/**
 * Sequences of requests that both clusters must answer alike, in objects, owners of fields, and whether anything was
 * written. Left out of what is generated are a few oddities of the real one that nobody relies on: empty labels and
 * finalizers, and null over what is there, in what is applied. `DIFFERENTIAL_SEED` and `DIFFERENTIAL_RUNS` look further.
 */
describe('the memory cluster and a real API server', () => {
  let server: ApiServer;
  let real: Cluster;
  let names = 0;
  beforeAll(async () => {
    server = await ApiServer.start();
    real = await server.connect();
  });
  afterAll(() => server.stop());

  it.each([
    ['sets', instrumentSets, setSpec, setStatus],
    ['slices', subscriptionSlices, sliceSpec, sliceStatus],
  ] as const)('answer alike whatever is asked of %s', async (_, resource, spec, status) => {
    const memory = new MemoryCluster({ clock: systemClock });
    const runs = Number(process.env['DIFFERENTIAL_RUNS'] ?? 60);
    await fc.assert(
      fc.asyncProperty(steps(spec, status), async (sequence) => {
        const name = `differential-${names++}`;
        const truth = await play(real, resource, name, sequence);
        const answers = await play(memory, resource, name, sequence);
        expect(answers.map((answer, index) => sameRefusal(answer, truth[index]))).toEqual(truth);
      }),
      { seed: Number(process.env['DIFFERENTIAL_SEED'] ?? 7), numRuns: runs },
    );
  });
});
