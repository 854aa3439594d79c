import { describe, expect, test } from 'vitest';
import { silentLogger } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';
import { VirtualClock } from '../runtime/virtual-clock.ts';
import { unavailable } from './errors.ts';
import { FaultyCluster } from './faulty-cluster.ts';
import { LeaderElector } from './leader-election.ts';
import { LeaseHolder, type LeaseHolderOptions, microTime } from './lease.ts';
import { MemoryCluster } from './memory/memory-cluster.ts';
import { drainingAnnotation, type Lease, leases, shardLabel } from './resources.ts';

function setUp() {
  const clock = new VirtualClock();
  const cluster = new MemoryCluster({ clock });
  const random = new SeededRandom(1);
  const name = { namespace: 'default', name: 'shard-0' };
  const read = () => cluster.get<Lease>(leases, name);
  const hold = (uid: string, options: Partial<LeaseHolderOptions> = {}) => {
    const stop = new AbortController();
    const holder = new LeaseHolder({
      ...name,
      cluster,
      clock,
      random,
      log: silentLogger,
      identity: `shard-0/${uid}`,
      fieldManager: `shard-0/${uid}`,
      labels: { [shardLabel]: 'shard-0' },
      ...options,
    });
    const running = holder.run(stop.signal);
    const end = async (): Promise<void> => {
      stop.abort();
      await running;
    };
    return { holder, end };
  };
  return { clock, cluster, random, read, hold };
}

test('a time has six digits after the point', () => {
  expect(microTime(Date.UTC(2026, 0, 5, 4) + 1.25)).toBe('2026-01-05T04:00:00.001250Z');
});

describe('lease holder', () => {
  test('creates its lease and renews it each second', async () => {
    const { clock, read, hold } = setUp();
    const { holder, end } = hold('u1');
    await clock.advance(10);
    const first = await read();
    expect(first.metadata.labels).toEqual({ [shardLabel]: 'shard-0' });
    expect(first.spec).toMatchObject({ holderIdentity: 'shard-0/u1', leaseDurationSeconds: 3, leaseTransitions: 0 });
    await clock.advance(10_000);
    const later = await read();
    expect(later.spec.acquireTime).toBe(first.spec.acquireTime);
    expect(clock.now() - Date.parse(later.spec.renewTime ?? '')).toBeLessThan(1_001);
    expect(clock.monotonic() - (holder.lastRenewal ?? 0)).toBeLessThan(1_001);
    await end();
    await holder.release();
    await expect(read()).rejects.toMatchObject({ code: 'CLUSTER_NOT_FOUND' });
  });

  test('says that it drains at once', async () => {
    const { clock, read, hold } = setUp();
    const { holder, end } = hold('u1');
    await clock.advance(10);
    await holder.annotate(drainingAnnotation, 'true');
    expect((await read()).metadata.annotations).toEqual({ [drainingAnnotation]: 'true' });
    await clock.advance(3_000);
    expect((await read()).metadata.annotations).toEqual({ [drainingAnnotation]: 'true' });
    await end();
  });

  test('renews only while its holder works', async () => {
    const { clock, read, hold } = setUp();
    let healthy = true;
    const { end } = hold('u1', { healthy: () => healthy });
    await clock.advance(10);
    healthy = false;
    const { spec } = await read();
    await clock.advance(5_000);
    expect((await read()).spec.renewTime).toBe(spec.renewTime);
    healthy = true;
    await clock.advance(1_000);
    expect((await read()).spec.renewTime).not.toBe(spec.renewTime);
    await end();
  });

  test('goes on after an outage, a lost reply, or a lease that was deleted', async () => {
    const { clock, cluster, read, hold } = setUp();
    const faulty = new FaultyCluster(cluster, clock);
    const { end } = hold('u1', { cluster: faulty });
    await clock.advance(10);
    for (const faults of [{ refuse: () => unavailable('down') }, { loseReply: () => unavailable('lost') }]) {
      faulty.faults = faults;
      await clock.advance(10_000);
      faulty.faults = {};
      await clock.advance(2_100);
      expect(clock.now() - Date.parse((await read()).spec.renewTime ?? '')).toBeLessThan(1_001);
    }
    await cluster.delete(leases, { namespace: 'default', name: 'shard-0' });
    await clock.advance(2_100);
    expect((await read()).spec.holderIdentity).toBe('shard-0/u1');
    await end();
  });

  test('the younger of two pods of one name has the lease; the elder takes it back only when it is left', async () => {
    const { clock, read, hold } = setUp();
    const elder = hold('u1');
    await clock.advance(1_500);
    const younger = hold('u2');
    await clock.advance(10);
    for (let second = 0; second < 10; second++) {
      expect((await read()).spec).toMatchObject({ holderIdentity: 'shard-0/u2', leaseTransitions: 1 });
      await clock.advance(1_000);
    }
    await younger.end();
    await clock.advance(5_100);
    expect((await read()).spec.holderIdentity).toBe('shard-0/u1');
    await elder.end();
  });
});

describe('leader election', () => {
  function candidates(count: number) {
    const { clock, cluster, random } = setUp();
    const leading = new Set<string>();
    const history: string[] = [];
    const all = Array.from({ length: count }, (_, index) => {
      const identity = `operator-${index}`;
      const faulty = new FaultyCluster(cluster, clock);
      const elector = new LeaderElector({
        cluster: faulty,
        clock,
        random: random.fork(identity),
        log: silentLogger,
        namespace: 'default',
        name: 'ticker-operator',
        identity,
      });
      const stop = new AbortController();
      const running = elector.run(stop.signal, async (signal) => {
        leading.add(identity);
        expect(leading.size).toBe(1);
        history.push(identity);
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
        leading.delete(identity);
      });
      const end = (): Promise<void> => {
        stop.abort();
        return running;
      };
      return { identity, elector, faulty, end };
    });
    const leader = () => all.find(({ identity }) => leading.has(identity));
    const stopAll = async (): Promise<void> => {
      const ended = Promise.all(all.map(({ end }) => end()));
      await clock.advance(2_000);
      await ended;
    };
    return { clock, all, leader, leading, history, stopAll };
  }

  test('one of three leads, and goes on leading', async () => {
    const { clock, all, leader, history, stopAll } = candidates(3);
    await clock.advance(1_000);
    const first = leader();
    await clock.advance(60_000);
    expect(leader()).toBe(first);
    expect(history).toHaveLength(1);
    for (const { elector } of all) expect(elector.leader).toBe(first?.identity);
    expect(all.filter(({ elector }) => elector.isLeader)).toHaveLength(1);
    await stopAll();
  });

  test('a leader that stops hands over within an interval or two', async () => {
    const { clock, leader, stopAll } = candidates(2);
    await clock.advance(1_000);
    const first = leader();
    const ended = first?.end();
    await clock.advance(1_100);
    await ended;
    expect(leader()).toBeDefined();
    expect(leader()).not.toBe(first);
    await stopAll();
  });

  test('a leader cut off stops before another starts, within the lease and an attempt', async () => {
    for (const how of ['refused', 'hanging'] as const) {
      const { clock, leader, history, stopAll } = candidates(2);
      await clock.advance(1_000);
      const first = leader();
      expect(first).toBeDefined();
      if (first !== undefined) {
        first.faulty.faults = how === 'refused' ? { refuse: () => unavailable('cut off') } : { delay: () => 1e9 };
      }
      await clock.advance(2_100);
      expect(first?.elector.isLeader).toBe(false);
      await clock.advance(1_500);
      expect(leader()).toBeDefined();
      expect(leader()).not.toBe(first);
      expect(history).toHaveLength(2);
      if (how === 'refused') await stopAll();
    }
  });

  test.each(['its next renewal', 'a watch'])(
    'a leader that was taken over while its time stood still stops as soon as %s shows it',
    async (how) => {
      const { clock, all, leader, stopAll } = candidates(1);
      await clock.advance(1_000);
      const first = leader();
      const name = { namespace: 'default', name: 'ticker-operator' };
      const before = await all[0]!.faulty.get<Lease>(leases, name);
      const taken = { ...before, spec: { ...before.spec, holderIdentity: 'operator-9' } };
      first?.elector.observe(taken);
      expect(first?.elector.isLeader, 'no newer than what it wrote itself').toBe(true);
      const written = await all[0]!.faulty.replace<Lease>(leases, taken, { fieldManager: 'operator-9' });
      if (how === 'a watch') first?.elector.observe(written);
      else await clock.advance(500);
      expect(first?.elector.isLeader).toBe(false);
      await clock.advance(100);
      expect(leader()).toBeUndefined();
      await stopAll();
    },
  );

  test('when the API server is away from all, nobody leads; afterwards one does', async () => {
    const { clock, all, leader, stopAll } = candidates(2);
    await clock.advance(1_000);
    for (const { faulty } of all) faulty.faults = { refuse: () => unavailable('away') };
    await clock.advance(3_000);
    expect(leader()).toBeUndefined();
    for (const { faulty } of all) faulty.faults = {};
    await clock.advance(3_500);
    expect(leader()).toBeDefined();
    await stopAll();
  });
});
