import { expect, test } from 'vitest';
import { instrumentSets, leases, secrets, tickerAccounts } from '../resources.ts';
import { alice, type Fixture, type Loose, refused } from './fixtures.ts';

/** Creating, reading, listing and replacing. */
export function describeObjects(fixture: () => Fixture): void {
  test('create: the server gives uid, version, generation and time, and get returns the same', async () => {
    const f = fixture();
    const created = await f.cluster.create(instrumentSets, f.set(), alice);
    expect(created.metadata.uid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(created.metadata.resourceVersion).toMatch(/^[1-9][0-9]*$/);
    expect(created.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(created.metadata.generation).toBe(1);
    expect(await f.get(instrumentSets, created)).toEqual(created);
  });

  test('create: a second of the same name is refused', async () => {
    const f = fixture();
    const { metadata } = await f.cluster.create(instrumentSets, f.set(), alice);
    await refused(f.cluster.create(instrumentSets, f.set({ name: metadata.name }), alice), 'CLUSTER_ALREADY_EXISTS');
  });

  test('create: no name, a name that is none, or no namespace is refused', async () => {
    const f = fixture();
    for (const name of ['', 'Not_A_Name', '-a', 'a'.repeat(254)]) {
      await refused(f.cluster.create(instrumentSets, f.set({ name }), alice), 'CLUSTER_INVALID');
    }
    const homeless = { ...f.set(), metadata: { name: f.name() } };
    await refused(f.cluster.create(instrumentSets, homeless, alice), 'CLUSTER_INVALID');
  });

  test('create: a label that is none is refused', async () => {
    const f = fixture();
    await refused(f.cluster.create(instrumentSets, f.set({ labels: { 'a b': 'c' } }), alice), 'CLUSTER_INVALID');
    await refused(f.cluster.create(instrumentSets, f.set({ labels: { a: 'c d' } }), alice), 'CLUSTER_INVALID');
  });

  test('create: status is not taken', async () => {
    const f = fixture();
    const created = await f.cluster.create(instrumentSets, { ...f.set(), status: { resolved: 1 } }, alice);
    expect(created.status).toBeUndefined();
  });

  test('create: defaults are filled in', async () => {
    const f = fixture();
    const { spec } = await f.cluster.create(instrumentSets, f.set(), alice);
    expect(spec).toMatchObject({ mode: 'quote', redundancy: 1, delivery: { format: 'json', window: 100 } });
  });

  test('create: an unknown field is refused by name', async () => {
    const f = fixture();
    const message = await refused(
      f.cluster.create(instrumentSets, f.set({ spec: { instrumnets: [] } }), alice),
      'CLUSTER_INVALID',
    );
    expect(message).toContain('instrumnets');
  });

  test('create: a value out of bounds, of the wrong type or missing is refused by field', async () => {
    const f = fixture();
    const wrong: [Record<string, unknown>, string][] = [
      [{ mode: 'everything' }, 'spec.mode'],
      [{ delivery: { maxTicks: 0 } }, 'spec.delivery.maxTicks'],
      [{ delivery: { window: 'long' } }, 'spec.delivery.window'],
      [{ optionChains: [{ exchange: 'NFO' }] }, 'spec.optionChains[0].underlying'],
    ];
    for (const [spec, field] of wrong) {
      const message = await refused(f.cluster.create(instrumentSets, f.set({ spec }), alice), 'CLUSTER_INVALID');
      expect(message).toContain(field);
    }
  });

  test('create: a field that is null is as if it were left out', async () => {
    const f = fixture();
    const { spec } = await f.cluster.create(
      instrumentSets,
      f.set({ spec: { accountSelector: null, mode: null } }),
      alice,
    );
    expect(spec).toMatchObject({ mode: 'quote' });
    expect(spec).not.toHaveProperty('accountSelector');
  });

  test('create: a rule is checked', async () => {
    const f = fixture();
    const optionChains = [{ underlying: 'NSE:NIFTY 50', expiries: {}, strikes: { aroundMoney: 1 } }];
    const message = await refused(
      f.cluster.create(instrumentSets, f.set({ spec: { optionChains } }), alice),
      'CLUSTER_INVALID',
    );
    expect(message).toContain('expiries.nearest');
  });

  test('create: two of one name in a list that is a set are refused', async () => {
    const f = fixture();
    const twice = f.set({ spec: { instruments: ['NSE:INFY', 'NSE:INFY'] } });
    await refused(f.cluster.create(instrumentSets, twice, alice), 'CLUSTER_INVALID');
  });

  test('create: a Secret is stored as base64, without stringData', async () => {
    const f = fixture();
    const secret: Loose = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: f.name(), namespace: f.namespace },
      data: { a: 'eA==' },
      stringData: { b: 'y' },
    };
    const created = await f.cluster.create(secrets, secret, alice);
    expect(created).toMatchObject({ type: 'Opaque', data: { a: 'eA==', b: 'eQ==' } });
    expect(created.stringData).toBeUndefined();
    expect(created.metadata.generation).toBeUndefined();
    const broken = { ...secret, metadata: { ...secret.metadata, name: f.name() }, data: { a: '?' } };
    await refused(f.cluster.create(secrets, broken, alice), 'CLUSTER_INVALID');
  });

  test('get: what is not there is not found', async () => {
    const f = fixture();
    await refused(f.get(instrumentSets, f.set()), 'CLUSTER_NOT_FOUND');
  });

  test('list: of a namespace, by labels, by name, in order of names', async () => {
    const f = fixture();
    const run = f.name();
    const label = `${f.namespace}-${run}`;
    const sets = [
      f.set({ name: `${run}-b`, labels: { run: label, kind: 'x' } }),
      f.set({ name: `${run}-a`, labels: { run: label, kind: 'y' } }),
    ];
    for (const set of sets) await f.cluster.create(instrumentSets, set, alice);
    const away = f.set({ name: `${run}-c`, labels: { run: label } });
    away.metadata.namespace = f.other;
    await f.cluster.create(instrumentSets, away, alice);
    const names = async (where: object) =>
      (await f.cluster.list(instrumentSets, where)).items.map(({ metadata }) => metadata.name);
    expect(await names({ namespace: f.namespace, labels: { run: label } })).toEqual([`${run}-a`, `${run}-b`]);
    expect(await names({ namespace: f.namespace, labels: { run: label, kind: 'x' } })).toEqual([`${run}-b`]);
    expect(await names({ namespace: f.namespace, labels: { run: 'other' } })).toEqual([]);
    expect(await names({ namespace: f.namespace, name: `${run}-a` })).toEqual([`${run}-a`]);
    expect(await names({ namespace: f.namespace, name: `${run}-c` })).toEqual([]);
    expect((await names({ labels: { run: label } })).sort()).toEqual([`${run}-a`, `${run}-b`, `${run}-c`]);
  });

  test('list: its version is that of no item that is newer', async () => {
    const f = fixture();
    const created = await f.cluster.create(instrumentSets, f.set(), alice);
    const list = await f.cluster.list(instrumentSets, { namespace: f.namespace });
    expect(Number(list.resourceVersion)).toBeGreaterThanOrEqual(Number(created.metadata.resourceVersion));
  });

  test('replace: needs a version, and the current one', async () => {
    const f = fixture();
    const first = await f.cluster.create(instrumentSets, f.set(), alice);
    const { resourceVersion: _, ...unversioned } = first.metadata;
    await refused(f.cluster.replace(instrumentSets, { ...first, metadata: unversioned }, alice), 'CLUSTER_INVALID');
    const second = await f.cluster.replace(instrumentSets, { ...first, spec: { ...first.spec, mode: 'ltp' } }, alice);
    expect(second.spec).toMatchObject({ mode: 'ltp' });
    await refused(f.cluster.replace(instrumentSets, first, alice), 'CLUSTER_CONFLICT');
  });

  test('replace: of another object of that name is refused', async () => {
    const f = fixture();
    const first = await f.cluster.create(instrumentSets, f.set(), alice);
    const uid = '00000000-0000-4000-8000-000000000000';
    const stranger = { ...first, metadata: { ...first.metadata, uid } };
    await refused(f.cluster.replace(instrumentSets, stranger, alice), 'CLUSTER_CONFLICT');
  });

  test('replace: of what is not there is not found, or a conflict where the uid is given', async () => {
    const f = fixture();
    const set = f.set();
    set.metadata.resourceVersion = '1';
    await refused(f.cluster.replace(instrumentSets, set, alice), 'CLUSTER_NOT_FOUND');
    const lease: Loose = {
      apiVersion: leases.apiVersion,
      kind: 'Lease',
      metadata: { name: f.name(), namespace: f.namespace, resourceVersion: '1', uid: 'gone' },
      spec: {},
    };
    await refused(f.cluster.replace(leases, lease, alice), 'CLUSTER_CONFLICT');
  });

  test('replace: generation counts changes of the spec only, and status stays', async () => {
    const f = fixture();
    const created = await f.cluster.create(instrumentSets, f.set(), alice);
    const reported = await f.cluster.applyStatus(instrumentSets, f.config(created, { status: { resolved: 1 } }), alice);
    const labelled = await f.cluster.replace(
      instrumentSets,
      { ...reported, metadata: { ...reported.metadata, labels: { a: 'b' } }, status: { resolved: 9 } },
      alice,
    );
    expect(labelled.metadata.generation).toBe(1);
    expect(labelled.status).toEqual({ resolved: 1 });
    const changed = await f.cluster.replace(
      instrumentSets,
      { ...labelled, spec: { ...labelled.spec, mode: 'full' } },
      alice,
    );
    expect(changed.metadata).toMatchObject({ generation: 2, labels: { a: 'b' }, uid: created.metadata.uid });
    expect(changed.status).toEqual({ resolved: 1 });
  });

  test('replace: the same again is no write', async () => {
    const f = fixture();
    const created = await f.cluster.create(instrumentSets, f.set(), alice);
    const again = await f.cluster.replace(instrumentSets, created, alice);
    expect(again.metadata.resourceVersion).toBe(created.metadata.resourceVersion);
  });

  test('replace: what is left out is removed', async () => {
    const f = fixture();
    const created = await f.cluster.create(
      instrumentSets,
      f.set({ labels: { a: 'b' }, spec: { delivery: { stream: { maxLength: 500 } } } }),
      alice,
    );
    const { labels: _, ...metadata } = created.metadata;
    const less: Loose = { ...created, metadata, spec: { instruments: ['NSE:TCS'] } };
    const replaced = await f.cluster.replace(instrumentSets, less, alice);
    expect(replaced.metadata.labels).toBeUndefined();
    expect(replaced.spec?.['delivery']).not.toHaveProperty('stream');
    expect(replaced.spec?.['instruments']).toEqual(['NSE:TCS']);
  });

  test('replace: a transition rule is checked against what is there', async () => {
    const f = fixture();
    const account: Loose = {
      apiVersion: instrumentSets.apiVersion,
      kind: 'TickerAccount',
      metadata: { name: f.name(), namespace: f.namespace },
      spec: { provider: 'mock' },
    };
    const created = await f.cluster.create(tickerAccounts, account, alice);
    const moved = { ...created, spec: { ...created.spec, provider: 'kite' } };
    const message = await refused(f.cluster.replace(tickerAccounts, moved, alice), 'CLUSTER_INVALID');
    expect(message).toContain('provider cannot be changed');
  });

  test('leases: times have microseconds, and are kept as they are', async () => {
    const f = fixture();
    const spec = { holderIdentity: 'me', leaseDurationSeconds: 3, renewTime: '2026-01-05T04:00:00.000250Z' };
    const metadata = { name: f.name(), namespace: f.namespace };
    const lease: Loose = { apiVersion: leases.apiVersion, kind: 'Lease', metadata, spec };
    const created = await f.cluster.create(leases, lease, alice);
    expect(created.spec).toEqual(spec);
    expect(created.metadata.generation).toBeUndefined();
    const renewed = { ...created, spec: { ...spec, renewTime: '2026-01-05T04:00:01.000250Z' } };
    expect((await f.cluster.replace(leases, renewed, alice)).spec).toEqual(renewed.spec);
    const wrong = { ...lease, metadata: { ...metadata, name: f.name() }, spec: { ...spec, leaseDurationSeconds: 0 } };
    await refused(f.cluster.create(leases, wrong, alice), 'CLUSTER_INVALID');
    const time = { ...wrong, spec: { ...spec, renewTime: 'now' } };
    await refused(f.cluster.create(leases, time, alice), 'CLUSTER_INVALID');
  });
}
