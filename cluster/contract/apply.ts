import { expect, test } from 'vitest';
import { instrumentSets, subscriptionSlices } from '../resources.ts';
import { alice, bob, type Fixture, type Loose, refused } from './fixtures.ts';

/** Server-side apply: who owns what, and what happens when two want the same. */
export function describeApply(fixture: () => Fixture): void {
  const apply = (config: Loose, who: { fieldManager: string; force?: boolean }) =>
    fixture().cluster.apply(instrumentSets, config, who);

  test('apply: creates what is absent, changes what is there', async () => {
    const f = fixture();
    const created = await apply(f.set(), alice);
    expect(created.metadata.generation).toBe(1);
    expect(created.spec).toMatchObject({ instruments: ['NSE:INFY'], mode: 'quote' });
    const changed = await apply(f.config(created, { spec: { instruments: ['NSE:INFY'], mode: 'ltp' } }), alice);
    expect(changed.metadata).toMatchObject({ generation: 2, uid: created.metadata.uid });
    expect(changed.spec).toMatchObject({ mode: 'ltp' });
  });

  test('apply: the same again is no write', async () => {
    const f = fixture();
    const config = f.set({ labels: { a: 'b' } });
    const once = await apply(config, alice);
    const twice = await apply(config, alice);
    expect(twice).toEqual(once);
  });

  test('apply: what a manager no longer says is removed', async () => {
    const f = fixture();
    const created = await apply(
      f.set({ labels: { a: 'b' }, spec: { delivery: { stream: { maxLength: 500 } } } }),
      alice,
    );
    const less = await apply(f.config(created, { spec: { instruments: ['NSE:INFY'] } }), alice);
    expect(less.metadata.labels).toBeUndefined();
    expect(less.spec?.['delivery']).not.toHaveProperty('stream');
  });

  test('apply: a field that is no longer said goes back to its default', async () => {
    const f = fixture();
    const created = await apply(f.set({ spec: { mode: 'full', delivery: { window: 250 } } }), alice);
    const less = await apply(f.config(created, { spec: { instruments: ['NSE:INFY'] } }), alice);
    expect(less.spec).toMatchObject({ mode: 'quote', delivery: { window: 100 } });
  });

  test('apply: a field of another manager is a conflict that names manager and field; nothing is written', async () => {
    const f = fixture();
    const created = await apply(f.set({ spec: { mode: 'full' } }), alice);
    const wanted = f.config(created, { spec: { mode: 'ltp', redundancy: 1 } });
    const message = await refused(apply(wanted, bob), 'CLUSTER_CONFLICT');
    expect(message).toContain('alice');
    expect(message).toContain('.spec.mode');
    expect(await f.get(instrumentSets, created)).toEqual(created);
  });

  test('apply: force takes a field over; its former owner neither has nor removes it', async () => {
    const f = fixture();
    const created = await apply(f.set({ spec: { mode: 'full' } }), alice);
    const taken = await apply(f.config(created, { spec: { mode: 'ltp' } }), { ...bob, force: true });
    expect(taken.spec).toMatchObject({ mode: 'ltp', instruments: ['NSE:INFY'] });
    const left = await apply(f.config(created, { spec: { instruments: ['NSE:INFY'] } }), alice);
    expect(left.spec).toMatchObject({ mode: 'ltp' });
    await refused(apply(f.config(created, { spec: { mode: 'full' } }), alice), 'CLUSTER_CONFLICT');
  });

  test('apply: two who say the same share a field; it goes when both are gone', async () => {
    const f = fixture();
    const created = await apply(f.set({ labels: { shared: 'yes' } }), alice);
    await apply(f.config(created, { metadata: { ...bare(created), labels: { shared: 'yes' } } }), bob);
    const one = await apply(f.config(created, { spec: { instruments: ['NSE:INFY'] } }), alice);
    expect(one.metadata.labels).toEqual({ shared: 'yes' });
    const none = await apply(f.config(created, {}), bob);
    expect(none.metadata.labels).toBeUndefined();
  });

  test('apply: labels and finalizers of others are left alone', async () => {
    const f = fixture();
    const created = await apply(f.set({ labels: { a: '1' } }), alice);
    const { name, namespace } = created.metadata;
    const extra = { name, ...(namespace && { namespace }), labels: { b: '2' }, finalizers: ['example.com/hold'] };
    await apply(f.config(created, { metadata: extra }), bob);
    const again = await apply(f.set({ name, labels: { a: '3' } }), alice);
    expect(again.metadata.labels).toEqual({ a: '3', b: '2' });
    expect(again.metadata.finalizers).toEqual(['example.com/hold']);
    const without = await apply(f.set({ name }), alice);
    expect(without.metadata.labels).toEqual({ b: '2' });
    const released = await apply(f.config(created, {}), bob);
    expect(released.metadata.finalizers).toBeUndefined();
  });

  test('apply: a list that is a set is merged item by item', async () => {
    const f = fixture();
    const created = await apply(f.set({ spec: { instruments: ['NSE:INFY', 'NSE:TCS'] } }), alice);
    const more = await apply(f.config(created, { spec: { instruments: ['NSE:SBIN'] } }), bob);
    expect(instrumentsOf(more)).toEqual(['NSE:INFY', 'NSE:SBIN', 'NSE:TCS']);
    const fewer = await apply(f.config(created, { spec: { instruments: ['NSE:TCS'] } }), alice);
    expect(instrumentsOf(fewer)).toEqual(['NSE:SBIN', 'NSE:TCS']);
  });

  test('apply: a list that is neither set nor map is owned whole', async () => {
    const f = fixture();
    const chain = (aroundMoney: number) => [{ underlying: 'NSE:NIFTY 50', strikes: { aroundMoney } }];
    const created = await apply(f.set({ spec: { optionChains: chain(1) } }), alice);
    const other = f.config(created, { spec: { optionChains: chain(2) } });
    expect(await refused(apply(other, bob), 'CLUSTER_CONFLICT')).toContain('.spec.optionChains');
    const forced = await apply(other, { ...bob, force: true });
    expect(forced.spec?.['optionChains']).toMatchObject([{ strikes: { aroundMoney: 2 } }]);
  });

  test('apply: what was created belongs to its creator', async () => {
    const f = fixture();
    const created = await f.cluster.create(instrumentSets, f.set({ spec: { mode: 'full' } }), alice);
    await refused(apply(f.config(created, { spec: { mode: 'ltp' } }), bob), 'CLUSTER_CONFLICT');
    const same = await apply(f.config(created, { spec: { mode: 'full' } }), bob);
    expect(same.spec).toMatchObject({ mode: 'full' });
  });

  test('apply: a replace takes over what it changes', async () => {
    const f = fixture();
    const created = await apply(f.set({ spec: { mode: 'full' } }), alice);
    const replaced = await f.cluster.replace(
      instrumentSets,
      { ...created, spec: { ...created.spec, mode: 'ltp' } },
      bob,
    );
    expect(replaced.spec).toMatchObject({ mode: 'ltp' });
    const message = await refused(
      apply(f.set({ name: created.metadata.name, spec: { mode: 'full' } }), alice),
      'CLUSTER_CONFLICT',
    );
    expect(message).toContain('bob');
  });

  test('apply: managedFields tell who owns what', async () => {
    const f = fixture();
    const created = await apply(f.set({ labels: { a: 'b' }, spec: { mode: 'full' } }), alice);
    expect(created.metadata.managedFields).toMatchObject([
      {
        manager: 'alice',
        operation: 'Apply',
        apiVersion: instrumentSets.apiVersion,
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { 'f:a': {} } },
          'f:spec': { 'f:instruments': { 'v:"NSE:INFY"': {} }, 'f:mode': {} },
        },
      },
    ]);
  });

  test('apply: managedFields cannot be applied', async () => {
    const f = fixture();
    const created = await apply(f.set(), alice);
    await refused(apply(f.config(created, { metadata: created.metadata }), alice), 'CLUSTER_INVALID');
  });

  test('apply: with a version only on that version', async () => {
    const f = fixture();
    const first = await apply(f.set(), alice);
    const at = (resourceVersion: string | undefined, mode: string): Loose =>
      f.config(first, {
        metadata: { ...bare(first), ...(resourceVersion && { resourceVersion }) },
        spec: { instruments: ['NSE:INFY'], mode },
      });
    const second = await apply(at(first.metadata.resourceVersion, 'ltp'), alice);
    expect(second.spec).toMatchObject({ mode: 'ltp' });
    await refused(apply(at(first.metadata.resourceVersion, 'full'), alice), 'CLUSTER_CONFLICT');
  });

  test('apply: with a version it never creates what is gone', async () => {
    const f = fixture();
    const { metadata } = await apply(f.set(), alice);
    await f.cluster.delete(instrumentSets, metadata);
    const late = f.set({ name: metadata.name });
    late.metadata.resourceVersion = metadata.resourceVersion ?? '';
    await refused(apply(late, alice), 'CLUSTER_CONFLICT');
    await refused(f.get(instrumentSets, late), 'CLUSTER_NOT_FOUND');
  });

  test('apply: with a uid only on that object', async () => {
    const f = fixture();
    const created = await apply(f.set(), alice);
    const { uid } = created.metadata;
    const config = f.config(created, {
      metadata: { ...bare(created), ...(uid && { uid }) },
      spec: { instruments: ['NSE:TCS'] },
    });
    expect((await apply(config, alice)).spec).toMatchObject({ instruments: ['NSE:TCS'] });
    await f.cluster.delete(instrumentSets, created.metadata);
    await refused(apply(config, alice), 'CLUSTER_CONFLICT');
    await apply(f.set({ name: created.metadata.name }), alice);
    await refused(apply(config, alice), 'CLUSTER_CONFLICT');
  });

  test('apply: what comes out is judged as a whole, and not written when it is wrong', async () => {
    const f = fixture();
    const created = await apply(f.set(), alice);
    await refused(apply(f.config(created, { spec: { mode: 'everything' } }), alice), 'CLUSTER_INVALID');
    await refused(apply(f.config(created, { spec: { nonsense: 1 } }), alice), 'CLUSTER_INVALID');
    expect(await f.get(instrumentSets, created)).toEqual(created);
  });

  test('apply: a field that is null gets its default, and is refused where it has none', async () => {
    const f = fixture();
    expect((await apply(f.set({ spec: { mode: null } }), alice)).spec).toMatchObject({ mode: 'quote' });
    const message = await refused(apply(f.set({ spec: { accountSelector: null } }), alice), 'CLUSTER_INVALID');
    expect(message).toContain('spec.accountSelector');
  });

  test('apply: a transition rule is checked against what is there', async () => {
    const f = fixture();
    const slice = f.slice();
    await f.cluster.apply(subscriptionSlices, { ...slice, spec: { ...slice.spec, epoch: 5 } }, alice);
    await f.cluster.apply(subscriptionSlices, { ...slice, spec: { ...slice.spec, epoch: 6 } }, alice);
    const lower = { ...slice, spec: { ...slice.spec, epoch: 5 } };
    const message = await refused(f.cluster.apply(subscriptionSlices, lower, alice), 'CLUSTER_INVALID');
    expect(message).toContain('epoch');
  });

  test('apply: a manager needs a name', async () => {
    const f = fixture();
    await refused(apply(f.set(), { fieldManager: '' }), 'CLUSTER_INVALID');
  });
}

function bare({ metadata: { name, namespace } }: Loose): { name: string; namespace?: string } {
  return { name, ...(namespace === undefined ? {} : { namespace }) };
}

function instrumentsOf({ spec }: Loose): unknown[] {
  const instruments = spec?.['instruments'];
  return Array.isArray(instruments) ? [...instruments].sort() : [];
}
