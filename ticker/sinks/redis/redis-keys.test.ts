import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import { freePort } from '../../../runtime/free-ports.testing.ts';
import { silentLogger } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { VirtualClock } from '../../../runtime/virtual-clock.ts';
import { batch, call } from '../batches.testing.ts';
import { tombstoneMillis } from '../limits.ts';
import { MemorySink } from '../memory/memory-sink.ts';
import type { Sink } from '../sink.ts';
import { fenceKey, lateKey, latestKey, setKeys, streamKey, timesKey } from './keys.ts';
import { RedisReader } from './redis-reader.ts';
import { type RedisServer, startRedis } from './redis-server.testing.ts';
import { RedisSink } from './redis-sink.ts';

const options = { clock: systemClock, random: new SeededRandom(1), log: silentLogger };
let server: RedisServer;
let redis: Redis;
let sink: RedisSink;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
beforeEach(async () => {
  await redis.flushall();
  sink = new RedisSink({ ...options, url: server.url, latestLimit: 100 });
});
afterEach(() => sink.close());
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

async function claimed(on: Sink, epoch = 1, setUids = ['set']) {
  const answer = await on.claim({ sliceUid: 'slice', epoch, above: 0, setUids });
  if (answer.kind !== 'claimed') throw new Error(answer.kind);
  return answer.token;
}

test('a claim creates every key that later scripts declare', async () => {
  await claimed(sink, 1, ['a', 'b']);
  const keys = [fenceKey('slice'), ...setKeys('slice', 'a'), ...setKeys('slice', 'b')];
  expect(await redis.exists(...keys)).toBe(keys.length);
  expect(await redis.xlen(streamKey('slice', 'a'))).toBe(0);
});

test('the first row takes the place of the empty hash', async () => {
  const token = await claimed(sink);
  const latest = [{ instrument: 'NSE:INFY', time: 1_767_585_600_123_456, json: '{"last_price":1}' }];
  await sink.send(call('slice', token, 1, batch('set', token, 1, { latest })));
  expect(await redis.hgetall(latestKey('slice', 'set'))).toEqual({ 'NSE:INFY': '{"last_price":1}' });
  await claimed(sink);
  expect(await redis.hlen(latestKey('slice', 'set'))).toBe(1);
});

test('latest values are bounded: the oldest instruments go', async () => {
  const token = await claimed(sink);
  for (let n = 1; n <= 150; n++) {
    const latest = [{ instrument: `NFO:${n}`, time: n, json: String(n) }];
    await sink.send(call('slice', token, n, batch('set', token, n, { latest })));
  }
  const rows = await redis.hgetall(latestKey('slice', 'set'));
  expect(Object.keys(rows).length).toBeLessThanOrEqual(100);
  expect(Object.keys(rows).length).toBeGreaterThanOrEqual(90);
  expect(rows).toHaveProperty('NFO:150');
  expect(rows).not.toHaveProperty('NFO:1');
  expect(await redis.hlen(timesKey('slice', 'set'))).toBeLessThanOrEqual(101);
});

test('late batches are kept with their token and n', async () => {
  const old = await claimed(sink, 1);
  await claimed(sink, 2);
  await sink.sendLate(call('slice', old, 1, batch('set', old, 5)));
  const [entry] = await redis.xrange(lateKey('slice', 'set'), '-', '+');
  expect(entry?.[1]).toEqual([
    'epoch',
    '1',
    'claim',
    '1',
    'n',
    '1',
    'seq',
    '5',
    'payload',
    batch('set', old, 5).payload,
  ]);
});

test('what ends leaves a tombstone and streams for 7 days, and nothing after', async () => {
  const token = await claimed(sink);
  await sink.send(call('slice', token, 1, batch('joined', token, 1)));
  await sink.end('slice', token);
  for (const key of await redis.keys('ticks:{slice}:*')) {
    const ttl = await redis.pttl(key);
    expect(ttl).toBeGreaterThan(tombstoneMillis - 60_000);
    expect(ttl).toBeLessThanOrEqual(tombstoneMillis);
  }
  expect(await redis.exists(latestKey('slice', 'set'), latestKey('slice', 'joined'))).toBe(0);
});

test('a set that nobody feeds any more goes by itself; a fence stays', async () => {
  const token = await claimed(sink);
  await sink.send(call('slice', token, 1, batch('joined', token, 1)));
  expect(await redis.pttl(fenceKey('slice'))).toBe(-1);
  for (const key of [...setKeys('slice', 'set'), streamKey('slice', 'joined'), 'ticks:sets:set', 'ticks:sets:joined']) {
    expect(await redis.pttl(key), key).toBeGreaterThan(tombstoneMillis);
  }
});

test('the directory of a set drops slices whose tombstone has gone', async () => {
  await redis.sadd('ticks:sets:set', 'long-gone');
  await claimed(sink);
  expect(await redis.smembers('ticks:sets:set')).toEqual(['slice']);
});

test('scripts that Redis has forgotten are sent again; nothing is lost or repeated', async () => {
  const token = await claimed(sink);
  await sink.send(call('slice', token, 1, batch('set', token, 1)));
  await redis.script('FLUSH');
  const answers = await Promise.all([2, 3, 4].map((n) => sink.send(call('slice', token, n, batch('set', token, n)))));
  expect(answers).toEqual([{ kind: 'written' }, { kind: 'written' }, { kind: 'written' }]);
  expect(await redis.xlen(streamKey('slice', 'set'))).toBe(4);
});

test('a key of a foreign type stops the whole call before anything is written', async () => {
  const token = await claimed(sink, 1, ['a']);
  await redis.set(streamKey('slice', 'b'), 'somebody else');
  const both = call('slice', token, 1, batch('a', token, 1), batch('b', token, 1));
  await expect(sink.send(both)).rejects.toMatchObject({
    code: 'SINK_UNAVAILABLE',
    message: expect.stringContaining('ticks:{slice}:b:stream is a string'),
  });
  expect(await redis.xlen(streamKey('slice', 'a'))).toBe(0);
  await redis.del(streamKey('slice', 'b'));
  expect(await sink.send(both)).toEqual({ kind: 'written' });
});

test('a Redis out of memory takes nothing of a call, and all of it later', async () => {
  const token = await claimed(sink);
  await redis.config('SET', 'maxmemory', '1');
  const sent = call('slice', token, 1, batch('set', token, 1));
  await expect(sink.send(sent)).rejects.toMatchObject({ message: expect.stringMatching(/OOM/) });
  await redis.config('SET', 'maxmemory', '0');
  expect(await sink.send(sent)).toEqual({ kind: 'written' });
});

test('a Redis that lost its data asks for a claim, which is above the ones remembered', async () => {
  const token = await claimed(sink, 4);
  await sink.send(call('slice', token, 1, batch('set', token, 1)));
  await redis.flushall();
  expect(await sink.send(call('slice', token, 2, batch('set', token, 2)))).toEqual({ kind: 'claimFirst' });
  const answer = await sink.claim({ sliceUid: 'slice', epoch: 4, above: token.claim, setUids: ['set'] });
  expect(answer).toEqual({ kind: 'claimed', token: { epoch: 4, claim: 2 }, previous: new Map() });
});

test('answers whatever the memory sink answers (law)', async () => {
  const memory = new MemorySink({ clock: new VirtualClock() });
  const random = new SeededRandom(11);
  await sink.ping();
  const token = () => ({ epoch: 1 + random.integer(4), claim: 1 + random.integer(3) });
  for (let step = 0; step < 600; step++) {
    const sliceUid = `s${step % 3}`;
    const sender = token();
    const sent = call(sliceUid, sender, 1 + random.integer(4), batch(`set${step % 2}`, sender, step + 1));
    const kind = random.integer(40);
    const request = { sliceUid, epoch: 1 + random.integer(4), above: random.integer(2), setUids: ['set0'] };
    const act = (on: Sink) =>
      kind === 0
        ? on.end(sliceUid, sender)
        : kind < 8
          ? on.claim(request)
          : kind < 28
            ? on.send(sent)
            : on.sendLate(sent);
    expect([step, await act(sink)]).toEqual([step, await act(memory)]);
  }
});

test('works on Redis Cluster: all keys of a call lie in one slot', async () => {
  const cluster = await startRedis(['--cluster-enabled', 'yes'], await freePort());
  const admin = new Redis(cluster.url);
  const sink = new RedisSink({ ...options, url: cluster.url });
  const reader = new RedisReader({ ...options, url: cluster.url });
  try {
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    while (!String(await admin.call('CLUSTER', 'INFO')).includes('cluster_state:ok')) await admin.ping();
    const old = await claimed(sink, 1, ['a', 'b']);
    const token = await claimed(sink, 2, ['a', 'b']);
    const latest = [{ instrument: 'NSE:INFY', time: 1, json: '{}' }];
    const sent = call('slice', token, 1, batch('a', token, 1, { latest }), batch('b', token, 1, { latest }));
    expect(await sink.send(sent)).toEqual({ kind: 'written' });
    expect(await sink.sendLate(call('slice', old, 1, batch('a', old, 1)))).toEqual({ kind: 'written' });
    expect((await reader.latest('b')).size).toBe(1);
    expect(await sink.end('slice', token)).toEqual({ kind: 'written' });
  } finally {
    await Promise.all([sink.close(), reader.close()]);
    admin.disconnect();
    await cluster.stop();
  }
});
