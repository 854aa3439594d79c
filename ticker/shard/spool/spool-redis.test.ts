import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { secrets, subscriptionSlices } from '../../../cluster/resources.ts';
import { systemClock } from '../../../runtime/clock.ts';
import { silentLogger } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { RedisReader } from '../../sinks/redis/redis-reader.ts';
import { type RedisServer, startRedis } from '../../sinks/redis/redis-server.testing.ts';
import { RedisSink } from '../../sinks/redis/redis-sink.ts';
import { FakeBroker } from '../fake-broker.testing.ts';
import type { ShardLimits } from '../limits.ts';
import { group, Reader, secret, slice, sliceUid, startShard } from '../shard.testing.ts';
import type { Shard } from '../shard.ts';
import { TestCluster } from '../test-cluster.testing.ts';

/** Memory for a few batches only, so that an outage of a moment goes to disk. */
const tight: Partial<ShardLimits> = {
  outboxBytes: 512 * 1024,
  spillBytes: 32 * 1024,
  spoolChunk: 32 * 1024,
  bytesPerCall: 16 * 1024,
  breakerRest: { first: 50, most: 200 },
};
const me = { shard: 'shard-0', uid: 'pod-0' };
const tokens = Array.from({ length: 100 }, (_, i) => i + 1);
const ends: (() => Promise<unknown>)[] = [];

let redis: RedisServer;
let directory: string;
let cluster: TestCluster;
let broker: FakeBroker;
let sink: RedisSink;

beforeEach(async () => {
  redis = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
  ends.push(() => redis.stop());
  directory = await mkdtemp(join(tmpdir(), 'spool-'));
  ends.push(() => rm(directory, { recursive: true, force: true }));
  cluster = new TestCluster();
  cluster.put(secrets, secret({ accessToken: 'good' }));
  const object = slice({ owner: me, groups: [group(tokens)] });
  const [set] = object.spec.sets;
  object.spec.sets = [{ ...set!, delivery: { ...set!.delivery, stream: { maxLength: 1_000_000 }, window: 20 } }];
  cluster.put(subscriptionSlices, object);
  broker = new FakeBroker(() => systemClock.now());
  const random = new SeededRandom(5);
  sink = new RedisSink({ url: redis.url, clock: systemClock, random, log: silentLogger, connectTimeout: 300 });
  ends.push(() => sink.close());
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A shard; `kill` ends it as a crash would: nothing more is written or sent. */
async function start(options: { maxBytes?: number; limits?: Partial<ShardLimits> } = {}) {
  const spool = { directory, maxBytes: options.maxBytes ?? 64 * 1024 * 1024 };
  const limits = { ...tight, ...options.limits };
  const started = startShard({ identity: me, cluster, sink, clock: systemClock, broker, limits, spool });
  const kill = async (): Promise<void> => {
    await started.shard.stop();
    await started.supervisor.stop();
    expect(started.fatal).toEqual([]);
  };
  ends.push(kill);
  await started.shard.start();
  return { shard: started.shard, kill };
}

async function until(what: string, holds: () => boolean | Promise<boolean>, limit = 15_000): Promise<void> {
  const before = performance.now();
  while (!(await holds())) {
    if (performance.now() - before > limit) throw new Error(`not within ${limit} ms: ${what}`);
    await delay(10);
  }
}

/** Ticks of everything until `enough`. */
async function tickUntil(what: string, enough: () => boolean): Promise<void> {
  await until(what, async () => {
    for (const connection of broker.live) connection.tick();
    return enough();
  });
}

async function streamed(): Promise<Reader> {
  const reader = new RedisReader({
    url: redis.url,
    clock: systemClock,
    random: new SeededRandom(5),
    log: silentLogger,
  });
  const seen = new Reader();
  for (let from = '0'; ; ) {
    const entries = await reader.range(sliceUid, 'set-watch', from, 500);
    if (entries.length === 0) break;
    for (const { payload } of entries) seen.take(String(payload));
    from = entries.at(-1)!.id;
  }
  await reader.close();
  return seen;
}

const published = (shard: Shard): number => shard.snapshot().totals.published;

test('Redis away for seconds, memory for a moment: nothing is lost, all in order, `seq` whole; then the disk is free', async () => {
  const { shard } = await start();
  await tickUntil('it streams', () => published(shard) > 0);
  await redis.kill();
  const before = shard.snapshot().totals.received;
  await tickUntil('much more than memory holds waits', () => shard.snapshot().totals.received > before + 20_000);
  const away = shard.snapshot();
  expect(away.totals.spooled).toBeGreaterThan(away.totals.held / 2);
  expect(away.spool!.bytes).toBeGreaterThan(1024 * 1024);
  expect(away.slices[0]!.outbox.heldBytes).toBeLessThan(512 * 1024);
  expect(away.breaker.state).not.toBe('closed');
  await redis.restart();
  await tickUntil('it is delivered', () => shard.snapshot().totals.spooled === 0);
  const { totals, breaker } = await shard.drain();
  expect(totals).toMatchObject({ lost: 0, held: 0 });
  expect(totals.published).toBe(totals.received);
  expect(breaker).toMatchObject({ state: 'closed', opened: 1 });
  const seen = await streamed();
  expect(seen.sequence.totals).toMatchObject({ missing: 0, duplicates: 0, unproven: 0 });
  expect(seen.ticks).toBe(totals.received);
  const { written, replayed, dropped } = shard.snapshot().spool!;
  // What was written while it was still wanted in memory is not read back.
  expect(replayed).toBeGreaterThan(0);
  expect(replayed).toBeLessThanOrEqual(written);
  expect(dropped).toBe(0);
  expect(seen.batches.some(({ gap }) => gap !== undefined)).toBe(false);
  await until('the files are gone', async () => (await readdir(directory)).every((name) => !name.endsWith('.spool')));
});

test('past the bound of the disk the oldest are dropped, and readers are told exactly how many ticks', async () => {
  const { shard } = await start({ maxBytes: 512 * 1024 });
  await tickUntil('it streams', () => published(shard) > 0);
  await redis.kill();
  await tickUntil('it overflows', () => shard.snapshot().totals.lost > 5_000);
  expect(shard.snapshot().spool!.bytes).toBeLessThan(1024 * 1024);
  expect(shard.snapshot().spool!.dropped).toBeGreaterThan(0);
  await redis.restart();
  await tickUntil('it is delivered', () => shard.snapshot().totals.spooled === 0);
  const { totals } = await shard.drain();
  expect(totals).toMatchObject({ held: 0 });
  expect(totals.published + totals.lost).toBe(totals.received);
  const seen = await streamed();
  expect(seen.sequence.totals).toMatchObject({ missing: 0, duplicates: 0, unproven: 0 });
  expect(seen.ticks).toBe(totals.published);
  expect(seen.batches.reduce((sum, { gap }) => sum + (gap?.ticks ?? 0), 0)).toBe(totals.lost);
  expect(seen.batches.filter(({ gap }) => gap !== undefined).map(({ gap }) => gap!.why)).toContain('spool');
});

test('a drain while Redis is away seals what waits and says how much; the same pod, restarted, delivers it once', async () => {
  const first = await start({ limits: { drainTimeout: 200 } });
  await tickUntil('it streams', () => published(first.shard) > 0);
  await redis.kill();
  const before = first.shard.snapshot().totals.received;
  await tickUntil('ticks wait', () => first.shard.snapshot().totals.received > before + 3_000);
  const { totals: left } = await first.shard.drain();
  expect(left.spooled).toBe(left.held);
  expect(left.spooled).toBeGreaterThanOrEqual(3_000);
  expect(left.published + left.held).toBe(left.received);
  await first.kill();

  await redis.restart();
  const second = await start();
  await tickUntil('it is delivered', () => published(second.shard) > left.spooled);
  const { totals } = await second.shard.drain();
  // What was in flight when Redis died may have been accepted: then it is not sent again.
  expect(totals.restored).toBeLessThanOrEqual(left.spooled);
  expect(totals).toMatchObject({ lost: 0, held: 0, published: totals.received + totals.restored });
  const seen = await streamed();
  expect(seen.sequence.totals).toMatchObject({ missing: 0, duplicates: 0, unproven: 0 });
  expect(seen.ticks).toBe(left.received + totals.received);
});

test('twenty drains under load, one after the other: nothing is lost', async () => {
  let received = 0;
  for (let round = 0; round < 20; round++) {
    const { shard, kill } = await start();
    const wanted = shard.snapshot().totals.received + 500;
    await tickUntil('it streams', () => shard.snapshot().totals.received > wanted && published(shard) > 0);
    const draining = shard.drain();
    for (const connection of broker.live) connection.tick();
    const { totals } = await draining;
    expect(totals).toMatchObject({ lost: 0, held: 0, published: totals.received });
    received += totals.received;
    await kill();
  }
  const seen = await streamed();
  expect(seen.sequence.totals).toMatchObject({ missing: 0, duplicates: 0 });
  expect(seen.ticks).toBe(received);
});

test('restarted while the API server is away: it knows its slices, claims anew, and delivers what was left', async () => {
  const first = await start({ limits: { drainTimeout: 200 } });
  await tickUntil('it streams', () => published(first.shard) > 0);
  await redis.kill();
  const before = first.shard.snapshot().totals.received;
  await tickUntil('ticks wait', () => first.shard.snapshot().totals.received > before + 1_000);
  const { totals: left } = await first.shard.drain();
  await first.kill();
  cluster.goAway();
  await redis.restart();
  const second = await start();
  await until('it is delivered', () => second.shard.snapshot().totals.held === 0 && published(second.shard) > 0);
  const { totals, slices } = second.shard.snapshot();
  expect(slices[0]!.token).toEqual({ epoch: 1, claim: 2 });
  expect(totals).toMatchObject({ published: totals.restored, received: 0, lost: 0 });
  const seen = await streamed();
  expect(seen.sequence.totals).toMatchObject({ missing: 0, duplicates: 0, unproven: 0 });
  expect(seen.ticks).toBe(left.received);
});

test('a directory that cannot be used: it streams from memory, and says so', async () => {
  await rm(directory, { recursive: true });
  await writeFile(directory, 'no directory');
  const { shard } = await start({ limits: { outboxBytes: 64 * 1024 * 1024 } });
  await tickUntil('it streams', () => published(shard) > 0);
  await redis.kill();
  const before = shard.snapshot().totals.received;
  await tickUntil('ticks wait', () => shard.snapshot().totals.received > before + 2_000);
  expect(shard.snapshot().spool).toMatchObject({ writable: false, bytes: 0 });
  expect(shard.snapshot().spool!.writeFailures).toBeGreaterThan(0);
  await redis.restart();
  const { totals } = await shard.drain();
  expect(totals).toMatchObject({ lost: 0, held: 0, published: totals.received });
});
