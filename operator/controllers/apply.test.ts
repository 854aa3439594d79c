import { expect, test } from 'vitest';
import { unavailable } from '../../cluster/errors.ts';
import { FaultyCluster } from '../../cluster/faulty-cluster.ts';
import { MemoryCluster } from '../../cluster/memory/memory-cluster.ts';
import { instrumentSets, subscriptionSlices } from '../../cluster/resources.ts';
import {
  apiVersion,
  type InstrumentSet,
  type SubscriptionSlice,
  sliceFinalizer,
  type TickerAccount,
} from '../../crds/index.ts';
import { silentLogger } from '../../runtime/log.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { sliceOf } from '../handover/handover.testing.ts';
import { Applier } from './apply.ts';
import { fieldManager } from './names.ts';
import { Overlay } from './overlay.ts';

/** A slice that was written by ourselves, and a watch that has not shown it yet. */
async function setUp() {
  const clock = new VirtualClock();
  const cluster = new FaultyCluster(new MemoryCluster({ clock }), clock);
  const slices = new Overlay<SubscriptionSlice>(clock);
  const accounts = new Overlay<TickerAccount>(clock);
  const sets = new Overlay<InstrumentSet>(clock);
  const applier = new Applier(cluster, { accounts, sets, slices }, silentLogger);
  const { metadata, status: _, ...rest } = sliceOf();
  const object = { ...rest, metadata: { name: metadata.name, namespace: metadata.namespace ?? '' } };
  const stale = await cluster.apply<SubscriptionSlice>(subscriptionSlices, object, { fieldManager });
  await applier.slices([{ kind: 'apply', object: { ...object, spec: { ...object.spec, epoch: 2 } }, existing: stale }]);
  // A cache that stands still.
  const cache = { list: () => [stale], observed: (version: string) => version === stale.metadata.resourceVersion };
  return { cluster, applier, object, stale, epoch: () => slices.over(cache)[0]?.spec.epoch };
}

test('an answer that is lost takes nothing from what we know of our writes before it', async () => {
  const { cluster, applier, stale, epoch } = await setUp();
  expect(epoch()).toBe(2);
  cluster.faults = { loseReply: () => unavailable('the reply was lost') };
  const outcome = await applier.slices([{ kind: 'prune', existing: stale, operations: [] }]);
  expect(outcome.failures).toHaveLength(1);
  expect(epoch()).toBe(2);
});

test("another's write is looked at at once: the watch may be silent", async () => {
  const { cluster, applier, object, stale, epoch } = await setUp();
  await cluster.apply(subscriptionSlices, { ...object, spec: { ...object.spec, epoch: 3 } }, { fieldManager });
  const { uid = '', resourceVersion = '' } = stale.metadata;
  const outdated = { ...object, metadata: { ...object.metadata, uid, resourceVersion } };
  const outcome = await applier.slices([{ kind: 'apply', object: outdated, existing: stale }]);
  expect(outcome).toMatchObject({ conflicts: 1, failures: [] });
  expect(epoch()).toBe(3);
});

test('what turns out to be gone stays away, though the watch still shows it', async () => {
  const { cluster, applier, stale, epoch } = await setUp();
  await cluster.delete(subscriptionSlices, { name: stale.metadata.name, namespace: stale.metadata.namespace ?? '' });
  await applier.slices([{ kind: 'prune', existing: stale, operations: [] }]);
  expect(epoch()).toBeUndefined();
});

test('a slice that was created anew under the name keeps its finalizer and what its shards say', async () => {
  const { cluster, applier, object, stale } = await setUp();
  const name = { name: object.metadata.name, namespace: object.metadata.namespace };
  await cluster.delete(subscriptionSlices, name);
  const held = { ...object, metadata: { ...object.metadata, finalizers: [sliceFinalizer] } };
  const anew = await cluster.apply<SubscriptionSlice>(subscriptionSlices, held, { fieldManager });
  const existing = { ...stale, metadata: { ...stale.metadata, finalizers: [sliceFinalizer] } };
  const operations = [{ op: 'remove', path: '/spec/suspended' }] as const;
  const outcome = await applier.slices([
    { kind: 'release', existing },
    { kind: 'prune', existing, operations },
  ]);
  expect(outcome.failures).toEqual([]);
  expect(await cluster.get(subscriptionSlices, name)).toEqual(anew);
});

test('a status is not written onto what was created anew under the name', async () => {
  const { cluster, applier } = await setUp();
  const user = { fieldManager: 'user' };
  const name = { name: 'equities', namespace: 'desk' };
  const spec = { instruments: ['NSE:INFY'], mode: 'quote' };
  const sent = { apiVersion, kind: 'InstrumentSet', metadata: name, spec };
  const set = await cluster.apply<InstrumentSet>(instrumentSets, sent as InstrumentSet, user);
  await cluster.delete(instrumentSets, name);
  await cluster.apply(instrumentSets, { ...set, metadata: { ...name } }, user);
  const written = { ...set, status: { observedGeneration: 1 } };
  const told: string[] = [];
  const outcome = await applier.statuses([{ kind: 'set', object: written, transitions: [] }], ({ kind }) =>
    told.push(kind),
  );
  expect(told).toEqual([]);
  expect(outcome).toMatchObject({ written: 0, conflicts: 1, failures: [] });
  expect((await cluster.get<InstrumentSet>(instrumentSets, name)).status).toBeUndefined();
});
