import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { leases, subscriptionSlices } from '../../cluster/resources.ts';
import type { SubscriptionSlice } from '../../crds/index.ts';
import { AccountSlice } from '../pipeline/account-slice.ts';
import { connectionLimit, credentialsRefused, unreachable } from '../providers/errors.ts';
import { sinkUnavailable } from '../sinks/errors.ts';
import type { Sink } from '../sinks/sink.ts';
import { group, sliceName, World } from './shard.testing.ts';

const me = { shard: 'shard-0', uid: 'pod-0' };
const other = { shard: 'shard-1', uid: 'pod-1' };
let world: World;

beforeEach(async () => {
  world = new World();
  await world.reader.follow(world.memory.reader());
});
afterEach(() => world.stop());

describe('a named shard', () => {
  test('logs in, connects, claims and streams; each tick arrives once', async () => {
    world.login();
    world.put({ owner: me });
    const shard = await world.start(me);
    await world.run(5_000);
    expect(world.status('shard-0')).toMatchObject({
      phase: 'Streaming',
      token: { epoch: 1, claim: 1 },
      subscribed: 3,
      ticking: 3,
      observedGeneration: 1,
      account: { credentials: 'Valid', connected: true },
    });
    expect(world.reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0 });
    const { totals } = await drained(shard);
    expect(totals).toMatchObject({ lost: 0, held: 0 });
    expect(totals.published).toBe(totals.received);
    expect(world.reader.ticks).toBe(totals.received);
  });

  test('does nothing for a pod of the same name', async () => {
    world.login();
    world.put({ owner: { ...me, uid: 'another pod' } });
    await world.start(me);
    await world.run(3_000);
    expect(world.broker.connectAttempts).toBe(0);
  });

  test('one added instrument is one subscribe message, and nothing else is said', async () => {
    world.login();
    world.put({ owner: me, groups: [group([1, 2])] });
    await world.start(me);
    await world.run(2_000);
    const [connection] = world.broker.live;
    const before = connection!.messages.length;
    world.put({ owner: me, groups: [group([1, 2, 3])] });
    await world.run(2_000);
    expect(connection!.messages.slice(before)).toEqual([['subscribe', [3], 'quote']]);
    expect(world.broker.connections).toHaveLength(1);
    expect(world.status('shard-0')).toMatchObject({ subscribed: 3, ticking: 3 });
  });

  test('a spec is compiled once, however often the status is written', async () => {
    const configure = vi.spyOn(AccountSlice.prototype, 'configure');
    world.login();
    world.put({ owner: me });
    await world.start(me);
    await world.run(5_000);
    expect(world.cluster.statusWrites.length).toBeGreaterThan(1);
    expect(configure).toHaveBeenCalledTimes(1);
    world.put({ owner: me, groups: [group([1, 2])] });
    await world.run(5_000);
    expect(configure).toHaveBeenCalledTimes(2);
    configure.mockRestore();
  });

  test('after a reconnect everything is subscribed again and the gap is told', async () => {
    world.login();
    world.put({ owner: me });
    await world.start(me);
    await world.run(2_000);
    const lostAt = world.clock.now() * 1000;
    world.broker.live[0]!.fail();
    await world.run(3_000);
    expect(world.broker.connections).toHaveLength(2);
    expect([...world.broker.live[0]!.subscribed.keys()]).toEqual([1, 2, 3]);
    const told = world.reader.batches.filter(({ gap }) => gap !== undefined);
    expect(told).toHaveLength(1);
    expect(told[0]!.gap).toMatchObject({ why: 'reconnect' });
    expect(told[0]!.gap!.from).toBeCloseTo(lostAt, -4);
    expect(told[0]!.gap!.to).toBeGreaterThan(told[0]!.gap!.from);
    expect(world.reader.sequence.totals.missing).toBe(0);
  });

  test('half of the subscriptions lost in silence are restored, without touching the others', async () => {
    world.login();
    world.put({ owner: me });
    await world.start(me);
    await world.run(5_000);
    const [connection] = world.broker.live;
    connection!.subscribed.delete(2);
    const before = connection!.messages.length;
    await world.run(45_000);
    expect(connection!.messages.slice(before)).toEqual([
      ['unsubscribe', [2]],
      ['subscribe', [2], 'quote'],
    ]);
    expect([...connection!.subscribed.keys()].sort()).toEqual([1, 2, 3]);
  });

  test('subscriptions that never took are asked for again, then reported', async () => {
    world.broker.loses = (token) => token === 3;
    world.login();
    world.put({ owner: me });
    await world.start(me);
    await world.run(200_000, 1_000);
    const asked = world.broker.live[0]!.messages.filter(([kind, tokens]) => kind === 'subscribe' && tokens.includes(3));
    expect(asked).toHaveLength(4);
    const status = world.status('shard-0')!;
    expect(status).toMatchObject({ phase: 'Streaming', reason: 'InstrumentsSilent' });
    expect(status.message).toContain('1 of 3 instruments');
    expect(status.message).toContain('NSE:S3');
  });

  test('a connection that is open and dead is opened again', async () => {
    world.login();
    world.put({ owner: me });
    await world.start(me);
    await world.run(10_000);
    world.broker.mute = true;
    await world.run(30_000);
    expect(world.broker.connections.length).toBeGreaterThan(1);
    world.broker.mute = false;
    await world.run(70_000);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Streaming', ticking: 3 });
    expect(world.reader.batches.some(({ gap }) => gap?.why === 'reconnect')).toBe(true);
  });

  test('a quiet market is not taken for a dead connection', async () => {
    world.login();
    world.put({ owner: me });
    await world.start(me);
    await world.run(10_000);
    await world.clock.advance(3_600_000);
    expect(world.broker.connections).toHaveLength(1);
    expect(world.broker.live[0]!.messages.length).toBeLessThan(60);
  });
});

describe('credentials', () => {
  test('an expired token gives bounded attempts, a clear status, and streaming again once the Secret changes', async () => {
    world.login('expired');
    world.put({ owner: me });
    await world.start(me);
    await world.run(600_000, 1_000);
    expect(world.broker.logins).toBe(3);
    expect(world.broker.connectAttempts).toBe(0);
    const status = world.status('shard-0')!;
    expect(status).toMatchObject({ phase: 'Failed', reason: 'PROVIDER_CREDENTIALS_REFUSED' });
    expect(status.account).toMatchObject({ credentials: 'Refused', connected: false });
    expect(status.message).not.toContain('expired');
    world.login('good');
    await world.run(5_000);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Streaming', account: { credentials: 'Valid' } });
  });

  test('403 on the connection after a good login is tried a few times, then left until the Secret changes', async () => {
    world.broker.refuse = () => credentialsRefused('403 on upgrade');
    world.login();
    world.put({ owner: me });
    await world.start(me);
    await world.run(600_000, 1_000);
    expect(world.broker.connectAttempts).toBe(3);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Failed', reason: 'PROVIDER_CREDENTIALS_REFUSED' });
    world.broker.refuse = undefined;
    world.broker.validTokens.add('newer');
    world.login('newer');
    await world.run(5_000);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Streaming' });
  });

  test('a missing Secret is named, and waited for', async () => {
    world.put({ owner: me });
    await world.start(me);
    await world.run(5_000);
    const status = world.status('shard-0')!;
    expect(status).toMatchObject({ phase: 'Failed', reason: 'PROVIDER_CREDENTIALS_MISSING' });
    expect(status.message).toContain('Secret login');
    world.login();
    await world.run(5_000);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Streaming' });
  });

  test('a rotated Secret opens the login and the connection anew', async () => {
    world.broker.validTokens.add('rotated');
    world.login();
    world.put({ owner: me });
    await world.start(me);
    await world.run(3_000);
    world.login('rotated');
    await world.run(3_000);
    expect(world.broker.live.map(({ accessToken }) => accessToken)).toEqual(['rotated']);
    expect(world.reader.sequence.totals.missing).toBe(0);
  });

  test('while a rotated Secret is refused the open connection goes on', async () => {
    world.login();
    world.put({ owner: me });
    await world.start(me);
    await world.run(3_000);
    world.login('wrong');
    await world.run(30_000);
    expect(world.broker.live.map(({ accessToken }) => accessToken)).toEqual(['good']);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Streaming', reason: 'PROVIDER_CREDENTIALS_REFUSED' });
  });

  test('an unknown provider is named with those that are known', async () => {
    world.login();
    world.put({ owner: me, provider: 'kyte' });
    await world.start(me);
    await world.run(3_000);
    const status = world.status('shard-0')!;
    expect(status).toMatchObject({ phase: 'Failed', reason: 'PROVIDER_UNKNOWN' });
    expect(status.message).toContain('known are fake');
  });
});

describe('ownership', () => {
  test('goes on when another is named, until that one has claimed; then stops, and no reader sees a tick twice', async () => {
    world.login();
    world.put({ owner: me });
    const first = await world.start(me);
    await world.run(3_000);
    world.put({ owner: other, epoch: 2 });
    await world.run(5_000);
    expect(world.broker.live).toHaveLength(1);
    const before = world.reader.ticks;
    await world.run(1_000);
    expect(world.reader.ticks).toBeGreaterThan(before);
    await world.start(other);
    await world.run(5_000);
    expect(world.broker.live).toHaveLength(1);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Refused', beatenBy: { epoch: 2, claim: 1 } });
    expect(world.status('shard-1')).toMatchObject({ phase: 'Streaming', token: { epoch: 2, claim: 1 } });
    expect(world.reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0, unproven: 0 });
    const firstOfNew = world.reader.batches.find(({ epoch }) => epoch === 2)!;
    const lastOfOld = world.reader.batches.filter(({ epoch }) => epoch === 1).at(-1)!;
    expect(firstOfNew.prev).toEqual({ epoch: 1, claim: 1, seq: lastOfOld.seq });
    expect(firstOfNew.gap).toMatchObject({ why: 'newOwner' });
    const { totals } = first.snapshot();
    expect(totals.published + totals.late).toBe(totals.received);
    expect(totals.lost).toBe(0);
  });

  test('claims above what the process before it claimed, also after it has written a status of its own', async () => {
    world.login();
    world.put({ owner: me });
    const before = world.cluster.find<SubscriptionSlice>(subscriptionSlices, sliceName)!;
    const said = {
      ...me,
      observedGeneration: 1,
      phase: 'Streaming',
      token: { epoch: 1, claim: 5 },
      subscribed: 3,
    } as const;
    world.cluster.put(subscriptionSlices, { ...before, status: { shards: [said] } });
    world.broker.refuse = () => connectionLimit('429');
    await world.start(me);
    await world.run(3_000);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Connecting', token: { epoch: 1, claim: 5 } });
    world.broker.refuse = undefined;
    await world.run(10_000);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Streaming', token: { epoch: 1, claim: 6 } });
  });

  test('closes first where the account has no connection to spare, or its successor could never connect and claim', async () => {
    world.broker.limits = { ...world.broker.limits, connections: 1 };
    world.login();
    world.put({ owner: me });
    await world.start(me);
    await world.run(3_000);
    world.broker.refuse = () => connectionLimit('429');
    world.put({ owner: other, epoch: 2 });
    await world.start(other);
    await world.run(2_000);
    // Nobody asked for that: it goes on until the sink refuses it.
    expect(world.broker.live).toHaveLength(1);
    world.put({ owner: other, epoch: 2, handover: 'closeFirst' });
    await world.run(4_000);
    expect(world.broker.live).toHaveLength(0);
    world.broker.refuse = undefined;
    await world.run(10_000);
    expect(world.status('shard-1')).toMatchObject({ phase: 'Streaming', token: { epoch: 2, claim: 1 } });
    expect(world.status('shard-0')).toMatchObject({ phase: 'Refused' });
    expect(world.reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0, unproven: 0 });
  });

  test('named after the broker has refused it for long, tries at once', async () => {
    world.login();
    world.put({ owner: me });
    await world.start(me);
    await world.run(3_000);
    world.broker.refuse = () => unreachable('503');
    world.put({ owner: me, next: other });
    await world.start(other);
    await world.run(60_000);
    world.broker.refuse = undefined;
    world.put({ owner: other, epoch: 2 });
    await world.run(1_000);
    expect(world.status('shard-1')).toMatchObject({ phase: 'Streaming', token: { epoch: 2, claim: 1 } });
  });

  test('goes on when a new pod of its own name is named, until that one has claimed', async () => {
    const successor = { ...me, uid: 'pod-0-again' };
    world.login();
    world.put({ owner: me });
    await world.start(me);
    await world.run(3_000);
    world.put({ owner: successor, epoch: 2, groups: [group([1])] });
    await world.run(3_000);
    expect([...world.broker.live[0]!.subscribed.keys()]).toEqual([1, 2, 3]);
    const before = world.reader.ticks;
    await world.run(1_000);
    expect(world.reader.ticks).toBeGreaterThan(before);
    await world.memory.claim({ sliceUid: 'slice-uid-1', epoch: 2, above: 0, setUids: [] });
    await world.run(2_000);
    expect(world.broker.live).toHaveLength(0);
  });

  test('never claims a refused epoch again; named anew above it, it streams', async () => {
    world.login();
    world.put({ owner: me });
    await world.start(me);
    await world.run(2_000);
    const claim = { sliceUid: 'slice-uid-1', epoch: 5, above: 0, setUids: [] };
    await world.memory.claim(claim);
    await world.run(10_000);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Refused', beatenBy: { epoch: 5, claim: 1 } });
    expect(world.broker.live).toHaveLength(0);
    world.put({ owner: me, epoch: 6 });
    await world.run(3_000);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Streaming', token: { epoch: 6, claim: 1 } });
  });

  test('streams on while the API server is away', async () => {
    world.login();
    world.put({ owner: me });
    await world.start(me);
    await world.run(2_000);
    world.cluster.goAway();
    const before = world.reader.ticks;
    await world.run(60_000);
    expect(world.reader.ticks - before).toBeGreaterThan(600);
    expect(world.reader.sequence.totals.missing).toBe(0);
  });

  test('says that the sink is away once it has been for a while, and once', async () => {
    let there = true;
    world.login();
    world.put({ owner: me });
    await world.start(
      me,
      {},
      switched(world.memory, () => there),
    );
    await world.run(10_000);
    const written = world.cluster.statusWrites.length;
    there = false;
    await world.run(3_000);
    there = true;
    await world.run(3_000);
    expect(world.cluster.statusWrites).toHaveLength(written);
    there = false;
    await world.run(30_000);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Streaming', reason: 'SINK_UNAVAILABLE' });
    expect(world.cluster.statusWrites).toHaveLength(written + 1);
    there = true;
    await world.run(5_000);
    expect(world.status('shard-0')).not.toHaveProperty('reason');
    expect(world.cluster.statusWrites).toHaveLength(written + 2);
    expect(world.reader.sequence.totals.missing).toBe(0);
  });

  test('cut off from API server and sink for a minute it gives up a connection that is scarce, and keeps what it holds', async () => {
    world.broker.limits = { ...world.broker.limits, connections: 1 };
    let there = true;
    world.login();
    world.put({ owner: me });
    const shard = await world.start(
      me,
      {},
      switched(world.memory, () => there),
    );
    await world.run(5_000);
    world.cluster.goAway();
    there = false;
    await world.run(50_000);
    expect(world.broker.live).toHaveLength(1);
    await world.run(20_000);
    expect(world.broker.live).toHaveLength(0);
    expect(shard.snapshot().totals.held).toBeGreaterThan(500);
    there = true;
    await world.run(15_000);
    expect(world.broker.live).toHaveLength(1);
    expect(world.reader.batches.some(({ gap }) => gap?.why === 'detached')).toBe(true);
    expect(world.reader.sequence.totals.missing).toBe(0);
    expect(world.reader.ticks).toBeGreaterThan(600);
    world.cluster.comeBack();
  });

  test('cut off from both it keeps a connection that the account can spare; cut off from one it always does', async () => {
    let there = true;
    world.login();
    world.put({ owner: me });
    await world.start(
      me,
      {},
      switched(world.memory, () => there),
    );
    await world.run(5_000);
    there = false;
    world.cluster.goAway();
    await world.run(120_000, 1_000);
    expect(world.broker.live).toHaveLength(1);
    world.broker.limits = { ...world.broker.limits, connections: 1 };
    there = true;
    await world.run(120_000, 1_000);
    expect(world.broker.live).toHaveLength(1);
    world.cluster.comeBack();
  });

  test('a suspended slice claims and heartbeats without a connection', async () => {
    world.login();
    world.put({ owner: me });
    await world.start(me);
    await world.run(2_000);
    world.put({ owner: me, suspended: true, groups: [] });
    await world.run(2_000);
    expect(world.broker.live).toHaveLength(0);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Suspended' });
    const beats = world.reader.headers.length;
    await world.run(5_000);
    expect(world.reader.headers.length - beats).toBeGreaterThanOrEqual(5);
    world.put({ owner: me });
    await world.run(3_000);
    expect(world.broker.live).toHaveLength(1);
  });

  test('a deleted slice ends: last batches marked, fence closed, finalizer removed', async () => {
    world.login();
    world.put({ owner: me });
    const shard = await world.start(me);
    await world.run(2_000);
    world.put({ owner: me, deleted: true });
    await world.run(3_000);
    expect(world.reader.headers.at(-1)).toMatchObject({ end: true });
    expect(world.cluster.find(subscriptionSlices, sliceName)).toBeUndefined();
    expect(world.broker.live).toHaveLength(0);
    expect(shard.snapshot().slices).toHaveLength(0);
    expect(await world.memory.claim({ sliceUid: 'slice-uid-1', epoch: 9, above: 0, setUids: [] })).toEqual({
      kind: 'ended',
    });
    expect(shard.snapshot().totals).toMatchObject({ lost: 0, held: 0 });
  });

  test('a slice that vanished from the cluster without a word is ended too', async () => {
    world.login();
    world.put({ owner: me });
    const shard = await world.start(me);
    await world.run(2_000);
    world.cluster.remove(subscriptionSlices, sliceName);
    await world.run(3_000);
    expect(world.broker.live).toHaveLength(0);
    expect(shard.snapshot().slices).toHaveLength(0);
  });
});

describe('the sink', () => {
  test('absent at the start: nothing is lost once it is there', async () => {
    let there = false;
    world.login();
    world.put({ owner: me });
    const shard = await world.start(
      me,
      {},
      switched(world.memory, () => there),
    );
    await world.run(20_000);
    expect(world.reader.ticks).toBe(0);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Connecting', reason: 'SINK_UNAVAILABLE' });
    there = true;
    await world.run(5_000);
    const { totals } = await drained(shard);
    expect(totals).toMatchObject({ lost: 0, held: 0 });
    expect(world.reader.ticks).toBe(totals.received);
    expect(world.reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0 });
  });

  test('away in mid-flow, past the bound: the oldest are dropped and readers are told exactly how many', async () => {
    let there = true;
    world.login();
    world.put({ owner: me });
    const shard = await world.start(
      me,
      { outboxBatches: 20 },
      switched(world.memory, () => there),
    );
    await world.run(5_000);
    there = false;
    await world.run(30_000);
    there = true;
    await world.run(5_000);
    const { totals } = await drained(shard);
    const told = world.reader.batches.reduce((sum, { gap }) => sum + (gap?.ticks ?? 0), 0);
    expect(totals.lost).toBeGreaterThan(0);
    expect(told).toBe(totals.lost);
    expect(world.reader.ticks + told).toBe(totals.received);
    expect(world.reader.sequence.totals.missing).toBe(0);
  });
});

describe('a shard process', () => {
  test('keeps a lease, and says there that it drains', async () => {
    const shard = await world.start(me);
    await world.run(3_000);
    const lease = world.cluster.find(leases, { namespace: 'default', name: 'shard-0' });
    expect(lease).toMatchObject({
      metadata: { labels: { 'ticker-operator.io/shard': 'shard-0' } },
      spec: { holderIdentity: 'shard-0/pod-0', leaseDurationSeconds: 3 },
    });
    await drained(shard);
    expect(world.cluster.find(leases, { namespace: 'default', name: 'shard-0' })?.metadata.annotations).toMatchObject({
      'ticker-operator.io/draining': 'true',
    });
  });

  test('drains under load with nothing lost', async () => {
    world.login();
    world.put({ owner: me });
    const shard = await world.start(me);
    await world.run(3_000, 10);
    const { totals } = await drained(shard);
    expect(totals.received).toBeGreaterThan(800);
    expect(totals).toMatchObject({ lost: 0, held: 0, published: totals.received });
    expect(world.reader.ticks).toBe(totals.received);
  });

  test('serves the instrument master and prices of the accounts that it owns, and of no others', async () => {
    world.login();
    world.put({ owner: me, groups: [group([1])] });
    const shard = await world.start(me);
    await world.run(3_000);
    const account = { namespace: 'default', name: 'acct' };
    const master = await shard.marketData.instruments(me, account);
    expect(master.instruments).toHaveLength(3);
    const prices = await shard.marketData.spot(me, account, [1, 2]);
    expect(prices.get(1)).toBeGreaterThan(100);
    expect(prices.get(2)).toBe(20);
    await expect(shard.marketData.instruments(other, account)).rejects.toMatchObject({
      code: 'SHARD_ACCOUNT_NOT_SERVED',
    });
    await expect(shard.marketData.instruments(me, { ...account, name: 'x' })).rejects.toMatchObject({
      code: 'SHARD_ACCOUNT_NOT_SERVED',
    });
  });

  test('writes a status once a second at most, and not at all when nothing changes', async () => {
    world.login();
    world.put({ owner: me });
    await world.start(me);
    await world.run(10_000);
    const writes = world.cluster.statusWrites.length;
    expect(writes).toBeLessThan(10);
    await world.run(60_000, 1_000);
    expect(world.cluster.statusWrites.length).toBe(writes);
  });
});

async function drained(shard: Awaited<ReturnType<World['start']>>) {
  const draining = shard.drain();
  await world.clock.advance(2_000);
  return await draining;
}

function switched(sink: Sink, there: () => boolean): Sink {
  const guard = <A extends unknown[], R>(act: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      if (!there()) throw sinkUnavailable('switched off');
      return await act(...args);
    };
  };
  return {
    claim: guard((request) => sink.claim(request)),
    send: guard((call) => sink.send(call)),
    sendLate: guard((call) => sink.sendLate(call)),
    mark: guard((sliceUid, mark) => sink.mark(sliceUid, mark)),
    end: guard((uid, token) => sink.end(uid, token)),
    ping: guard(() => sink.ping()),
    close: () => sink.close(),
  };
}
