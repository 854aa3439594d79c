import { Redis } from 'ioredis';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import { freePort } from '../../../runtime/free-ports.testing.ts';
import { createLogger, silentLogger } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { batch, call } from '../batches.testing.ts';
import type { Published } from '../reader.ts';
import type { Sink } from '../sink.ts';
import { Connection } from './connection.ts';
import { streamKey } from './keys.ts';
import { RedisReader } from './redis-reader.ts';
import { type RedisServer, startRedis } from './redis-server.testing.ts';
import { RedisSink } from './redis-sink.ts';
import { parseRedisUrl } from './redis-url.ts';

const options = {
  clock: systemClock,
  random: new SeededRandom(1),
  log: silentLogger,
  commandTimeout: 400,
  connectTimeout: 400,
};
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function start(args: readonly string[] = [], port?: number): Promise<RedisServer> {
  const server = await startRedis(args, port);
  ends.push(() => server.stop());
  return server;
}

function open(url: string, more: Partial<ConstructorParameters<typeof RedisSink>[0]> = {}): RedisSink {
  const sink = new RedisSink({ ...options, url, ...more });
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
  const until = performance.now() + 8000;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

test('many calls that time out together end their socket once', async () => {
  const server = await start();
  const address = parseRedisUrl(server.url);
  const connection = new Connection({ ...options, url: server.url }, address, address.nodes[0]!, 'calls');
  ends.push(async () => connection.close());
  await connection.ready();
  const { stream } = connection.client;
  const before = stream.listenerCount('close');
  for (let call = 0; call < 20; call++) expect(() => connection.rejected(new Error('Command timed out'))).toThrow();
  expect(stream.listenerCount('close')).toBeLessThanOrEqual(before + 1);
  await eventually(async () => {
    await connection.ready();
    expect(connection.client.stream).not.toBe(stream);
  });
  expect(await connection.client.ping()).toBe('PONG');
});

test('absent at the start: every call says so at once; it works when Redis appears', async () => {
  const port = await freePort();
  const sink = open(`redis://127.0.0.1:${port}`);
  const refused = { code: 'SINK_UNAVAILABLE', message: expect.stringContaining(`127.0.0.1:${port}`) };
  await expect(sink.ping()).rejects.toMatchObject(refused);
  await expect(sink.ping()).rejects.toThrow(/ECONNREFUSED/);
  await expect(claimed(sink)).rejects.toMatchObject(refused);
  await expect(sink.send(call('slice', { epoch: 1, claim: 1 }, 1))).rejects.toMatchObject(refused);
  await start([], port);
  await eventually(() => sink.ping());
  expect(await claimed(sink)).toEqual({ epoch: 1, claim: 1 });
});

test('a Redis that dies and comes back empty: calls reject, then ask for a claim', async () => {
  const server = await start();
  const sink = open(server.url);
  const token = await claimed(sink);
  await server.kill();
  await expect(sink.send(call('slice', token, 1))).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE' });
  const reachable = new Promise<string>((resolve) => sink.onReachable(resolve));
  await server.restart();
  expect(await reachable).toBe(sink.placeOf('slice'));
  expect(await eventually(() => sink.send(call('slice', token, 1)))).toEqual({ kind: 'claimFirst' });
});

test('a Redis that hangs: calls are given up in bounded time, and sent again duplicate nothing', async () => {
  const server = await start();
  const sink = open(server.url);
  const token = await claimed(sink);
  server.pause();
  const sent = [1, 2, 3].map((n) => call('slice', token, n, batch('set', token, n)));
  const began = performance.now();
  const results = await Promise.allSettled(sent.map((one) => sink.send(one)));
  expect(performance.now() - began).toBeLessThan(2000);
  expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected']);
  server.resume();
  const answers = [];
  for (const one of sent) answers.push((await eventually(() => sink.send(one))).kind);
  expect(['written', 'already']).toEqual(expect.arrayContaining([...new Set(answers)]));
  const admin = new Redis(server.url);
  expect(await admin.xlen(streamKey('slice', 'set'))).toBe(3);
  admin.disconnect();
});

test('more bytes in flight than the bound are turned away', async () => {
  const server = await start();
  const sink = open(server.url, { inFlightBytes: 1000 });
  const token = await claimed(sink);
  const large = (n: number) => call('slice', token, n, batch('set', token, n, { payload: 'x'.repeat(900) }));
  const [first, second] = await Promise.allSettled([sink.send(large(1)), sink.send(large(2))]);
  expect(first).toMatchObject({ status: 'fulfilled', value: { kind: 'written' } });
  expect(second).toMatchObject({ status: 'rejected', reason: { code: 'SINK_UNAVAILABLE' } });
  expect(await sink.send(large(2))).toEqual({ kind: 'written' });
});

test('a login: right, wrong and missing; the password is in no error and no log line', async () => {
  const server = await start(['--requirepass', 'hunter2']);
  const lines: string[] = [];
  const log = createLogger('trace', { write: (line) => void lines.push(line) });
  // It is to be refused, and not to come too late on a machine that is busy.
  const patient = { log, commandTimeout: 10_000, connectTimeout: 10_000 };
  await open(`redis://:hunter2@127.0.0.1:${server.port}`, patient).ping();
  const errors: unknown[] = [];
  for (const login of [':wrong-hunter3@', ':hunter2wrong@', '']) {
    const sink = open(`redis://${login}127.0.0.1:${server.port}`, patient);
    errors.push(await sink.ping().catch((error: unknown) => error));
  }
  expect(errors[0]).toMatchObject({ code: 'SINK_UNAVAILABLE', message: expect.stringMatching(/WRONGPASS|invalid/) });
  expect(errors[2]).toMatchObject({ code: 'SINK_UNAVAILABLE', message: expect.stringMatching(/NOAUTH/) });
  const written = [...lines, ...errors.map((error) => `${String(error)} ${JSON.stringify(error)}`)].join('\n');
  expect(written).not.toMatch(/hunter/);
});

test('a claim counts once a replica has it', async () => {
  const primary = await start(['--repl-diskless-sync-delay', '0']);
  const replica = await start(['--replicaof', '127.0.0.1', String(primary.port)]);
  const sink = open(primary.url, { commandTimeout: 1500 });
  const admin = new Redis(primary.url);
  ends.push(async () => admin.disconnect());
  await eventually(async () => {
    if (!/state=online/.test(await admin.info('replication'))) throw new Error('not in step yet');
  });
  await eventually(() => claimed(sink));
  const copy = new Redis(replica.url);
  expect(await copy.exists('ticks:{slice}:fence')).toBe(1);
  copy.disconnect();
  replica.pause();
  await expect(claimed(sink)).rejects.toThrow(/no replica has confirmed/);
  replica.resume();
  expect((await eventually(() => claimed(sink))).claim).toBeGreaterThan(2);
});

test('a reader subscribes again by itself when Redis is back', async () => {
  const server = await start();
  const sink = open(server.url);
  const reader = new RedisReader({ ...options, url: server.url });
  ends.push(() => reader.close());
  const messages: Published[] = [];
  await reader.subscribe('ticks:default:set', (message) => messages.push(message));
  await server.restart();
  await eventually(() => sink.ping());
  await eventually(async () => {
    const token = await claimed(sink);
    await sink.send(call('slice', token, 1, batch('set', token, 1)));
    if (messages.length === 0) throw new Error('nothing heard yet');
  });
});

test('a reader without Redis says so', async () => {
  const reader = new RedisReader({ ...options, url: `redis://127.0.0.1:${await freePort()}` });
  ends.push(() => reader.close());
  await expect(reader.subscribe('ticks:default:set', () => {})).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE' });
  await expect(reader.latest('set')).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE' });
});
