import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { describeCluster } from '../cluster.contract.ts';
import type { WatchEvent } from '../cluster.ts';
import { alice, Fixture, type Loose, refused } from '../contract/fixtures.ts';
import { events, instrumentSets, secrets, tickerAccounts } from '../resources.ts';
import { MemoryCluster, type MemoryClusterOptions } from './memory-cluster.ts';
import { eventLife, maxEvents } from './object-store.ts';

describeCluster('memory', async () => ({
  cluster: new MemoryCluster({ clock: new VirtualClock() }),
  stop: async () => {},
}));

function setUp(options: Partial<MemoryClusterOptions> = {}) {
  const clock = new VirtualClock();
  const cluster = new MemoryCluster({ clock, ...options });
  const fixture = new Fixture({ cluster, stop: async () => {} });
  return { clock, cluster, fixture };
}

function eventObject(name: string): Loose & Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace: 'default' },
    involvedObject: { apiVersion: 'v1', kind: 'Secret', namespace: 'default', name: 'a' },
    type: 'Normal',
    reason: 'Tested',
    message: 'tested',
    count: 1,
  };
}

describe('memory cluster', () => {
  test('a watch from before the history is expired, and so is one that falls behind it', async () => {
    const { cluster, fixture } = setUp({ history: 3 });
    const set = fixture.set();
    const from = await fixture.version(instrumentSets);
    const signal = new AbortController().signal;
    const slow = cluster.watch<Loose>(instrumentSets, { resourceVersion: from, signal })[Symbol.asyncIterator]();
    const modes = ['ltp', 'quote', 'full', 'ltp', 'quote'];
    await cluster.apply(instrumentSets, set, alice);
    expect((await slow.next()).value).toMatchObject({ type: 'ADDED' });
    for (const mode of modes)
      await cluster.apply(instrumentSets, fixture.set({ ...set.metadata, spec: { mode } }), alice);
    await refused(Promise.resolve(slow.next()), 'CLUSTER_EXPIRED');
    await refused(fixture.changes(instrumentSets, from, 1), 'CLUSTER_EXPIRED');
    expect(cluster.watches).toBe(0);
  });

  test('a compaction expires every older version, and no newer one', async () => {
    const { cluster, fixture } = setUp();
    const first = await cluster.apply(instrumentSets, fixture.set(), alice);
    const second = await cluster.apply(instrumentSets, fixture.set(), alice);
    cluster.compact();
    await refused(fixture.changes(instrumentSets, first.metadata.resourceVersion ?? '', 1), 'CLUSTER_EXPIRED');
    const third = await cluster.apply(instrumentSets, fixture.set(), alice);
    const seen = await fixture.changes(instrumentSets, second.metadata.resourceVersion ?? '', 1);
    expect(seen[0]?.object).toBe(third);
  });

  test('a quiet watch gets bookmarks that other kinds move on, and is closed in the end', async () => {
    const { clock, cluster, fixture } = setUp({
      bookmarkInterval: 1_000,
      watchLife: 2_500,
      random: new SeededRandom(1),
    });
    const from = await fixture.version(instrumentSets);
    const seen: WatchEvent<Loose>[] = [];
    let closed = false;
    const watching = (async () => {
      const options = { resourceVersion: from, signal: new AbortController().signal };
      for await (const event of cluster.watch<Loose>(instrumentSets, options)) seen.push(event);
      closed = true;
    })();
    const account = { ...fixture.set(), kind: 'TickerAccount', spec: { provider: 'mock' } };
    const created = await cluster.apply(tickerAccounts, account, alice);
    await clock.advance(1_100);
    expect(seen).toEqual([{ type: 'BOOKMARK', resourceVersion: created.metadata.resourceVersion }]);
    await clock.advance(5_000);
    expect(closed).toBe(true);
    await watching;
    expect(clock.pending).toBe(0);
  });

  test('what is handed out is frozen all the way, and shares nothing with what was sent', async () => {
    const { cluster, fixture } = setUp();
    const sent = fixture.set({ labels: { a: 'b' } });
    const stored = await cluster.apply(instrumentSets, sent, alice);
    expect(() => Object.assign(stored.metadata.labels ?? {}, { a: 'c' })).toThrow(TypeError);
    expect(() => Object.assign(stored.spec?.['instruments'] ?? [], ['NSE:TCS'])).toThrow(TypeError);
    Object.assign(sent.metadata, { labels: { a: 'changed' } });
    expect((await fixture.get(instrumentSets, stored)).metadata.labels).toEqual({ a: 'b' });
  });

  test('versions of an object share what did not change', async () => {
    const { cluster, fixture } = setUp();
    const set = fixture.set({ labels: { a: 'b' }, spec: { selectors: [{ exchange: 'NSE' }, { exchange: 'BSE' }] } });
    const first = await cluster.apply(instrumentSets, set, alice);
    const status = { ...fixture.config(set, { status: { resolved: 1 } }) };
    const second = await cluster.applyStatus(instrumentSets, status, alice);
    expect(second.spec).toBe(first.spec);
    const changed: Loose = { ...set, spec: { ...set.spec, mode: 'ltp' } };
    const third = await cluster.apply(instrumentSets, changed, alice);
    expect(third.spec?.['selectors']).toBe(first.spec?.['selectors']);
    expect(third.status).toBe(second.status);
  });

  test('what JSON cannot hold is refused with its path; undefined is as if it were not there', async () => {
    const { cluster, fixture } = setUp();
    const message = await refused(
      cluster.apply(instrumentSets, fixture.set({ spec: { delivery: { window: Number.NaN } } }), alice),
      'CLUSTER_INVALID',
    );
    expect(message).toContain('.spec.delivery.window');
    const stored = await cluster.apply(instrumentSets, fixture.set({ spec: { bars: undefined } }), alice);
    expect(stored.spec).not.toHaveProperty('bars');
  });

  test('the same seed gives the same uids, another seed others', async () => {
    const uid = async (seed: number) => {
      const { cluster, fixture } = setUp({ random: new SeededRandom(seed) });
      return (await cluster.apply(instrumentSets, fixture.set(), alice)).metadata.uid;
    };
    expect(await uid(7)).toBe(await uid(7));
    expect(await uid(7)).not.toBe(await uid(8));
  });

  test("a Secret's values are in no message", async () => {
    const { cluster } = setUp();
    const metadata = { name: 'login', namespace: 'default' };
    const secret: Loose = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { accessToken: 's3cret' } };
    await cluster.apply(secrets, secret, alice);
    const messages = [
      await refused(
        cluster.apply(secrets, { ...secret, stringData: { accessToken: 'hunter2' } }, { fieldManager: 'b' }),
        'CLUSTER_CONFLICT',
      ),
      await refused(
        cluster.patch(secrets, metadata, [{ op: 'test', path: '/data/accessToken', value: 'hunter2' }], alice),
        'CLUSTER_INVALID',
      ),
      await refused(
        cluster.create(secrets, { ...secret, metadata: { ...metadata, name: 'x' }, data: { a: 'hunter2!' } }, alice),
        'CLUSTER_INVALID',
      ),
    ];
    for (const message of messages) expect(message).not.toMatch(/hunter2|s3cret/);
  });

  test('an object that is too large is refused', async () => {
    const { cluster } = setUp();
    const metadata = { name: 'large', namespace: 'default' };
    const large: Loose = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { a: 'x'.repeat(1_200_000) } };
    await refused(cluster.apply(secrets, large, alice), 'CLUSTER_INVALID');
  });

  test('create refuses a version; apply with a version does not create', async () => {
    const { cluster, fixture } = setUp();
    const set = fixture.set();
    set.metadata.resourceVersion = '5';
    await refused(cluster.create(instrumentSets, set, alice), 'CLUSTER_INVALID');
    await refused(cluster.apply(instrumentSets, set, alice), 'CLUSTER_CONFLICT');
  });

  test('Events are forgotten after their time, and the oldest when there are too many', async () => {
    const { clock, cluster } = setUp();
    const names = async () => (await cluster.list(events)).items.map(({ metadata }) => metadata.name);
    await cluster.apply(events, eventObject('old'), alice);
    await cluster.apply(events, eventObject('kept'), alice);
    await clock.advance(eventLife - 1);
    await cluster.apply(events, { ...eventObject('kept'), count: 2 }, alice);
    await clock.advance(2);
    await cluster.apply(events, eventObject('new'), alice);
    expect(await names()).toEqual(['kept', 'new']);
    for (let index = 0; index < maxEvents; index++) await cluster.apply(events, eventObject(`e${index}`), alice);
    expect(await names()).toHaveLength(maxEvents);
    expect(await names()).not.toContain('kept');
  });
});
