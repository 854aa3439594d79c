import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { afterEach, expect, test } from 'vitest';
import { sleep, systemClock } from '../../../runtime/clock.ts';
import { freePort } from '../../../runtime/free-ports.testing.ts';
import { silentLogger } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { batch, call } from '../batches.testing.ts';
import { sliceChannel } from '../channels.ts';
import type { Sink } from '../sink.ts';
import { keySlot } from './key-slot.ts';
import { fenceKey, setKeys, streamKey } from './keys.ts';
import { startProxy } from './redis-proxy.testing.ts';
import { RedisReader } from './redis-reader.ts';
import { type RedisServer, startRedis } from './redis-server.testing.ts';
import { RedisSink } from './redis-sink.ts';

/** Each row of the table in docs/operations.md, on a real Redis; what a cluster does is in redis-cluster.test.ts too. */
const options = { clock: systemClock, random: new SeededRandom(1), log: silentLogger, connectTimeout: 1000 };
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function start(args: readonly string[] = [], port?: number): Promise<{ server: RedisServer; admin: Redis }> {
  const server = await startRedis(args, port);
  ends.push(() => server.stop());
  const admin = new Redis(server.url);
  admin.on('error', () => {});
  ends.push(() => admin.disconnect());
  return { server, admin };
}

function open(url: string, commandTimeout = 1000): RedisSink {
  const sink = new RedisSink({ ...options, url, commandTimeout });
  ends.push(() => sink.close());
  return sink;
}

async function claimed(sink: Sink) {
  const answer = await sink.claim({ sliceUid: 'slice', epoch: 1, above: 0, setUids: ['set'] });
  if (answer.kind !== 'claimed') throw new Error(answer.kind);
  return answer.token;
}

/** Repeats `act` until it does not reject. */
async function eventually<T>(act: () => Promise<T>): Promise<T> {
  for (const until = performance.now() + 15_000; ; await sleep(systemClock, 30)) {
    try {
      return await act();
    } catch (error) {
      if (performance.now() > until) throw error;
    }
  }
}

const unavailable = (why: RegExp) => ({ code: 'SINK_UNAVAILABLE', message: expect.stringMatching(why) });

test('READONLY: a primary that became a replica takes nothing; as a primary again, all of it', async () => {
  const { admin } = await start();
  const { server: other } = await start();
  const sink = open(`redis://127.0.0.1:${admin.options.port}`);
  const token = await claimed(sink);
  await admin.replicaof('127.0.0.1', other.port);
  const sent = call('slice', token, 1, batch('set', token, 1));
  await expect(sink.send(sent)).rejects.toMatchObject(unavailable(/READONLY/));
  await admin.replicaof('NO', 'ONE');
  // In between it may have copied the other, which is empty: then the fence is gone, and a claim is asked for.
  expect(['written', 'claimFirst']).toContain((await eventually(() => sink.send(sent))).kind);
});

test('NOREPLICAS: too few replicas in step for what Redis was told to want', async () => {
  const { server, admin } = await start();
  const sink = open(server.url);
  const token = await claimed(sink);
  await admin.config('SET', 'min-replicas-to-write', '1');
  const sent = call('slice', token, 1, batch('set', token, 1));
  await expect(sink.send(sent)).rejects.toMatchObject(unavailable(/NOREPLICAS/));
  await admin.config('SET', 'min-replicas-to-write', '0');
  expect(await eventually(() => sink.send(sent))).toEqual({ kind: 'written' });
});

test('LOADING: nothing until the data is there, then all of it', async () => {
  const slowLoad = ['--key-load-delay', '300', '--loading-process-events-interval-bytes', '1024'];
  const { server, admin } = await start(['--enable-debug-command', 'yes', ...slowLoad]);
  const sink = open(server.url);
  const token = await claimed(sink);
  await admin.call('DEBUG', 'POPULATE', '3000');
  const reloaded = admin.call('DEBUG', 'RELOAD');
  const sent = call('slice', token, 1, batch('set', token, 1));
  const errors: string[] = [];
  const answer = await eventually(() =>
    sink.send(sent).catch((error: Error) => {
      errors.push(error.message);
      throw error;
    }),
  );
  expect(answer).toEqual({ kind: 'written' });
  expect(errors.join('\n')).toMatch(/LOADING|not connected/);
  await reloaded;
});

test('NOSCRIPT: scripts that are flushed in mid-flow are sent in full; every call once, in order', async () => {
  const { server, admin } = await start();
  const sink = open(server.url, 5000);
  const token = await claimed(sink);
  let next = 1;
  for (let round = 0; round < 10; round++) {
    const flushed = admin.script('FLUSH');
    const calls = Array.from({ length: 20 }, (_, i) => call('slice', token, next + i, batch('set', token, next + i)));
    const answers = await Promise.all(calls.map((each) => sink.send(each)));
    await flushed;
    // A call that overtook one which was sent once more is told so, and nothing of it is written.
    const last = answers.findIndex(({ kind }) => kind === 'gap');
    next += last < 0 ? 20 : last;
    expect(answers.slice(0, last < 0 ? 20 : last).every(({ kind }) => kind === 'written' || kind === 'already')).toBe(
      true,
    );
  }
  const entries = await admin.xrange(streamKey('slice', 'set'), '-', '+');
  const sequence = entries.map(([, fields]) => Number(fields[5]));
  expect(sequence).toEqual(Array.from({ length: sequence.length }, (_, i) => i + 1));
  expect(sequence.length).toBeGreaterThanOrEqual(next - 1);
});

test('a lost reply: the call is given up in bounded time, and sent again is already there', async () => {
  const { server, admin } = await start();
  const proxy = await startProxy(server.port);
  ends.push(() => proxy.close());
  const sink = open(proxy.url);
  const token = await claimed(sink);
  proxy.replies = 'swallow';
  const sent = [1, 2, 3].map((n) => call('slice', token, n, batch('set', token, n)));
  const lost = await Promise.allSettled(sent.map((each) => sink.send(each)));
  for (const outcome of lost)
    expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable(/timed out|not/) });
  expect(await admin.xlen(streamKey('slice', 'set'))).toBe(3);
  proxy.replies = 'pass';
  for (const each of sent) expect(await eventually(() => sink.send(each))).toEqual({ kind: 'already' });
  expect(await admin.xlen(streamKey('slice', 'set'))).toBe(3);
});

test('a half-open connection: calls reject in bounded time, and go on a new one', async () => {
  const { server } = await start();
  const proxy = await startProxy(server.port);
  ends.push(() => proxy.close());
  const sink = open(proxy.url);
  const token = await claimed(sink);
  proxy.halfOpen();
  const sent = call('slice', token, 1, batch('set', token, 1));
  await expect(sink.send(sent)).rejects.toMatchObject(unavailable(/timed out|Socket timeout/));
  expect(await eventually(() => sink.send(sent))).toEqual({ kind: 'written' });
});

test('a half-open connection of a reader: it notices without a message, and subscribes again', async () => {
  const { server } = await start();
  const proxy = await startProxy(server.port);
  ends.push(() => proxy.close());
  const reader = new RedisReader({ ...options, url: proxy.url, commandTimeout: 500 });
  ends.push(() => reader.close());
  const sink = open(server.url);
  const token = await claimed(sink);
  let heard = 0;
  await reader.subscribe('ticks:default:set', () => heard++);
  proxy.halfOpen();
  for (let n = 1; heard === 0 && n < 1000; n++) {
    await sink.send(call('slice', token, n, batch('set', token, n)));
    await sleep(systemClock, 20);
  }
  expect(heard).toBeGreaterThan(0);
});

test('a Redis that is slow: calls wait for each other once, not one by one, and keep their order', async () => {
  const { server, admin } = await start();
  const proxy = await startProxy(server.port);
  ends.push(() => proxy.close());
  const sink = open(proxy.url, 8000);
  const token = await claimed(sink);
  proxy.latency = 400;
  const began = performance.now();
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, i) => sink.send(call('slice', token, i + 1, batch('set', token, i + 1)))),
  );
  // One by one it would be 12 s.
  expect(performance.now() - began).toBeLessThan(6000);
  expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['written']));
  const entries = await admin.xrange(streamKey('slice', 'set'), '-', '+');
  expect(entries.map(([, fields]) => Number(fields[5]))).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
});

test('a replica that hangs: a claim does not count at first, and counts without it after some seconds', async () => {
  const { server, admin } = await start(['--repl-diskless-sync-delay', '0']);
  const { server: replica } = await start(['--replicaof', '127.0.0.1', String(server.port)]);
  const sink = open(server.url);
  await eventually(async () => {
    if (!/state=online/.test(await admin.info('replication'))) throw new Error('not in step yet');
  });
  await eventually(() => claimed(sink));
  replica.pause();
  await expect(claimed(sink)).rejects.toMatchObject(unavailable(/no replica has confirmed/));
  await eventually(() => claimed(sink));
  replica.resume();
});

test('a user that may not: every call says so, and what is missing', async () => {
  const { server, admin } = await start();
  await admin.call('ACL', 'SETUSER', 'reader', 'on', '>secret-word', '~*', '&*', '+@read', '+ping', '+info', '+client');
  const sink = open(`redis://reader:secret-word@127.0.0.1:${server.port}`);
  await sink.ping();
  const error = await claimed(sink).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject(unavailable(/NOPERM/));
  expect(String(error)).not.toContain('secret-word');
});

test('a user that may what docs/operations.md says can do everything', async () => {
  const { server, admin } = await start();
  const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
  const rights = /The user needs `([^`]+)`, on keys\s+and channels `ticks:\*`/.exec(page)![1]!.split(' ');
  await admin.call('ACL', 'SETUSER', 'ticker', 'on', '>secret-word', '~ticks:*', '&ticks:*', ...rights);
  const access = { username: 'ticker', password: 'secret-word', url: server.url };
  const sink = new RedisSink({ ...options, ...access });
  const reader = new RedisReader({ ...options, ...access });
  ends.push(() => sink.close());
  ends.push(() => reader.close());
  await sink.ping();
  const token = await claimed(sink);
  const heard: string[] = [];
  const channels = ['ticks:default:set', sliceChannel('ticks:default:set', 'slice')];
  for (const channel of channels) await reader.subscribe(channel, (message) => heard.push(message.channel));
  const latest = [{ instrument: 'NSE:INFY', time: 1, json: '{}' }];
  for (const [i, channel] of channels.entries()) {
    const sent = call('slice', token, i + 1, batch('set', token, i + 1, { channel, latest }));
    expect(await sink.send(sent)).toEqual({ kind: 'written' });
  }
  await expect.poll(() => heard).toEqual(channels);
  expect((await reader.latest('set')).size).toBe(1);
  expect(await reader.range('slice', 'set', '0', 10)).toHaveLength(2);
  expect(await sink.end('slice', token)).toEqual({ kind: 'written' });
});

test('TRYAGAIN, ASK and CLUSTERDOWN: keys of one slot on two servers, then on the other; a cluster that lacks a slot', async () => {
  const ports = [await freePort(), await freePort()].map(String);
  const member = (busPort: string) => start(['--cluster-enabled', 'yes', '--cluster-port', busPort]);
  const [a, b] = [await member(ports[0]!), await member(ports[1]!)];
  const slot = keySlot(fenceKey('slice'));
  await a.admin.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
  await b.admin.call('CLUSTER', 'MEET', '127.0.0.1', a.server.port, ports[0]!);
  const known = async (admin: Redis): Promise<void> => {
    const info = String(await admin.call('CLUSTER', 'INFO'));
    if (!/cluster_state:ok/.test(info) || !info.includes('cluster_known_nodes:2')) throw new Error(info);
  };
  for (const { admin } of [a, b]) await eventually(() => known(admin));
  const sink = open(`redis+cluster://127.0.0.1:${a.server.port}`);
  const token = await claimed(sink);
  const [idA, idB] = [await a.admin.call('CLUSTER', 'MYID'), await b.admin.call('CLUSTER', 'MYID')];
  await b.admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(idA));
  await a.admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(idB));
  const move = (keys: string[]) => a.admin.call('MIGRATE', '127.0.0.1', b.server.port, '', 0, 5000, 'KEYS', ...keys);

  const first = call('slice', token, 1, batch('set', token, 1));
  await move([fenceKey('slice')]);
  await expect(sink.send(first)).rejects.toMatchObject(unavailable(/TRYAGAIN/));
  await move(setKeys('slice', 'set'));
  expect(await sink.send(first)).toEqual({ kind: 'written' });
  for (const { admin } of [b, a]) await admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', String(idB));
  expect(await sink.send(call('slice', token, 2, batch('set', token, 2)))).toEqual({ kind: 'written' });

  const another = slot === 0 ? 1 : 0;
  for (const { admin } of [a, b]) await admin.call('CLUSTER', 'DELSLOTS', another);
  const third = call('slice', token, 3, batch('set', token, 3));
  await expect
    .poll(() => sink.send(third).then(String, (error: Error) => error.message), { timeout: 10_000 })
    .toMatch(/CLUSTERDOWN/);
  await a.admin.call('CLUSTER', 'ADDSLOTS', another);
  expect(['written', 'already']).toContain((await eventually(() => sink.send(third))).kind);
});
