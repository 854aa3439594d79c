import { expect, test } from 'vitest';
import { instrumentSets } from '../resources.ts';
import { alice, bob, type Fixture, type Loose, refused } from './fixtures.ts';

const hold = 'example.com/hold';

/** JSON Patch, finalizers and deletion. */
export function describeDeletion(fixture: () => Fixture): void {
  const held = (): Promise<Loose> => {
    const f = fixture();
    const set = f.set();
    set.metadata.finalizers = [hold];
    return f.cluster.create(instrumentSets, set, alice);
  };

  test('patch: a test that holds lets the rest through', async () => {
    const f = fixture();
    const { metadata } = await f.cluster.create(instrumentSets, f.set({ labels: { a: 'b' } }), alice);
    const patched = await f.cluster.patch<Loose>(
      instrumentSets,
      metadata,
      [
        { op: 'test', path: '/spec/mode', value: 'quote' },
        { op: 'replace', path: '/spec/mode', value: 'ltp' },
        { op: 'add', path: '/metadata/labels/example.com~1c', value: 'd' },
        { op: 'remove', path: '/metadata/labels/a' },
        { op: 'add', path: '/spec/instruments/-', value: 'NSE:TCS' },
      ],
      bob,
    );
    expect(patched).toMatchObject({
      metadata: { generation: 2, labels: { 'example.com/c': 'd' } },
      spec: { mode: 'ltp', instruments: ['NSE:INFY', 'NSE:TCS'] },
    });
    expect(patched.metadata.labels).not.toHaveProperty('a');
  });

  test('patch: a test that fails, or a path that is not there, refuses all of it', async () => {
    const f = fixture();
    const created = await f.cluster.create(instrumentSets, f.set(), alice);
    const change = { op: 'replace', path: '/spec/mode', value: 'ltp' } as const;
    for (const wrong of [
      { op: 'test', path: '/spec/mode', value: 'full' },
      { op: 'remove', path: '/spec/accountSelector' },
      { op: 'replace', path: '/metadata/labels/a', value: 'b' },
    ] as const) {
      await refused(f.cluster.patch(instrumentSets, created.metadata, [change, wrong], alice), 'CLUSTER_INVALID');
    }
    expect(await f.get(instrumentSets, created)).toEqual(created);
  });

  test('patch: what comes out is judged', async () => {
    const f = fixture();
    const { metadata } = await f.cluster.create(instrumentSets, f.set(), alice);
    const wrong = { op: 'replace', path: '/spec/mode', value: 'everything' } as const;
    await refused(f.cluster.patch(instrumentSets, metadata, [wrong], alice), 'CLUSTER_INVALID');
  });

  test('patch: does not touch status', async () => {
    const f = fixture();
    const { metadata } = await f.cluster.create(instrumentSets, f.set(), alice);
    const status = { op: 'add', path: '/status', value: { resolved: 3 } } as const;
    expect((await f.cluster.patch<Loose>(instrumentSets, metadata, [status], alice)).status).toBeUndefined();
  });

  test('patch: of what is not there is not found', async () => {
    const f = fixture();
    await refused(f.cluster.patch(instrumentSets, f.set().metadata, [], alice), 'CLUSTER_NOT_FOUND');
  });

  test('delete: without finalizers it is gone at once', async () => {
    const f = fixture();
    const created = await f.cluster.create(instrumentSets, f.set(), alice);
    await f.cluster.delete(instrumentSets, created.metadata);
    await refused(f.get(instrumentSets, created), 'CLUSTER_NOT_FOUND');
    await refused(f.cluster.delete(instrumentSets, created.metadata), 'CLUSTER_NOT_FOUND');
  });

  test('delete: one created anew is another object', async () => {
    const f = fixture();
    const first = await f.cluster.create(instrumentSets, f.set(), alice);
    await f.cluster.delete(instrumentSets, first.metadata);
    const second = await f.cluster.create(instrumentSets, f.set({ name: first.metadata.name }), alice);
    expect(second.metadata.uid).not.toBe(first.metadata.uid);
    expect(second.metadata.generation).toBe(1);
    expect(Number(second.metadata.resourceVersion)).toBeGreaterThan(Number(first.metadata.resourceVersion));
  });

  test('delete: with a finalizer it is marked, and gone with its last finalizer', async () => {
    const f = fixture();
    const created = await held();
    await f.cluster.delete(instrumentSets, created.metadata);
    const marked = await f.get(instrumentSets, created);
    expect(marked.metadata.deletionTimestamp).toMatch(/Z$/);
    expect(marked.metadata.generation).toBe(2);
    await f.cluster.delete(instrumentSets, created.metadata);
    expect(await f.get(instrumentSets, created)).toEqual(marked);
    const operations = [
      { op: 'test', path: '/metadata/finalizers/0', value: hold },
      { op: 'remove', path: '/metadata/finalizers/0' },
    ] as const;
    await f.cluster.patch(instrumentSets, created.metadata, operations, alice);
    await refused(f.get(instrumentSets, created), 'CLUSTER_NOT_FOUND');
  });

  test('delete: an object that is deleted can be written still, but gets no new finalizer', async () => {
    const f = fixture();
    const created = await held();
    await f.cluster.delete(instrumentSets, created.metadata);
    const config = f.config(created, { spec: { mode: 'ltp' } });
    const changed = await f.cluster.apply(instrumentSets, config, { ...bob, force: true });
    expect(changed.spec).toMatchObject({ mode: 'ltp' });
    const more = { op: 'add', path: '/metadata/finalizers/-', value: 'example.com/more' } as const;
    await refused(f.cluster.patch(instrumentSets, created.metadata, [more], alice), 'CLUSTER_INVALID');
  });

  test('delete: an apply that gives up the last finalizer ends a deletion', async () => {
    const f = fixture();
    const set = f.set();
    const finalized = { ...set, metadata: { ...set.metadata, finalizers: [hold] } };
    const created = await f.cluster.apply(instrumentSets, finalized, alice);
    await f.cluster.delete(instrumentSets, created.metadata);
    await f.cluster.apply(instrumentSets, set, alice);
    await refused(f.get(instrumentSets, created), 'CLUSTER_NOT_FOUND');
  });

  test('delete: with preconditions only what they name', async () => {
    const f = fixture();
    const created = await f.cluster.create(instrumentSets, f.set(), alice);
    const { uid = '', resourceVersion = '' } = created.metadata;
    await refused(f.cluster.delete(instrumentSets, created.metadata, { uid: 'another' }), 'CLUSTER_CONFLICT');
    await refused(
      f.cluster.delete(instrumentSets, created.metadata, { uid, resourceVersion: '1' }),
      'CLUSTER_CONFLICT',
    );
    await f.cluster.delete(instrumentSets, created.metadata, { uid, resourceVersion });
    await refused(f.get(instrumentSets, created), 'CLUSTER_NOT_FOUND');
  });
}
