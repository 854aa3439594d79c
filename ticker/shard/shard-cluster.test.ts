import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { secrets, subscriptionSlices } from '../../cluster/resources.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLogger } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { keySlot } from '../sinks/redis/key-slot.ts';
import { fenceKey } from '../sinks/redis/keys.ts';
import { type ClusterNode, type RedisCluster, startRedisCluster } from '../sinks/redis/redis-cluster.testing.ts';
import { RedisReader } from '../sinks/redis/redis-reader.ts';
import { RedisSink } from '../sinks/redis/redis-sink.ts';
import { FakeBroker } from './fake-broker.testing.ts';
import { group, Reader, secret, slice, startShard } from './shard.testing.ts';
import { TestCluster } from './test-cluster.testing.ts';

/** A shard with a slice on each master of a real cluster, while the cluster changes under it. */
const me = { shard: 'shard-0', uid: 'pod-0' };
const tokens = Array.from({ length: 50 }, (_, i) => i + 1);

let redis: RedisCluster;
beforeAll(async () => {
  redis = await startRedisCluster();
}, 90_000);
afterAll(() => redis?.stop());

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** One slice and the master that has it at first. */
interface Placed {
  readonly uid: string;
  readonly slot: number;
  readonly master: ClusterNode;
}

let round = 0;
let slices: Placed[];
let shard: ReturnType<typeof startShard>['shard'];
let broker: FakeBroker;

beforeEach(async () => {
  round++;
  slices = await placeSlices();
  const cluster = new TestCluster();
  cluster.put(secrets, secret({ accessToken: 'good' }));
  for (const [i, { uid }] of slices.entries()) {
    const object = slice({ owner: me, groups: [group(tokens)] });
    const [set] = object.spec.sets;
    object.spec.connection = i;
    object.spec.sets = [{ ...set!, delivery: { ...set!.delivery, stream: { maxLength: 1_000_000 }, window: 20 } }];
    cluster.put(subscriptionSlices, { ...object, metadata: { ...object.metadata, name: `acct-${i}`, uid } });
  }
  broker = new FakeBroker(() => systemClock.now());
  const options = { ...redis.access, clock: systemClock, random: new SeededRandom(round), log: silentLogger };
  const sink = new RedisSink({ ...options, connectTimeout: 1000, commandTimeout: 2000 });
  ends.push(() => sink.close());
  const started = startShard({ identity: me, cluster, sink, clock: systemClock, broker });
  shard = started.shard;
  ends.push(async () => {
    await started.shard.stop();
    await started.supervisor.stop();
    expect(started.fatal).toEqual([]);
  });
  await shard.start();
  const ticking = new AbortController();
  const ticks = (async () => {
    while (!ticking.signal.aborted) {
      for (const connection of broker.live) connection.tick();
      await delay(10);
    }
  })();
  ends.push(async () => {
    ticking.abort();
    await ticks;
  });
  await until('all of it streams', () => slices.every(({ uid }) => published(uid) > 1000));
}, 60_000);

/** Slices whose fences lie one on each master, by names that say so. */
async function placeSlices(): Promise<Placed[]> {
  const found = new Map<ClusterNode, Placed>();
  for (let i = 0; found.size < 3; i++) {
    const uid = `slice-${round}-${i}`;
    const slot = keySlot(fenceKey(uid));
    const master = await redis.masterOf(slot);
    if (!found.has(master)) found.set(master, { uid, slot, master });
  }
  return [...found.values()];
}

async function until(what: string, holds: () => boolean | Promise<boolean>, limit = 40_000): Promise<void> {
  const before = performance.now();
  while (!(await holds())) {
    if (performance.now() - before > limit) throw new Error(`not within ${limit} ms: ${what}`);
    await delay(20);
  }
}

function outbox(uid: string) {
  const index = slices.findIndex((each) => each.uid === uid);
  return shard.snapshot().slices.find(({ slice: name }) => name === `default/acct-${index}`)!.outbox;
}
const published = (uid: string): number => outbox(uid).published;

/** A slice's stream from its beginning, as a reader that resumes by id gets it. */
async function streamed(uid: string): Promise<Reader> {
  const random = new SeededRandom(1);
  const reader = new RedisReader({ ...redis.access, clock: systemClock, random, log: silentLogger });
  const seen = new Reader();
  for (let from = '0'; ; ) {
    const entries = await reader.range(uid, 'set-watch', from, 500);
    if (entries.length === 0) break;
    for (const { payload } of entries) seen.take(String(payload));
    from = entries.at(-1)!.id;
  }
  await reader.close();
  return seen;
}

/** Goes on for a while, drains, and holds the books: everything received is in the streams, or told as lost by Redis. */
async function balance(): Promise<number> {
  const marks = slices.map(({ uid }) => published(uid));
  await until('all of it goes on', () => slices.every(({ uid }, i) => published(uid) > marks[i]! + 1000));
  const { totals } = await shard.drain();
  expect(totals).toMatchObject({ lost: 0, held: 0, late: 0 });
  expect(totals.published).toBe(totals.received);
  let ticks = 0;
  let told = 0;
  for (const { uid } of slices) {
    const seen = await streamed(uid);
    const gaps = seen.batches.flatMap(({ gap }) => (gap === undefined ? [] : [gap]));
    const lost = gaps.reduce((sum, { ticks: counted = Number.NaN }) => sum + counted, 0);
    const { missing, duplicates, unproven } = seen.sequence.totals;
    expect({ duplicates, unproven }).toEqual({ duplicates: 0, unproven: 0 });
    // `seq` misses batches where, and only where, a gap tells that Redis had them and lost them.
    expect(gaps.filter(({ why }) => why !== 'redis')).toEqual([]);
    expect(missing > 0).toBe(lost > 0);
    ticks += seen.ticks;
    told += lost;
  }
  expect(told).toBe(totals.lostBySink);
  expect(ticks + told).toBe(totals.received);
  return totals.lostBySink;
}

test('a slot moves to another master in mid-flow, with all its keys: nothing lost, nothing twice', async () => {
  const [moving, target] = slices as [Placed, Placed, Placed];
  const steps: string[] = [];
  await redis.migrate(moving.slot, target.master, async (step) => {
    steps.push(step);
    await delay(300);
  });
  expect(steps).toEqual(['begun', 'someMoved', 'allMoved']);
  expect(await balance()).toBe(0);
  await redis.migrate(moving.slot, moving.master);
}, 120_000);

test('a replica takes over as it is told to: nothing lost, nothing twice', async () => {
  const [{ slot, master }] = slices as [Placed, Placed, Placed];
  const replica = await redis.replicaOf(master);
  await replica.admin.call('CLUSTER', 'FAILOVER');
  await until('it has taken over', async () => (await redis.masterOf(slot)) === replica);
  expect(await balance()).toBe(0);
}, 120_000);

test('a master is killed: the slices of the others go on meanwhile, and what its replica lacked is counted', async () => {
  const [dead, ...others] = slices as [Placed, Placed, Placed];
  const replica = await redis.replicaOf(dead.master);
  await dead.master.server.kill();
  const marks = others.map(({ uid }) => published(uid));
  await delay(1500);
  expect(others.every(({ uid }, i) => published(uid) > marks[i]! + 500)).toBe(true);
  expect(outbox(dead.uid).held).toBeGreaterThan(0);
  await until('its replica has taken over', async () => (await redis.masterOf(dead.slot)) === replica);
  await balance();
  await dead.master.server.restart();
  await until('it is a replica now', async () => (await redis.replicaOf(replica)) === dead.master);
}, 120_000);

test('what asynchronous replication loses is told as lost by Redis, tick for tick', async () => {
  const [doomed] = slices as [Placed, Placed, Placed];
  const replica = await redis.replicaOf(doomed.master);
  replica.server.pause();
  await doomed.master.admin.call('CLIENT', 'KILL', 'TYPE', 'replica');
  const mark = published(doomed.uid);
  await until('Redis accepts what no replica has', () => published(doomed.uid) > mark + 2000);
  await doomed.master.server.kill();
  replica.server.resume();
  await until('the replica has taken over', async () => (await redis.masterOf(doomed.slot)) === replica);
  expect(await balance()).toBeGreaterThanOrEqual(2000);
  await doomed.master.server.restart();
}, 120_000);
