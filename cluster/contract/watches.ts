import { expect, test } from 'vitest';
import { instrumentSets } from '../resources.ts';
import { alice, bob, type Fixture, type Loose, refused } from './fixtures.ts';

/** Watches. */
export function describeWatches(fixture: () => Fixture): void {
  const summary = (events: readonly { type: string; object: Loose }[]) =>
    events.map(({ type, object }) => `${type} ${object.metadata.name}`);

  test('watch: says each change after the version, in order, as the writer saw it', async () => {
    const f = fixture();
    const from = await f.version(instrumentSets);
    const created = await f.cluster.apply(instrumentSets, f.set(), alice);
    const config = f.config(created, { spec: { instruments: ['NSE:TCS'] } });
    const changed = await f.cluster.apply(instrumentSets, config, alice);
    const reported = await f.cluster.applyStatus(instrumentSets, f.config(created, { status: { resolved: 1 } }), bob);
    await f.cluster.delete(instrumentSets, created.metadata);
    const events = await f.changes(instrumentSets, from, 4);
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'MODIFIED', 'DELETED']);
    expect(events.slice(0, 3).map(({ object }) => object)).toEqual([created, changed, reported]);
    const last = events[3]?.object;
    expect(last?.metadata.uid).toBe(created.metadata.uid);
    expect(Number(last?.metadata.resourceVersion)).toBeGreaterThan(Number(reported.metadata.resourceVersion));
  });

  test('watch: resumes after the version of any change', async () => {
    const f = fixture();
    const from = await f.version(instrumentSets);
    const sets = [f.set(), f.set(), f.set()];
    for (const set of sets) await f.cluster.create(instrumentSets, set, alice);
    const [first] = await f.changes(instrumentSets, from, 1);
    const rest = await f.changes(instrumentSets, first?.object.metadata.resourceVersion ?? '', 2);
    expect(summary(rest)).toEqual(sets.slice(1).map(({ metadata }) => `ADDED ${metadata.name}`));
  });

  test('watch: what is written while it is open arrives, at each of several', async () => {
    const f = fixture();
    const from = await f.version(instrumentSets);
    const watches = [f.changes(instrumentSets, from, 2), f.changes(instrumentSets, from, 2)];
    const created = await f.cluster.create(instrumentSets, f.set(), alice);
    await f.cluster.delete(instrumentSets, created.metadata);
    for (const events of await Promise.all(watches)) {
      expect(events.map(({ type }) => type)).toEqual(['ADDED', 'DELETED']);
    }
  });

  test('watch: by labels, an object that starts to match is added and one that stops is deleted', async () => {
    const f = fixture();
    const run = f.name();
    const from = await f.version(instrumentSets);
    const set = f.set({ labels: { run: 'other' } });
    const { name } = set.metadata;
    await f.cluster.apply(instrumentSets, set, alice);
    await f.cluster.apply(instrumentSets, f.set({ name, labels: { run } }), alice);
    await f.cluster.apply(instrumentSets, f.set({ name, labels: { run }, spec: { mode: 'ltp' } }), alice);
    const moved = await f.cluster.apply(instrumentSets, f.set({ name, labels: { run: 'other' } }), alice);
    await f.cluster.apply(instrumentSets, f.set({ name, labels: { run } }), alice);
    await f.cluster.delete(instrumentSets, set.metadata);
    const events = await f.changes(instrumentSets, from, 5, { namespace: f.namespace, labels: { run } });
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED', 'ADDED', 'DELETED']);
    // The last state that matched, under the version of the change.
    expect(events[2]?.object.metadata.labels).toEqual({ run });
    expect(events[2]?.object.metadata.resourceVersion).toBe(moved.metadata.resourceVersion);
  });

  test('watch: by name and by namespace', async () => {
    const f = fixture();
    const from = await f.version(instrumentSets);
    const [one, two] = [f.set(), f.set()];
    const away = f.set({ name: one.metadata.name });
    away.metadata.namespace = f.other;
    for (const set of [two, away, one]) await f.cluster.create(instrumentSets, set, alice);
    await f.cluster.delete(instrumentSets, two.metadata);
    await f.cluster.delete(instrumentSets, one.metadata);
    const { name } = one.metadata;
    const events = await f.changes(instrumentSets, from, 2, { namespace: f.namespace, name });
    expect(summary(events)).toEqual([`ADDED ${name}`, `DELETED ${name}`]);
    const elsewhere = await f.changes(instrumentSets, from, 1, { namespace: f.other });
    expect(elsewhere.map(({ object }) => object.metadata.namespace)).toEqual([f.other]);
  });

  test('watch: a deletion with a finalizer is a change, then a deletion', async () => {
    const f = fixture();
    const set = f.set();
    set.metadata.finalizers = ['example.com/hold'];
    const created = await f.cluster.create(instrumentSets, set, alice);
    await f.cluster.delete(instrumentSets, created.metadata);
    const release = { op: 'remove', path: '/metadata/finalizers' } as const;
    await f.cluster.patch(instrumentSets, created.metadata, [release], alice);
    const events = await f.changes(instrumentSets, created.metadata.resourceVersion ?? '', 2);
    expect(events.map(({ type }) => type)).toEqual(['MODIFIED', 'DELETED']);
    expect(events[0]?.object.metadata.deletionTimestamp).toBeDefined();
  });

  test('watch: a write that changes nothing is no event', async () => {
    const f = fixture();
    const set = f.set();
    const from = await f.version(instrumentSets);
    await f.cluster.apply(instrumentSets, set, alice);
    await f.cluster.apply(instrumentSets, set, alice);
    await f.cluster.delete(instrumentSets, set.metadata);
    const events = await f.changes(instrumentSets, from, 2);
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'DELETED']);
  });

  test('watch: a version that is none is refused', async () => {
    const f = fixture();
    await refused(f.changes(instrumentSets, 'yesterday', 1), 'CLUSTER_INVALID');
  });

  test('watch: ends when its signal is aborted, at once when it is already', async () => {
    const f = fixture();
    const resourceVersion = await f.version(instrumentSets);
    for (const signal of [AbortSignal.timeout(20), AbortSignal.abort()]) {
      let events = 0;
      for await (const _ of f.cluster.watch(instrumentSets, { namespace: f.namespace, resourceVersion, signal }))
        events++;
      expect(events).toBe(0);
    }
  });
}
