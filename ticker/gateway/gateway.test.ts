import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { systemClock } from '../../runtime/clock.ts';
import { silentLogger } from '../../runtime/log.ts';
import { parseBatch } from '../pipeline/format/read.ts';
import { parseArrow } from '../pipeline/format/read-arrow.ts';
import { sinkUnavailable } from '../sinks/errors.ts';
import type { SinkReader } from '../sinks/reader.ts';
import { BatchSequence } from './batch-sequence.ts';
import { TestFeed, testSet } from './feed.testing.ts';
import { createGateway, type Gateway, type GatewayOptions, type GatewaySet } from './gateway.ts';

let feed: TestFeed;
let sets: GatewaySet[];
let gateway: Gateway;
let url: string;
const sockets: WebSocket[] = [];

async function start(more: Partial<GatewayOptions> = {}): Promise<void> {
  gateway = createGateway({
    reader: feed.sink.reader(),
    sets: () => sets,
    clock: systemClock,
    log: silentLogger,
    ...more,
  });
  url = (await gateway.listen()).url;
}

beforeEach(async () => {
  feed = new TestFeed();
  sets = [testSet('equities'), testSet('options')];
  await feed.claim('equities-uid', 'options-uid');
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await gateway.close();
});

/** A reader of a stream: collects messages, and can stop reading. */
async function stream(set: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}v1/stream?set=${set}`, { headers });
  sockets.push(socket);
  const messages: string[] = [];
  let wake = (): void => {};
  socket.on('message', (data) => {
    messages.push(String(data));
    wake();
  });
  const closed = new Promise<[number, Buffer]>((resolve) => {
    socket.on('close', (code, reason) => resolve([code, reason]));
  });
  socket.on('error', () => {});
  const until = async (enough: () => boolean): Promise<string[]> => {
    while (!enough()) await new Promise<void>((resolve) => (wake = resolve));
    return messages;
  };
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('unexpected-response', (_request, response) => {
      let body = '';
      response.on('data', (part) => (body += part));
      response.on('end', () =>
        reject(Object.assign(new Error(body), { status: response.statusCode, body: JSON.parse(body) })),
      );
    });
    socket.once('error', reject);
  });
  return { socket, messages, closed, until, count: (n: number) => until(() => messages.length >= n) };
}

async function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const asked = request(new URL(path, url), { method, headers });
  asked.end();
  const [response] = await once(asked, 'response');
  let body = '';
  for await (const part of response) body += part;
  return { status: response.statusCode as number, headers: response.headers, body };
}

const row = (symbol: string, price: number, time = 1) => ({ symbol, last_price: price, receive_time: time });

test('every answer names its request, as the reader or the gateway did; what is no name is replaced', async () => {
  await start({ requestPrefix: 'g1' });
  const named = async (path: string, id?: string) =>
    (await get(path, id === undefined ? {} : { 'X-Request-Id': id })).headers['x-request-id'];
  expect(await named('/v1/sets')).toBe('g1-1');
  expect(await named('/nowhere', 'desk-7')).toBe('desk-7');
  expect(await named('/v1/sets', '{"level":"fatal"}')).toBe('g1-2');
});

describe('stream', () => {
  test('sends the latest values first, then every message as it was published', async () => {
    await start();
    await feed.publish('equities', [row('NSE:INFY', 1500)]);
    const reader = await stream('default/equities');
    const [snapshot] = await reader.count(1);
    expect(JSON.parse(snapshot!)).toMatchObject({
      type: 'snapshot',
      set: 'default/equities',
      rows: { 'NSE:INFY': row('NSE:INFY', 1500) },
    });
    const batch = await feed.publish('equities', [row('NSE:INFY', 1501, 2)]);
    await feed.publish('options', [row('NFO:X', 1)]);
    const heartbeat = await feed.publish('equities', []);
    expect((await reader.count(3)).slice(1)).toEqual([batch, heartbeat]);
  });

  test('batches in Arrow go out as binary frames, byte for byte', async () => {
    await start();
    const socket = new WebSocket(`${url.replace('http', 'ws')}v1/stream?set=default/equities`);
    sockets.push(socket);
    const frames: [Buffer, boolean][] = [];
    socket.on('message', (data: Buffer, binary) => frames.push([data, binary]));
    await expect.poll(() => frames.length).toBe(1);
    const rows = [{ symbol: 'NSE:INFY', last_price: 1500, receive_time: 1 }];
    const payloads = [await feed.publishArrow('equities', rows), await feed.publishArrow('equities', [])];
    await expect.poll(() => frames.length).toBe(3);
    expect(frames.map(([, binary]) => binary)).toEqual([false, true, true]);
    expect(frames.slice(1).map(([data]) => data)).toEqual(payloads.map((payload) => Buffer.from(payload)));
    expect(parseArrow(frames[1]![0]).columns).toMatchObject({ symbol: ['NSE:INFY'], last_price: [1500] });
    expect(parseArrow(frames[2]![0]).header).toMatchObject({ count: 0, seq: 1 });
  });

  test('what is published while the latest values are read comes after them, and nothing is missed', async () => {
    const inner = feed.sink.reader();
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    await start({ reader: { ...bound(inner), latest: (uid) => held.then(() => inner.latest(uid)) } });
    const reader = await stream('default/equities');
    const batches = [
      await feed.publish('equities', [row('NSE:A', 1)]),
      await feed.publish('equities', [row('NSE:B', 2)]),
    ];
    release();
    const messages = await reader.count(3);
    expect(JSON.parse(messages[0]!).type).toBe('snapshot');
    expect(messages.slice(1)).toEqual(batches);
  });

  test('many readers share one subscription, which ends with the last', async () => {
    const inner = feed.sink.reader();
    let subscriptions = 0;
    const subscribe: SinkReader['subscribe'] = async (channel, deliver) => {
      subscriptions++;
      const unsubscribe = await inner.subscribe(channel, deliver);
      return async () => {
        subscriptions--;
        await unsubscribe();
      };
    };
    await start({ reader: { ...bound(inner), subscribe } });
    const readers = await Promise.all([1, 2, 3].map(() => stream('default/equities')));
    expect([subscriptions, gateway.clients]).toEqual([1, 3]);
    await feed.publish('equities', [row('NSE:A', 1)]);
    for (const reader of readers) expect(await reader.count(2)).toHaveLength(2);
    for (const reader of readers) reader.socket.close();
    await Promise.all(readers.map((reader) => reader.closed));
    while (subscriptions > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(gateway.clients).toBe(0);
    const again = await stream('default/equities');
    await feed.publish('equities', [row('NSE:A', 2)]);
    expect(await again.count(2)).toHaveLength(2);
  });

  test('bars are a stream and a snapshot of their own', async () => {
    sets = [{ ...testSet('equities'), bars: true }, testSet('options')];
    await start();
    const bar = { symbol: 'NSE:INFY@1m', interval: '1m', close: 100, receive_time: 1 };
    const ticks = await stream('default/equities');
    const bars = await stream('default/equities&kind=bars');
    await bars.count(1);
    const batch = await feed.publish('equities', [bar], { kind: 'bars' });
    const [snapshot, live] = await bars.count(2);
    expect(JSON.parse(snapshot!)).toMatchObject({ type: 'snapshot', kind: 'bars', rows: {} });
    expect(live).toBe(batch);
    const { body } = await get('/v1/sets/default/equities/bars');
    expect(JSON.parse(body)).toMatchObject({ set: 'default/equities', rows: { 'NSE:INFY@1m': bar } });
    expect(ticks.messages).toHaveLength(1);
    const none = await get('/v1/sets/default/options/bars');
    expect(none.status).toBe(404);
    expect(JSON.parse(none.body)).toMatchObject({ error: { code: 'GATEWAY_NO_BARS' } });
    expect(JSON.parse((await get('/v1/sets')).body).sets[0]).toMatchObject({ bars: '/v1/sets/default/equities/bars' });
  });

  test('an unknown set is a 404 that names the known ones', async () => {
    await start();
    await expect(stream('default/equity')).rejects.toMatchObject({
      status: 404,
      body: {
        error: {
          code: 'GATEWAY_UNKNOWN_SET',
          message: "no set 'default/equity'; known: default/equities, default/options",
        },
      },
    });
    await expect(stream('')).rejects.toMatchObject({ status: 404 });
  });

  test('a set that does not publish is a 409 that says what to do', async () => {
    const { channel: _, ...silent } = testSet('equities');
    sets = [silent];
    await start();
    await expect(stream('default/equities')).rejects.toMatchObject({
      status: 409,
      body: { error: { code: 'GATEWAY_SET_NOT_PUBLISHED', remedy: expect.stringContaining('pubsub') } },
    });
  });

  test('one client too many is turned away, and let in when another has gone', async () => {
    await start({ limits: { maxClients: 1 } });
    const first = await stream('default/equities');
    await expect(stream('default/equities')).rejects.toMatchObject({
      status: 503,
      body: { error: { code: 'GATEWAY_TOO_MANY_CLIENTS' } },
    });
    first.socket.close();
    await first.closed;
    while (gateway.clients > 0) await new Promise((resolve) => setImmediate(resolve));
    await stream('default/equities');
  });

  test('a sink that cannot be reached is a 503 with its error; the next attempt may succeed', async () => {
    const inner = feed.sink.reader();
    let down = true;
    const subscribe: SinkReader['subscribe'] = (channel, deliver) =>
      down ? Promise.reject(sinkUnavailable('Redis at 127.0.0.1:1: no')) : inner.subscribe(channel, deliver);
    await start({ reader: { ...bound(inner), subscribe } });
    await expect(stream('default/equities')).rejects.toMatchObject({
      status: 503,
      body: { error: { code: 'SINK_UNAVAILABLE' } },
    });
    down = false;
    await (await stream('default/equities')).count(1);
  });

  test('a reader that stops reading is bounded, then told exactly what it missed, and goes on', async () => {
    await start({ limits: { clientBytes: 200_000 } });
    const reader = await stream('default/equities');
    await reader.count(1);
    reader.socket.pause();
    const filler = 'x'.repeat(50_000);
    const published = 400;
    for (let i = 1; i <= published; i++) {
      await feed.publish('equities', [{ ...row('NSE:INFY', i, i), filler }]);
      if (i % 20 === 0) await feed.publish('equities', []);
      await new Promise((resolve) => setImmediate(resolve));
    }
    reader.socket.resume();
    await reader.until(() => reader.messages.some((text) => text.startsWith('{"type":"dropped"')));
    await feed.publish('equities', [row('NSE:INFY', 9999, 9999)]);
    const toldOf = (text: string): { batches: number; ticks: number } | undefined =>
      text.startsWith('{"type":"dropped"') ? JSON.parse(text) : undefined;
    const isBatch = (text: string): boolean => text.startsWith('{"v"') && parseBatch(text).header.count > 0;
    // The latest values may show the last row before its batch comes, so batches are counted.
    const accounted = (): number =>
      reader.messages.reduce((sum, text) => sum + (toldOf(text)?.batches ?? (isBatch(text) ? 1 : 0)), 0);
    await reader.until(() => accounted() >= published + 1 && reader.messages.length >= gateway.traffic.sent);

    const sequence = new BatchSequence();
    let dropped = 0;
    for (const text of reader.messages) {
      const told = toldOf(text);
      if (told !== undefined) {
        expect(told.ticks).toBe(told.batches);
        dropped += told.batches;
      } else if (!text.startsWith('{"type"')) sequence.check(parseBatch(text).header);
    }
    expect(dropped).toBeGreaterThan(0);
    expect(sequence.totals.batches + dropped).toBe(published + 1);
    expect(gateway.traffic).toMatchObject({ droppedBatches: dropped, droppedTicks: dropped, opened: 1 });
    expect(gateway.traffic.sent).toBe(reader.messages.length);
    expect(gateway.traffic.bytes).toBe(reader.messages.reduce((sum, text) => sum + Buffer.byteLength(text), 0));
    expect(sequence.totals).toMatchObject({ missing: dropped, duplicates: 0 });
    const told = reader.messages.findIndex((text) => text.startsWith('{"type":"dropped"'));
    expect(JSON.parse(reader.messages[told + 1]!)).toMatchObject({
      type: 'snapshot',
      rows: { 'NSE:INFY': { last_price: published } },
    });
  });

  test('a slow reader of a set in Arrow is told how many ticks it missed', async () => {
    await start({ limits: { clientBytes: 200_000 } });
    const reader = await stream('default/equities');
    await reader.count(1);
    reader.socket.pause();
    const rows = Array.from({ length: 500 }, (_, i) => row(`NSE:S${i}`, 1, 1));
    for (let i = 0; i < 400; i++) await feed.publishArrow('equities', rows);
    reader.socket.resume();
    await reader.until(() => reader.messages.some((text) => text.startsWith('{"type":"dropped"')));
    const told = JSON.parse(reader.messages.find((text) => text.startsWith('{"type":"dropped"'))!);
    expect(told.batches).toBeGreaterThan(0);
    expect(told.ticks).toBe(500 * told.batches);
  });

  test('a batch larger than the bound reaches a reader that waits for it', async () => {
    await start({ limits: { clientBytes: 10_000 } });
    const reader = await stream('default/equities');
    await reader.count(1);
    await feed.publish('equities', [{ ...row('NSE:INFY', 1, 1), filler: 'x'.repeat(50_000) }]);
    const [, batch] = await reader.count(2);
    expect(parseBatch(batch!).header).toMatchObject({ seq: 1, count: 1 });
  });

  test('a client that shows no sign of life is let go', async () => {
    await start({ limits: { keepalive: 250 } });
    const alive = await stream('default/equities');
    const dead = await stream('default/equities');
    dead.socket.pause();
    while (gateway.clients > 1) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(alive.socket.readyState).toBe(WebSocket.OPEN);
  });

  test('readers of a set that is gone are told so', async () => {
    await start({ limits: { keepalive: 20 } });
    const reader = await stream('default/equities');
    sets = [testSet('options')];
    const [code, reason] = await reader.closed;
    expect([code, String(reason)]).toEqual([1001, 'the set is gone']);
  });

  test('closing says goodbye after everything that was published', async () => {
    await start();
    const reader = await stream('default/equities');
    await reader.count(1);
    const batches = [];
    for (let i = 1; i <= 50; i++) batches.push(await feed.publish('equities', [row('NSE:INFY', i, i)]));
    await gateway.close();
    const [code] = await reader.closed;
    expect(code).toBe(1001);
    expect(reader.messages.slice(1)).toEqual(batches);
  });

  test('garbage on the socket ends that client alone', async () => {
    await start();
    const other = await stream('default/equities');
    const port = Number(new URL(url).port);
    const raw = connect(port, '127.0.0.1');
    raw.write(
      'GET /v1/stream?set=default/equities HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await once(raw, 'data');
    raw.write(Buffer.alloc(4096, 0xff));
    await once(raw, 'close');
    await feed.publish('equities', [row('NSE:A', 1)]);
    expect(await other.count(2)).toHaveLength(2);
  });
});

describe('origins', () => {
  test('pages of other origins are refused unless they are allowed', async () => {
    await start({ allowedOrigins: ['https://desk.example.com'] });
    await expect(stream('default/equities', { Origin: 'https://evil.example.com' })).rejects.toMatchObject({
      status: 403,
      body: { error: { code: 'GATEWAY_ORIGIN_REFUSED' } },
    });
    expect((await get('/v1/sets', { Origin: 'null' })).status).toBe(403);
    await stream('default/equities', { Origin: 'https://desk.example.com' });
    await stream('default/equities', { Origin: url.slice(0, -1) });
    const allowed = await get('/v1/sets', { Origin: 'https://desk.example.com' });
    expect(allowed.headers['access-control-allow-origin']).toBe('https://desk.example.com');
  });

  test('on loopback, a name that is not loopback is refused: it may be a page that rebinds its own name', async () => {
    await start();
    const host = `evil.example.com:${new URL(url).port}`;
    expect((await get('/v1/sets', { Host: host, Origin: `http://${host}` })).status).toBe(403);
    expect((await get('/v1/sets', { Host: 'localhost:1' })).status).toBe(200);
    expect((await get('/v1/sets', { Host: '[::1]:1' })).status).toBe(200);
  });
});

describe('HTTP', () => {
  test('lists sets and their latest values', async () => {
    await start();
    await feed.publish('equities', [row('NSE:INFY', 1500)]);
    const list = JSON.parse((await get('/v1/sets')).body).sets;
    expect(list[0]).toEqual({
      namespace: 'default',
      name: 'equities',
      uid: 'equities-uid',
      channel: 'ticks:default:equities',
      stream: '/v1/stream?set=default/equities',
      latest: '/v1/sets/default/equities/latest',
    });
    const latest = JSON.parse((await get(list[0].latest)).body);
    expect(latest).toMatchObject({ set: 'default/equities', rows: { 'NSE:INFY': { last_price: 1500 } } });
    expect(latest.time).toBeGreaterThan(1.7e15);
  });

  test('answers what is not there with what is', async () => {
    await start();
    expect((await get('/healthz')).body).toBe('{"status":"ok","clients":0}\n');
    const unknown = await get('/v1/sets/default/none/latest');
    expect([unknown.status, JSON.parse(unknown.body).error.code]).toEqual([404, 'GATEWAY_UNKNOWN_SET']);
    const nothing = await get('/admin');
    expect([nothing.status, JSON.parse(nothing.body).error.remedy]).toEqual([404, expect.stringContaining('/v1/sets')]);
    const posted = await get('/v1/sets', {}, 'POST');
    expect([posted.status, posted.headers['allow']]).toEqual([405, 'GET, HEAD']);
    const head = await get('/', {}, 'HEAD');
    expect([head.status, head.body]).toEqual([200, '']);
  });

  test('latest values of a sink that is away: 503', async () => {
    const inner = feed.sink.reader();
    await start({ reader: { ...bound(inner), latest: () => Promise.reject(sinkUnavailable('Redis is away')) } });
    const answer = await get('/v1/sets/default/equities/latest');
    expect([answer.status, JSON.parse(answer.body).error.code]).toEqual([503, 'SINK_UNAVAILABLE']);
  });

  test('the page needs nothing from elsewhere and may load nothing', async () => {
    await start();
    const page = await get('/');
    expect(page.headers['content-security-policy']).toMatch(/default-src 'none'.*script-src 'sha256-/);
    expect(page.body).not.toMatch(/(src|href)="https?:/);
    expect(page.body).not.toContain('/* script */');
  });
});

test('a port in use is told by number, with the remedy', async () => {
  const squatter = createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  const { port } = squatter.address() as AddressInfo;
  gateway = createGateway({ reader: feed.sink.reader(), sets: () => [], clock: systemClock, log: silentLogger, port });
  await expect(gateway.listen()).rejects.toMatchObject({
    code: 'GATEWAY_PORT_IN_USE',
    message: expect.stringContaining(`127.0.0.1:${port}`),
    remedy: expect.stringContaining('another port'),
  });
  squatter.close();
});

/** A reader's methods, to be replaced one by one. */
function bound(reader: SinkReader): SinkReader {
  return {
    subscribe: (channel, deliver) => reader.subscribe(channel, deliver),
    latest: (setUid) => reader.latest(setUid),
    range: (sliceUid, setUid, afterId, limit) => reader.range(sliceUid, setUid, afterId, limit),
    rangeBack: (sliceUid, setUid, beforeId, limit) => reader.rangeBack(sliceUid, setUid, beforeId, limit),
    slices: (setUid) => reader.slices(setUid),
    close: () => reader.close(),
  };
}
