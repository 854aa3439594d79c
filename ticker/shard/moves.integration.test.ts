import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { MemoryCluster } from '../../cluster/memory/index.ts';
import { secrets, subscriptionSlices } from '../../cluster/resources.ts';
import type { ShardIdentity, SliceShardStatus, SubscriptionSlice } from '../../crds/index.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLogger } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { Supervisor } from '../../runtime/supervisor.ts';
import { parseBatch } from '../pipeline/format/read.ts';
import { createSimulator, type Simulator, type SimulatorAddress } from '../providers/kite/simulator/simulator.ts';
import { providers } from '../providers/registry.ts';
import { MemorySink } from '../sinks/memory/memory-sink.ts';
import type { SinkReader } from '../sinks/reader.ts';
import { RedisReader } from '../sinks/redis/redis-reader.ts';
import { type RedisServer, startRedis } from '../sinks/redis/redis-server.testing.ts';
import { RedisSink } from '../sinks/redis/redis-sink.ts';
import type { Sink } from '../sinks/sink.ts';
import { channel, Reader, type SliceOptions, secret, slice, sliceName } from './shard.testing.ts';
import { createShard, type Shard } from './shard.ts';

/**
 * Two shards, the simulated broker, which numbers its ticks, the memory cluster and each sink. What the reader got is
 * compared with what the broker sent, number by number.
 */
const a = { shard: 'shard-0', uid: 'pod-0' };
const b = { shard: 'shard-1', uid: 'pod-1' };
const symbols = ['RELIANCE', 'INFY', 'TCS', 'HDFCBANK'];
const rate = 20;

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function until(what: string, holds: () => boolean | Promise<boolean>, limit = 30_000): Promise<void> {
  const before = performance.now();
  while (!(await holds())) {
    if (performance.now() - before > limit) throw new Error(`not within ${limit} ms: ${what}`);
    await delay(20);
  }
}

interface Row {
  readonly number: number;
  readonly overlap: boolean;
  readonly epoch: number;
}

class Lab {
  readonly cluster = new MemoryCluster({ clock: systemClock });
  readonly reader = new Reader();
  /** By symbol, in the order of delivery. */
  readonly rows = new Map<string, Row[]>();
  readonly simulator: Simulator;
  readonly address: SimulatorAddress;
  readonly sink: Sink;

  constructor(simulator: Simulator, address: SimulatorAddress, sink: Sink) {
    this.simulator = simulator;
    this.address = address;
    this.sink = sink;
  }

  static async open(sink: Sink, reader: SinkReader): Promise<Lab> {
    const simulator = createSimulator({ rate, numbered: true, heartbeat: 200, limits: { requests: false } });
    const address = await simulator.start();
    ends.push(() => simulator.stop());
    const lab = new Lab(simulator, address, sink);
    await lab.reader.follow(reader);
    await reader.subscribe(channel, ({ payload }) => lab.#take(String(payload)));
    const { uid: _, ...metadata } = secret({}).metadata;
    const login = { ...secret({ apiKey: 'demo-a', accessToken: 'demo-token-a' }), metadata };
    await lab.cluster.apply(secrets, login, { fieldManager: 'user', force: true });
    return lab;
  }

  #take(payload: string): void {
    const { header, columns } = parseBatch(payload);
    columns['symbol']?.forEach((symbol, i) => {
      const rows = this.rows.get(String(symbol)) ?? [];
      this.rows.set(String(symbol), rows);
      const number = Number(columns['volume']![i]);
      rows.push({ number, overlap: header.overlap === true, epoch: header.epoch });
    });
  }

  async put(options: SliceOptions): Promise<void> {
    const { url, websocketUrl } = this.address;
    const instruments = symbols.map((symbol) => ({
      token: this.simulator.instrument(`NSE:${symbol}`)!.token,
      symbol,
    }));
    const groups = [{ exchange: 'NSE', mode: 'quote' as const, sets: [0], instruments }];
    const endpoint = { rest: url, websocket: websocketUrl };
    const object = slice({ groups, ...options, provider: 'kite', endpoint });
    const { uid: _, ...metadata } = object.metadata;
    await this.cluster.apply(subscriptionSlices, { ...object, metadata }, { fieldManager: 'operator', force: true });
  }

  async start(identity: ShardIdentity): Promise<Shard> {
    const { cluster, sink } = this;
    const random = new SeededRandom(3);
    const [clock, log] = [systemClock, silentLogger];
    const fatal: unknown[] = [];
    const supervisor = new Supervisor({ clock, random, log, onFatal: (_, error) => void fatal.push(error) });
    const limits = { statusInterval: 50, lookup: 200, backoffScale: 0.05 };
    const shard = createShard({ identity, cluster, sink, providers, clock, log, random, supervisor, limits });
    ends.push(async () => {
      await shard.stop();
      await supervisor.stop();
      expect(fatal).toEqual([]);
    });
    await shard.start();
    return shard;
  }

  async status({ shard, uid }: ShardIdentity): Promise<SliceShardStatus | undefined> {
    const found = await this.cluster.get<SubscriptionSlice>(subscriptionSlices, sliceName);
    return found.status?.shards?.find((entry) => entry.shard === shard && entry.uid === uid);
  }

  async says(identity: ShardIdentity, phase: SliceShardStatus['phase']): Promise<void> {
    await until(`${identity.shard} says ${phase}`, async () => (await this.status(identity))?.phase === phase);
  }

  /** The broker has sent, and the reader got, a good number of ticks more. */
  async trade(ticks = 10): Promise<void> {
    const before = this.reader.ticks;
    await until('ticks flow', () => this.reader.ticks > before + ticks * symbols.length);
  }

  get live() {
    return this.simulator.connections.filter(({ closedAt }) => closedAt === undefined);
  }

  /** Numbers that the reader never got between its first and its last, by symbol; what came twice must say overlap. */
  missing(): number[] {
    return symbols.map((symbol) => {
      const rows = this.rows.get(`NSE:${symbol}`) ?? [];
      const seen = new Set<number>();
      let newest = 0;
      for (const row of rows) {
        // The first packet after a subscription is the broker's cached one: it has the number of its time.
        if (row.number <= newest && seen.size > 1) expect({ symbol, ...row }).toMatchObject({ overlap: true });
        seen.add(row.number);
        newest = Math.max(newest, row.number);
      }
      const numbers = [...seen].sort((x, y) => x - y).slice(1);
      return numbers.at(-1)! - numbers[0]! + 1 - numbers.length;
    });
  }
}

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const sinks: Record<string, () => Promise<Lab>> = {
  memory: () => {
    const memory = new MemorySink({ clock: systemClock });
    return Lab.open(memory, memory.reader());
  },
  redis: async () => {
    const options = { url: redis.url, clock: systemClock, random: new SeededRandom(5), log: silentLogger };
    const [sink, reader] = [new RedisSink(options), new RedisReader(options)];
    ends.push(() => Promise.all([sink.close(), reader.close()]));
    await sink.ping();
    const admin = new Redis(redis.url);
    await admin.flushall();
    admin.disconnect();
    return await Lab.open(sink, reader);
  },
};

describe.each(Object.keys(sinks))('moves of a ticking slice, sink %s', (name) => {
  async function streaming(): Promise<{ lab: Lab; first: Shard; second: Shard }> {
    const lab = await sinks[name]!();
    const first = await lab.start(a);
    const second = await lab.start(b);
    await lab.put({ owner: a });
    await lab.says(a, 'Streaming');
    await lab.trade();
    return { lab, first, second };
  }

  function expectWhole({ lab, first, second }: Awaited<ReturnType<typeof streaming>>): void {
    expect(lab.reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0, unproven: 0 });
    for (const { totals } of [first.snapshot(), second.snapshot()]) {
      expect(totals).toMatchObject({ lost: 0, held: 0, invalid: 0, unknown: 0 });
      expect(totals.published + totals.late + totals.spare).toBe(totals.batched);
    }
  }

  test('planned, there and back: nothing is missing, nothing comes twice unsaid', async () => {
    const world = await streaming();
    const { lab } = world;
    let epoch = 1;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      await lab.put({ owner: from, epoch, next: to });
      await lab.says(to, 'Warm');
      await lab.put({ owner: to, epoch: ++epoch });
      await lab.says(to, 'Streaming');
      await lab.trade();
    }
    await until('one connection is left', () => lab.live.length === 1);
    await world.first.drain();
    expect(lab.missing()).toEqual(symbols.map(() => 0));
    expect(lab.reader.batches.filter(({ gap }) => gap !== undefined)).toEqual([]);
    expectWhole(world);
    expect(world.second.snapshot().totals).toMatchObject({ movesWarm: 1, movesCold: 0 });
  }, 60_000);

  test('without a connection to spare: it closes first, and tells the gap', async () => {
    const world = await streaming();
    const { lab } = world;
    lab.simulator.faults.order({ fault: 'limits', connections: 1 });
    await lab.put({ owner: b, epoch: 2, handover: 'closeFirst' });
    await lab.says(b, 'Streaming');
    await lab.says(a, 'Refused');
    await lab.trade();
    await world.second.drain();
    expect(lab.simulator.connections).toHaveLength(2);
    const firstOfNew = lab.reader.batches.find(({ epoch }) => epoch === 2);
    expect(firstOfNew).toMatchObject({ gap: { why: 'newOwner' } });
    lab.missing();
    expectWhole(world);
    expect(world.first.snapshot().totals.late).toBe(0);
  }, 60_000);

  test('a successor that the broker refuses never warms up, and the owner streams on', async () => {
    const world = await streaming();
    const { lab } = world;
    lab.simulator.faults.order({ fault: 'limits', connections: 1 });
    await lab.put({ owner: a, next: b });
    await until('it says why', async () => (await lab.status(b))?.reason === 'PROVIDER_CONNECTION_LIMIT');
    expect((await lab.status(b))?.phase).toBe('Warming');
    await lab.trade();
    await lab.put({ owner: a });
    await until('it takes back what it said', async () => (await lab.status(b)) === undefined);
    await world.first.drain();
    expect(lab.missing()).toEqual(symbols.map(() => 0));
    expectWhole(world);
  }, 60_000);

  test('cancelled when it is warm: its connection is closed, and nothing was published', async () => {
    const world = await streaming();
    const { lab } = world;
    await lab.put({ owner: a, next: b });
    await lab.says(b, 'Warm');
    await lab.trade();
    await lab.put({ owner: a });
    await until('its connection is closed', () => lab.live.length === 1);
    await until('it forgets the slice', () => world.second.snapshot().slices.length === 0);
    await lab.trade();
    await world.first.drain();
    expect(lab.missing()).toEqual(symbols.map(() => 0));
    expect([...lab.rows.values()].flat().some(({ overlap }) => overlap)).toBe(false);
    expectWhole(world);
    expect(world.second.snapshot().totals).toMatchObject({ published: 0, late: 0 });
  }, 60_000);

  test('by a drain: the shard streams on until the successor has claimed', async () => {
    const world = await streaming();
    const { lab } = world;
    const draining = world.first.drain({ handover: 30_000 });
    await lab.says(a, 'Draining');
    await lab.put({ owner: a, next: b });
    await lab.says(b, 'Warm');
    await lab.put({ owner: b, epoch: 2 });
    expect((await draining).totals).toMatchObject({ held: 0, lost: 0 });
    await lab.trade();
    await world.second.drain();
    expect(lab.missing()).toEqual(symbols.map(() => 0));
    expectWhole(world);
  }, 60_000);
});
