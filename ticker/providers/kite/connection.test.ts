import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { systemClock } from '../../../runtime/clock.ts';
import type { CodedError } from '../../../runtime/errors.ts';
import { createLogger, silentLogger } from '../../../runtime/log.ts';
import { VirtualClock } from '../../../runtime/virtual-clock.ts';
import { TickColumns } from '../../tick-columns.ts';
import {
  closeTimeout,
  type KiteConnection,
  type KiteConnectionOptions,
  maxPendingBytes,
  maxTokens,
  openConnection,
  silenceGrace,
  silenceTimeout,
} from './connection.ts';
import { ScriptedFeed } from './feed.testing.ts';
import { handshakeTimeout } from './handshake.ts';
import { tokensPerMessage } from './subscribe-messages.ts';

const apiKey = 'key-of-the-login';
const accessToken = 'to/ken+with spaces';
const never = new AbortController().signal;

let feed: ScriptedFeed;
let clock: VirtualClock;
let options: KiteConnectionOptions;
let frames: Uint8Array[];
let notices: { kind: string; text: string }[];
let ends: CodedError[];
const opened: KiteConnection[] = [];

const handler = {
  frame: (frame: Uint8Array): void => {
    frames.push(Uint8Array.from(frame));
  },
  notice: (notice: { kind: string; text: string }): void => {
    notices.push(notice);
  },
  closed: (error: CodedError): void => {
    ends.push(error);
  },
};

beforeEach(async () => {
  feed = new ScriptedFeed();
  clock = new VirtualClock();
  frames = [];
  notices = [];
  ends = [];
  options = { url: await feed.start(), apiKey, accessToken, account: 'default/a', clock, log: silentLogger };
});
afterEach(async () => {
  for (const connection of opened.splice(0)) connection.close();
  await feed.stop();
});

async function open(changes: Partial<KiteConnectionOptions> = {}): Promise<[KiteConnection, WebSocket]> {
  const connection = await openConnection({ ...options, ...changes }, handler, never);
  opened.push(connection);
  return [connection, await feed.socket()];
}

/** Waits for real I/O on loopback; the condition must come true. */
const until = (condition: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(condition()).toBe(true), { timeout: 5_000, interval: 2 });

describe('the handshake', () => {
  it('sends the credentials, the version, and what the address had', async () => {
    await open({ url: `${options.url}#fragment` });
    const request = feed.requests[0]!;
    const url = new URL(request.url!, 'ws://feed');
    expect(url.pathname).toBe('/feed');
    expect(Object.fromEntries(url.searchParams)).toEqual({ v: '1', api_key: apiKey, access_token: accessToken });
    expect(request.headers['x-kite-version']).toBe('3');
    expect(request.headers['sec-websocket-extensions']).toBeUndefined();
  });

  it.each([
    [403, 'PROVIDER_CREDENTIALS_REFUSED', 'terminal'],
    [401, 'PROVIDER_CREDENTIALS_REFUSED', 'terminal'],
    [429, 'PROVIDER_CONNECTION_LIMIT', 'retryable'],
    [400, 'PROVIDER_BAD_RESPONSE', 'retryable'],
    [502, 'PROVIDER_UNREACHABLE', 'retryable'],
    [302, 'PROVIDER_UNREACHABLE', 'retryable'],
  ])('HTTP %i is %s, asked once, and shows no credential', async (status, code, persistence) => {
    feed.answer = status;
    const error: unknown = await openConnection(options, handler, never).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, persistence });
    expect(String(error)).toContain(`HTTP ${status}`);
    expect(String(error)).not.toMatch(/key-of|token=|ken/);
    expect(feed.requests).toHaveLength(1);
    expect(clock.pending).toBe(0);
    expect(ends).toEqual([]);
  });

  it('gives up on a broker that does not answer, and on an address where nobody listens', async () => {
    feed.answer = 'ignore';
    const pending = openConnection(options, handler, never).catch((thrown: unknown) => thrown);
    await until(() => feed.requests.length === 1);
    await clock.advance(handshakeTimeout);
    expect(await pending).toMatchObject({ code: 'PROVIDER_UNREACHABLE' });
    await feed.stop();
    await expect(openConnection(options, handler, never)).rejects.toMatchObject({ code: 'PROVIDER_UNREACHABLE' });
    feed = new ScriptedFeed();
    await feed.start();
  });

  it('is cancelled by the signal', async () => {
    feed.answer = 'ignore';
    const abort = new AbortController();
    const pending = openConnection(options, handler, abort.signal).catch((thrown: unknown) => thrown);
    await until(() => feed.requests.length === 1);
    abort.abort(new Error('no longer wanted'));
    expect(String(await pending)).toContain('no longer wanted');
    expect(clock.pending).toBe(0);
  });
});

describe('requests', () => {
  it('adds one instrument with one subscribe message and its mode', async () => {
    const [connection] = await open();
    connection.subscribe([1, 2, 3], 'full');
    connection.subscribe([4], 'full');
    await until(() => feed.received.length === 4);
    expect(feed.received.slice(2)).toEqual([
      { a: 'subscribe', v: [4] },
      { a: 'mode', v: ['full', [4]] },
    ]);
  });

  it('only changes the mode of what is subscribed, and unsubscribes only that', async () => {
    const [connection] = await open();
    connection.subscribe([1, 2, 2], 'quote');
    connection.subscribe([2, 3], 'full');
    connection.subscribe([1], 'ltp');
    connection.unsubscribe([9]);
    connection.unsubscribe([1, 1]);
    connection.subscribe([1], 'ltp');
    await until(() => feed.received.length === 8);
    expect(feed.received).toEqual([
      { a: 'subscribe', v: [1, 2] },
      { a: 'mode', v: ['quote', [1, 2]] },
      { a: 'subscribe', v: [3] },
      { a: 'mode', v: ['full', [2, 3]] },
      { a: 'mode', v: ['ltp', [1]] },
      { a: 'unsubscribe', v: [1] },
      { a: 'subscribe', v: [1] },
      { a: 'mode', v: ['ltp', [1]] },
    ]);
  });

  it('sends 3,000 instruments in bounded chunks, each with its mode next', async () => {
    const [connection] = await open();
    const tokens = Array.from({ length: 3000 }, (_, n) => n + 1);
    connection.subscribe(tokens, 'full');
    const chunks = Math.ceil(3000 / tokensPerMessage);
    await until(() => feed.received.length === 2 * chunks);
    const requests = feed.received as { a: string; v: never[] }[];
    expect(requests.map(({ a }) => a)).toEqual(Array.from({ length: chunks }, () => ['subscribe', 'mode']).flat());
    expect(requests.filter(({ a }) => a === 'subscribe').flatMap(({ v }) => v)).toEqual(tokens);
  });

  it('refuses more instruments than any account can have, and sends none of them', async () => {
    const [connection] = await open();
    const tokens = Array.from({ length: maxTokens + 1 }, (_, n) => n + 1);
    expect(() => connection.subscribe(tokens, 'ltp')).toThrow(/10001 instruments, 10000 at most/);
    connection.subscribe([1], 'ltp');
    await until(() => feed.received.length === 2);
  });

  it('gives up a connection whose broker reads nothing, rather than queue without bound', async () => {
    const [connection, socket] = await open();
    socket.pause();
    const tokens = Array.from({ length: maxTokens }, (_, n) => 4_000_000_000 + n);
    let most = 0;
    for (let n = 0; n < 400; n++) {
      connection.subscribe(tokens, 'full');
      most = Math.max(most, connection.pending);
    }
    await until(() => ends.length === 1);
    expect(most).toBeLessThanOrEqual(maxPendingBytes);
    expect(ends[0]).toMatchObject({ code: 'PROVIDER_CONNECTION_LOST' });
    expect(ends[0]!.message).toMatch(/left \d+ bytes unread/);
  });
});

describe('what arrives', () => {
  const ltpFrame = Buffer.from('00010008000000010000c350', 'hex');

  it('leaves what comes unread while it is paused, and then reads all of it in order; paused or not, it can be closed', async () => {
    const [connection, socket] = await open();
    socket.send(ltpFrame);
    await until(() => frames.length === 1);
    connection.pause(true);
    for (let i = 0; i < 500; i++) {
      const frame = Buffer.alloc(64 * 1024);
      frame.writeUInt16BE(i);
      socket.send(frame);
    }
    // The broker is held up: more than what sockets take of 32 MiB waits.
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(frames).toHaveLength(1);
    expect(socket.bufferedAmount).toBeGreaterThan(0);
    connection.pause(false);
    await until(() => frames.length === 501);
    expect(frames.slice(1).map((frame) => Buffer.from(frame).readUInt16BE())).toEqual(
      Array.from({ length: 500 }, (_, i) => i),
    );
    expect(ends).toEqual([]);
    connection.pause(true);
    connection.close();
    await connection.gone;
  });

  it('hands on frames with ticks, and takes a heartbeat for a sign of life only', async () => {
    const [connection, socket] = await open();
    await clock.advance(1000);
    socket.send(Buffer.from([0]));
    await until(() => connection.lastHeard === 1000);
    expect(frames).toEqual([]);
    socket.send(ltpFrame);
    await until(() => frames.length === 1);
    const columns = new TickColumns(1);
    expect(connection.decode(frames[0]!, 0, 7, columns)).toBe(-1);
    expect([columns.token[0], columns.lastPrice[0], columns.receiveTime[0]]).toEqual([1, 500, 7]);
  });

  it('tells errors and messages of the broker, keeps orders to itself, and hides credentials', async () => {
    const [, socket] = await open();
    socket.send(JSON.stringify({ type: 'order', data: { order_id: 'secret' } }));
    socket.send('not JSON');
    socket.send(JSON.stringify({ type: 'surprise', data: 1 }));
    socket.send(JSON.stringify({ type: 'error', data: `Limit of 3000 reached\nfor ${accessToken}` }));
    socket.send(JSON.stringify({ type: 'message', data: { text: 'maintenance' } }));
    await until(() => notices.length === 2);
    expect(notices).toEqual([
      { kind: 'error', text: 'Limit of 3000 reached for [redacted]' },
      { kind: 'message', text: '{"text":"maintenance"}' },
    ]);
    expect(ends).toEqual([]);
  });

  it('skips and logs packets of unknown length, each length once', async () => {
    const lines: string[] = [];
    const log = createLogger('warn', { write: (line) => lines.push(line) });
    const [connection, socket] = await open({ log });
    const unknown = Buffer.from('0002000501020304050008000000010000c350', 'hex');
    socket.send(unknown);
    socket.send(unknown);
    await until(() => frames.length === 2);
    const columns = new TickColumns(4);
    for (const frame of frames) connection.decode(frame, 0, 0, columns);
    expect(columns.length).toBe(2);
    expect(connection.unknownPackets).toBe(2);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({ event: 'kite.packet.unknown', length: 5, account: 'default/a' });
  });

  it('gives the connection up when a message is not handled, and does not end the process', async () => {
    const fails = {
      ...handler,
      frame: () => {
        throw new Error('a fault of the reader');
      },
    };
    opened.push(await openConnection(options, fails, never));
    (await feed.socket()).send(ltpFrame);
    await until(() => ends.length === 1);
    expect(ends[0]).toMatchObject({ code: 'PROVIDER_CONNECTION_LOST', cause: { message: 'a fault of the reader' } });
  });
});

describe('the end', () => {
  it('is told once, however the broker closes', async () => {
    const [first, one] = await open();
    one.close(1008, `token ${accessToken} expired`);
    await first.gone;
    const [second, two] = await open();
    two.terminate();
    await second.gone;
    expect(ends.map(({ code }) => code)).toEqual(['PROVIDER_CONNECTION_LOST', 'PROVIDER_CONNECTION_LOST']);
    expect(ends[0]!.message).toBe('connection of account default/a: closed (1008, token [redacted] expired)');
    expect(clock.pending).toBe(0);
    second.subscribe([1], 'ltp');
    second.unsubscribe([1]);
    second.close();
  });

  it('is told when nothing arrives, not even a heartbeat, and not a moment after a heartbeat', async () => {
    const [connection, socket] = await open();
    await clock.advance(silenceTimeout - 1);
    socket.send(Buffer.from([0]));
    await until(() => connection.lastHeard === silenceTimeout - 1);
    await clock.advance(silenceTimeout);
    expect(ends).toEqual([]);
    await clock.advance(silenceGrace);
    expect(ends.map(({ code }) => code)).toEqual(['PROVIDER_CONNECTION_SILENT']);
    await connection.gone;
    expect(ends).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it('does not take its own stall for silence of the broker', async () => {
    const [connection, socket] = await open();
    // The timer fires late, while the heartbeat that came in time still waits to be read.
    await clock.advance(silenceTimeout);
    socket.send(Buffer.from([0]));
    await until(() => connection.lastHeard === silenceTimeout);
    await clock.advance(silenceGrace);
    expect(ends).toEqual([]);
  });

  it('comes quietly where it was asked for, even when the broker is dead', async () => {
    const [polite] = await open();
    polite.close();
    await polite.gone;
    const [dead, socket] = await open();
    socket.pause(); // never answers the close
    dead.close();
    await clock.advance(closeTimeout - 1);
    expect(await Promise.race([dead.gone.then(() => 'gone'), Promise.resolve('waiting')])).toBe('waiting');
    await clock.advance(1);
    await dead.gone;
    expect(ends).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('is told after the connection itself, where the broker closes at once', async () => {
    const order: string[] = [];
    const early = { ...handler, closed: () => order.push('closed') };
    const closing = feed.socket().then((socket) => socket.close());
    const connection = await openConnection({ ...options, clock: systemClock }, early, never);
    order.push('connected');
    await closing;
    await connection.gone;
    expect(order).toEqual(['connected', 'closed']);
  });
});
