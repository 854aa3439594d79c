import { expect, test } from 'vitest';
import { instrumentSets, subscriptionSlices } from '../resources.ts';
import { alice, bob, type Fixture, type Loose, refused } from './fixtures.ts';

/** The status subresource. */
export function describeStatus(fixture: () => Fixture): void {
  const ready = (status: string) => ({
    conditions: [{ type: 'Ready', status, reason: 'Tested', message: '', lastTransitionTime: '2026-01-05T04:00:00Z' }],
  });
  const report = (shard: string, subscribed: number) => ({
    shards: [{ shard, uid: `${shard}-uid`, observedGeneration: 1, phase: 'Streaming', subscribed }],
  });
  const applyStatus = (
    object: Loose,
    status: Record<string, unknown>,
    who: { fieldManager: string; force?: boolean },
  ) => {
    const f = fixture();
    const resource = object.kind === 'InstrumentSet' ? instrumentSets : subscriptionSlices;
    return f.cluster.applyStatus(resource, f.config(object, { status }), who);
  };

  test('status: is written apart from the spec, without a new generation', async () => {
    const f = fixture();
    const created = await f.cluster.apply(instrumentSets, f.set(), alice);
    const reported = await applyStatus(created, { resolved: 1, ...ready('True') }, bob);
    expect(reported.status).toEqual({ resolved: 1, ...ready('True') });
    expect(reported.spec).toEqual(created.spec);
    expect(reported.metadata.generation).toBe(1);
    expect(reported.metadata.resourceVersion).not.toBe(created.metadata.resourceVersion);
  });

  test('status: nothing else that comes with it is written', async () => {
    const f = fixture();
    const created = await f.cluster.apply(instrumentSets, f.set(), alice);
    const more = f.config(created, { status: { resolved: 2 }, spec: { mode: 'full' } });
    more.metadata.labels = { a: 'b' };
    const reported = await f.cluster.applyStatus(instrumentSets, more, bob);
    expect(reported.spec).toEqual(created.spec);
    expect(reported.metadata.labels).toBeUndefined();
    expect(reported.status).toEqual({ resolved: 2 });
  });

  test('status: with a version it is written on that state of that object only; a uid alone says nothing', async () => {
    const f = fixture();
    const created = await f.cluster.apply(instrumentSets, f.set(), alice);
    const { uid = '', resourceVersion = '' } = created.metadata;
    await f.cluster.delete(instrumentSets, created.metadata);
    const anew = await f.cluster.apply(instrumentSets, f.set({ name: created.metadata.name }), alice);
    const late = (named: object) => {
      const config = f.config(created, { status: { resolved: 1 } });
      return f.cluster.applyStatus(instrumentSets, { ...config, metadata: { ...config.metadata, ...named } }, alice);
    };
    await refused(late({ resourceVersion }), 'CLUSTER_CONFLICT');
    expect((await f.get(instrumentSets, anew)).status).toBeUndefined();
    await late({ uid });
    expect((await f.get(instrumentSets, anew)).status).toEqual({ resolved: 1 });
  });

  test('status: an apply of the object does not touch it', async () => {
    const f = fixture();
    const created = await f.cluster.apply(instrumentSets, f.set(), alice);
    await applyStatus(created, { resolved: 1 }, alice);
    const config = f.config(created, { spec: { instruments: ['NSE:TCS'] }, status: { resolved: 7 } });
    const changed = await f.cluster.apply(instrumentSets, config, alice);
    expect(changed.status).toEqual({ resolved: 1 });
  });

  test('status: the same again is no write', async () => {
    const f = fixture();
    const created = await f.cluster.apply(instrumentSets, f.set(), alice);
    const once = await applyStatus(created, ready('True'), bob);
    const twice = await applyStatus(created, ready('True'), bob);
    expect(twice).toEqual(once);
  });

  test('status: two managers of one keyed list each have their entry', async () => {
    const f = fixture();
    const slice = await f.cluster.apply(subscriptionSlices, f.slice(), alice);
    await applyStatus(slice, report('shard-0', 3), { fieldManager: 'shard-0' });
    const both = await applyStatus(slice, report('shard-1', 4), { fieldManager: 'shard-1' });
    expect(both.status).toEqual({ shards: [...report('shard-0', 3).shards, ...report('shard-1', 4).shards] });
    const updated = await applyStatus(slice, report('shard-0', 5), { fieldManager: 'shard-0' });
    expect(updated.status).toEqual({ shards: [...report('shard-0', 5).shards, ...report('shard-1', 4).shards] });
    const left = await applyStatus(slice, {}, { fieldManager: 'shard-0' });
    expect(left.status).toEqual(report('shard-1', 4));
  });

  test('status: an apply that empties what it still names is refused; one that leaves it out removes it', async () => {
    const f = fixture();
    const created = await f.cluster.apply(instrumentSets, f.set(), alice);
    await applyStatus(created, { resolved: 1 }, bob);
    await refused(applyStatus(created, {}, bob), 'CLUSTER_INVALID');
    const left = await f.cluster.applyStatus(instrumentSets, f.config(created, {}), bob);
    expect(left.status).toBeUndefined();
  });

  test('status: a patch of it removes one entry of a keyed list, and touches nothing else', async () => {
    const f = fixture();
    const slice = await f.cluster.apply(subscriptionSlices, f.slice(), alice);
    await applyStatus(slice, report('shard-0', 3), { fieldManager: 'shard-0' });
    const both = await applyStatus(slice, report('shard-1', 4), { fieldManager: 'shard-1' });
    const operations = [
      { op: 'test', path: '/status/shards/0/shard', value: 'shard-0' },
      { op: 'test', path: '/status/shards/0/uid', value: 'shard-0-uid' },
      { op: 'remove', path: '/status/shards/0' },
      { op: 'add', path: '/metadata/labels', value: { a: 'b' } },
    ] as const;
    const patched = await f.cluster.patch<Loose>(subscriptionSlices, slice.metadata, operations, {
      ...bob,
      subresource: 'status',
    });
    expect(patched.status).toEqual(report('shard-1', 4));
    expect(patched.spec).toEqual(both.spec);
    expect(patched.metadata.labels).toEqual(both.metadata.labels);
    expect(patched.metadata.generation).toBe(both.metadata.generation);
    const again = f.cluster.patch(subscriptionSlices, slice.metadata, operations, { ...bob, subresource: 'status' });
    await refused(again, 'CLUSTER_INVALID');
    // The other's entry is still its own.
    const updated = await applyStatus(slice, report('shard-1', 5), { fieldManager: 'shard-1' });
    expect(updated.status).toEqual(report('shard-1', 5));
  });

  test("status: another manager's entry is a conflict that names it", async () => {
    const f = fixture();
    const slice = await f.cluster.apply(subscriptionSlices, f.slice(), alice);
    await applyStatus(slice, report('shard-0', 3), alice);
    const message = await refused(applyStatus(slice, report('shard-0', 9), bob), 'CLUSTER_CONFLICT');
    expect(message).toContain('alice');
    expect(message).toContain('.status.shards[shard="shard-0",uid="shard-0-uid"].subscribed');
  });

  test('status: two of one key in one list are refused', async () => {
    const f = fixture();
    const slice = await f.cluster.apply(subscriptionSlices, f.slice(), alice);
    const shards = [...report('shard-0', 3).shards, ...report('shard-0', 4).shards];
    await refused(applyStatus(slice, { shards }, alice), 'CLUSTER_INVALID');
  });

  test('status: is judged by its schema', async () => {
    const f = fixture();
    const created = await f.cluster.apply(instrumentSets, f.set(), alice);
    await refused(applyStatus(created, { resolved: -1 }, bob), 'CLUSTER_INVALID');
    await refused(applyStatus(created, ready('Perhaps'), bob), 'CLUSTER_INVALID');
  });

  test('status: of what is not there is not found', async () => {
    await refused(applyStatus(fixture().set(), { resolved: 1 }, bob), 'CLUSTER_NOT_FOUND');
  });

  test('status: with a version only on that version', async () => {
    const f = fixture();
    const created = await f.cluster.apply(instrumentSets, f.set(), alice);
    const stale = f.config(created, { status: { resolved: 1 } });
    stale.metadata.resourceVersion = '1';
    await refused(f.cluster.applyStatus(instrumentSets, stale, bob), 'CLUSTER_CONFLICT');
  });
}
