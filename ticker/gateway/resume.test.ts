import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { systemClock } from '../../runtime/clock.ts';
import { silentLogger } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import type { BatchHeader } from '../delivery.ts';
import { batch, call } from '../sinks/batches.testing.ts';
import { MemorySink } from '../sinks/memory/memory-sink.ts';
import type { SinkReader } from '../sinks/reader.ts';
import { RedisReader } from '../sinks/redis/redis-reader.ts';
import { type RedisServer, startRedis } from '../sinks/redis/redis-server.testing.ts';
import { RedisSink } from '../sinks/redis/redis-sink.ts';
import type { Sink } from '../sinks/sink.ts';
import { BatchSequence } from './batch-sequence.ts';
import { createGateway, type Gateway } from './gateway.ts';
import { placeOf, readPositions } from './position.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

/** A set of two slices at a sink, read through two gateways. */
class Bench {
  readonly #sink: Sink;
  readonly #gateways: Gateway[];
  readonly #reader: SinkReader;
  readonly #n = new Map<string, number>();
  urls: string[] = [];

  constructor(sink: Sink, reader: SinkReader) {
    this.#sink = sink;
    this.#reader = reader;
    const sets = () => [{ namespace: 'desk', name: 'set', uid: 'set', channel: 'ticks:desk:set' }];
    this.#gateways = [0, 1].map(() => createGateway({ reader, sets, clock: systemClock, log: silentLogger }));
  }

  async start(): Promise<this> {
    this.urls = await Promise.all(this.#gateways.map(async (gateway) => (await gateway.listen()).url));
    return this;
  }

  async claim(slice: string, epoch = 1): Promise<void> {
    const answer = await this.#sink.claim({ sliceUid: slice, epoch, above: 0, setUids: ['set'] });
    if (answer.kind !== 'claimed') throw new Error(answer.kind);
    this.#n.set(`${slice} ${epoch}`, 0);
  }

  async publish(slice: string, count: number, epoch = 1, more: Partial<BatchHeader> = {}): Promise<void> {
    for (let i = 0; i < count; i++) {
      const n = (this.#n.get(`${slice} ${epoch}`) ?? 0) + 1;
      this.#n.set(`${slice} ${epoch}`, n);
      const token = { epoch, claim: 1 };
      const header = { set: 'desk/set', slice: `desk/${slice}`, sliceUid: slice, ...(i === 0 ? more : {}) };
      const sealed = { ...batch('set', token, n, { header }), channel: 'ticks:desk:set', streamMaxLength: 1000 };
      const answer = await this.#sink.send(call(slice, token, n, sealed));
      if (answer.kind !== 'written') throw new Error(answer.kind);
    }
  }

  /** @param from what it has, for a reader that resumes */
  reader(gateway: number, from: readonly string[] = []): Reader {
    const query = from.map((each) => `&from=${each}`).join('');
    return new Reader(`${this.urls[gateway]!.replace('http', 'ws')}v1/stream?set=desk/set${query}`);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#gateways.map((gateway) => gateway.close()));
    await this.#reader.close();
    await this.#sink.close();
  }
}

class Reader {
  readonly socket: WebSocket;
  readonly messages: Record<string, unknown>[] = [];
  readonly headers: BatchHeader[] = [];

  constructor(url: string) {
    this.socket = new WebSocket(url);
    this.socket.on('message', (data) => {
      const message = JSON.parse(String(data));
      if (message.type === undefined) this.headers.push(message);
      else this.messages.push(message);
    });
    this.socket.on('error', () => {});
  }

  async has(batches: number): Promise<void> {
    await expect.poll(() => this.headers.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(batches);
  }

  async told(type: string): Promise<Record<string, unknown>> {
    await expect.poll(() => this.messages.some((each) => each['type'] === type), { timeout: 10_000 }).toBe(true);
    return this.messages.find((each) => each['type'] === type)!;
  }

  /** Where it stands, as a reader that resumes says it. */
  get positions(): string[] {
    const last = new Map(this.headers.map((each) => [each.sliceUid ?? '', each]));
    return [...last].map(([slice, { epoch, claim, seq }]) => `${slice}:${epoch}.${claim}:${seq}`);
  }
}

const redisOptions = () => ({ url: server.url, clock: systemClock, random: new SeededRandom(1), log: silentLogger });
const sinks: [string, () => [Sink, SinkReader]][] = [
  [
    'memory',
    () => {
      const sink = new MemorySink({ clock: systemClock });
      return [sink, sink.reader()];
    },
  ],
  ['redis', () => [new RedisSink(redisOptions()), new RedisReader(redisOptions())]],
];

test.each(sinks)(
  '%s: cut off from one gateway, a reader goes on at another, and misses nothing',
  async (name, make) => {
    const bench = await new Bench(...make()).start();
    const [a, b] = [`${name}-a`, `${name}-b`];
    await bench.claim(a);
    await bench.claim(b);
    const first = bench.reader(0);
    await first.told('snapshot');
    await bench.publish(a, 5, 1, { prev: null });
    await bench.publish(b, 3, 1, { prev: null });
    await first.has(8);
    first.socket.terminate();

    // Meanwhile: 250 batches of one slice, and another owner of the other.
    await bench.publish(a, 250);
    await bench.claim(b, 2);
    await bench.publish(b, 4, 2, { prev: { epoch: 1, claim: 1, seq: 3 } });
    const second = bench.reader(1, first.positions);
    // While it is being resumed, it goes on.
    await bench.publish(a, 20);
    expect(await second.told('resumed')).toMatchObject({ v: 1, set: 'desk/set' });
    await bench.publish(a, 5);
    await second.has(250 + 4 + 25);
    expect(second.messages.filter(({ type }) => type === 'snapshot')).toEqual([]);
    const sequence = new BatchSequence();
    for (const header of [...first.headers, ...second.headers]) sequence.check(header);
    expect(sequence.totals).toMatchObject({ batches: 287, missing: 0, duplicates: 0, older: 0, unproven: 0 });
    second.socket.terminate();
    await bench.stop();
  },
);

test('what the stream does not hold any more is told, and the latest values come first', async () => {
  const sink = new MemorySink({ clock: systemClock });
  const bench = await new Bench(sink, sink.reader()).start();
  await bench.claim('s');
  await bench.publish('s', 1100);
  const reader = bench.reader(0, ['s:1.1:50', 'gone:3.1:7']);
  expect(await reader.told('resumed')).toMatchObject({
    slices: [
      { slice: 's', batches: 0, whole: false },
      { slice: 'gone', batches: 0, whole: false },
    ],
  });
  await reader.told('snapshot');
  await bench.publish('s', 1);
  await reader.has(1);
  expect(reader.headers[0]?.seq).toBe(1101);
  reader.socket.terminate();
  await bench.stop();
});

test('a reader that has missed nothing gets nothing twice', async () => {
  const sink = new MemorySink({ clock: systemClock });
  const bench = await new Bench(sink, sink.reader()).start();
  await bench.claim('s');
  await bench.publish('s', 10);
  const reader = bench.reader(1, ['s:1.1:10']);
  expect(await reader.told('resumed')).toMatchObject({ slices: [{ slice: 's', batches: 0, whole: true }] });
  await bench.publish('s', 3);
  await reader.has(3);
  expect(reader.headers.map(({ seq }) => seq)).toEqual([11, 12, 13]);
  reader.socket.terminate();
  await bench.stop();
});

test('a position that is none is refused, saying how one is written', async () => {
  expect(() => readPositions(['abc:1.2'])).toThrow('no position');
  expect(readPositions(['0b9c-1:12.3:45'])).toEqual(new Map([['0b9c-1', { epoch: 12, claim: 3, seq: 45 }]]));
  expect(placeOf('not a batch')).toBeUndefined();
  expect(placeOf(new Uint8Array([1, 2, 3]))).toBeUndefined();
  const sink = new MemorySink({ clock: systemClock });
  const bench = await new Bench(sink, sink.reader()).start();
  const reader = bench.reader(0, ['x']);
  const [, response] = await once(reader.socket, 'unexpected-response');
  expect(response.statusCode).toBe(400);
  expect(await text(response)).toContain('from=SLICE_UID:EPOCH.CLAIM:SEQ');
  await bench.stop();
});
