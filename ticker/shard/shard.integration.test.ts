import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { MemoryCluster } from '../../cluster/memory/index.ts';
import { secrets, subscriptionSlices } from '../../cluster/resources.ts';
import type { InstrumentGroup, ShardIdentity, SliceShardStatus, SubscriptionSlice } from '../../crds/index.ts';
import { systemClock } from '../../runtime/clock.ts';
import { freePort } from '../../runtime/free-ports.testing.ts';
import { silentLogger } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { Supervisor } from '../../runtime/supervisor.ts';
import { createSimulator, type Simulator, type SimulatorAddress } from '../providers/kite/simulator/simulator.ts';
import { providers } from '../providers/registry.ts';
import { MemorySink } from '../sinks/memory/memory-sink.ts';
import type { SinkReader } from '../sinks/reader.ts';
import { RedisReader } from '../sinks/redis/redis-reader.ts';
import { startRedis } from '../sinks/redis/redis-server.testing.ts';
import { RedisSink } from '../sinks/redis/redis-sink.ts';
import type { Sink } from '../sinks/sink.ts';
import type { ShardLimits } from './limits.ts';
import { Reader, type SliceOptions, secret, slice, sliceName } from './shard.testing.ts';
import { createShard, type Shard } from './shard.ts';

/** The real parts together: kite provider, simulated broker, memory cluster, sinks. Waits are short, not skipped. */
const quick: Partial<ShardLimits> = {
  firstPacket: 400,
  silentAtLeast: 400,
  silentIntervals: 8,
  stalledAtLeast: 600,
  probeAnswer: 400,
  sweep: 50,
  statusInterval: 50,
  lookup: 200,
  backoffScale: 0.05,
};
const me = { shard: 'shard-0', uid: 'pod-0' };
const other = { shard: 'shard-1', uid: 'pod-1' };
const symbols = ['RELIANCE', 'INFY', 'TCS', 'HDFCBANK', 'ITC', 'SBIN'];

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function until(what: string, holds: () => boolean | Promise<boolean>, limit = 8_000): Promise<void> {
  const before = performance.now();
  while (!(await holds())) {
    if (performance.now() - before > limit) throw new Error(`not within ${limit} ms: ${what}`);
    await delay(20);
  }
}

class Lab {
  readonly cluster = new MemoryCluster({ clock: systemClock });
  readonly reader = new Reader();
  readonly simulator: Simulator;
  readonly address: SimulatorAddress;
  readonly sink: Sink;

  constructor(simulator: Simulator, address: SimulatorAddress, sink: Sink) {
    this.simulator = simulator;
    this.address = address;
    this.sink = sink;
  }

  static async open(sink?: Sink, reader?: SinkReader): Promise<Lab> {
    const simulator = createSimulator({ rate: 20, heartbeat: 200, limits: { requests: false } });
    const address = await simulator.start();
    ends.push(() => simulator.stop());
    const memory = new MemorySink({ clock: systemClock });
    const lab = new Lab(simulator, address, sink ?? memory);
    if (sink === undefined || reader !== undefined) await lab.reader.follow(reader ?? memory.reader());
    return lab;
  }

  /** Instruments of the simulated broker by symbol. */
  group(names: readonly string[], mode: InstrumentGroup['mode'] = 'quote'): InstrumentGroup {
    const instruments = names.map((symbol) => ({ token: this.simulator.instrument(`NSE:${symbol}`)!.token, symbol }));
    return { exchange: 'NSE', mode, sets: [0], instruments };
  }

  async put(options: SliceOptions): Promise<void> {
    const { url, websocketUrl } = this.address;
    const endpoint = { rest: url, websocket: websocketUrl };
    const object = slice({ groups: [this.group(symbols)], ...options, provider: 'kite', endpoint });
    const { uid: _, ...metadata } = object.metadata;
    await this.cluster.apply(subscriptionSlices, { ...object, metadata }, { fieldManager: 'operator', force: true });
  }

  async login(accessToken = 'demo-token-a'): Promise<void> {
    const { uid: _, ...metadata } = secret({}).metadata;
    const object = { ...secret({ apiKey: 'demo-a', accessToken }), metadata };
    await this.cluster.apply(secrets, object, { fieldManager: 'user', force: true });
  }

  async start(identity: ShardIdentity, limits: Partial<ShardLimits> = {}): Promise<Shard> {
    const { cluster, sink } = this;
    const random = new SeededRandom(3);
    const fatal: unknown[] = [];
    const clock = systemClock;
    const log = silentLogger;
    const supervisor = new Supervisor({ clock, random, log, onFatal: (_, error) => void fatal.push(error) });
    const all = { ...quick, ...limits };
    const shard = createShard({ identity, cluster, sink, providers, clock, log, random, supervisor, limits: all });
    ends.push(async () => {
      await shard.stop();
      await supervisor.stop();
      expect(fatal).toEqual([]);
    });
    await shard.start();
    return shard;
  }

  async status(shard = 'shard-0'): Promise<SliceShardStatus | undefined> {
    const found = await this.cluster.get<SubscriptionSlice>(subscriptionSlices, sliceName);
    return found.status?.shards?.find((entry) => entry.shard === shard);
  }

  async streaming(shard = 'shard-0', ticking = symbols.length): Promise<void> {
    await until(`${shard} streams`, async () => {
      const status = await this.status(shard);
      return status?.phase === 'Streaming' && (status.ticking ?? 0) >= ticking;
    });
  }

  get live() {
    return this.simulator.connections.filter(({ closedAt }) => closedAt === undefined);
  }
}

function expectWhole(reader: Reader, shard: Shard): void {
  const { totals } = shard.snapshot();
  expect(reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0, unproven: 0 });
  expect(totals).toMatchObject({ lost: 0, held: 0, invalid: 0 });
  expect(totals.received).toBeGreaterThan(0);
  expect(totals.published).toBe(totals.received);
  expect(reader.ticks).toBe(totals.received);
}

describe('against the simulated broker', () => {
  test('one added instrument is one subscribe message on the wire; the others tick on, on the same connection', async () => {
    const lab = await Lab.open();
    await lab.login();
    await lab.put({ owner: me, groups: [lab.group(symbols.slice(0, 5))] });
    const shard = await lab.start(me);
    await lab.streaming('shard-0', 5);
    const [connection] = lab.live;
    const before = connection!.received.length;
    const others = lab.group(symbols.slice(0, 5)).instruments.map(({ token }) => token);
    await lab.put({ owner: me });
    await lab.streaming();
    const after = others.map((token) => lab.simulator.ticksSent(token));
    await delay(300);
    const added = lab.group(['SBIN']).instruments[0]!.token;
    const messages = connection!.received.slice(before);
    expect(messages.filter(({ action }) => action === 'subscribe').map(({ tokens }) => tokens)).toEqual([[added]]);
    expect(messages.filter(({ action }) => action === 'unsubscribe')).toEqual([]);
    for (const { tokens } of messages) expect(tokens).toEqual([added]);
    expect(lab.simulator.connections).toHaveLength(1);
    others.forEach((token, i) => {
      expect(lab.simulator.ticksSent(token)).toBeGreaterThan(after[i]!);
    });
    await shard.drain();
    expectWhole(lab.reader, shard);
  });

  test('after a cut connection everything is subscribed again, ticks resume, the gap is told', async () => {
    const lab = await Lab.open();
    await lab.login();
    await lab.put({ owner: me });
    const shard = await lab.start(me);
    await lab.streaming();
    lab.simulator.faults.order({ fault: 'disconnect' });
    await until(
      'a second connection',
      () => lab.simulator.connections.length === 2 && (lab.live[0]?.counters.ticks ?? 0) > 20,
    );
    const asked = lab.live[0]!.received.filter(({ action }) => action === 'subscribe').flatMap(({ tokens }) => tokens);
    expect(asked.sort()).toEqual(
      lab
        .group(symbols)
        .instruments.map(({ token }) => token)
        .sort(),
    );
    await until('the gap is told', () => lab.reader.batches.some(({ gap }) => gap?.why === 'reconnect'));
    await shard.drain();
    expectWhole(lab.reader, shard);
  });

  test('half of the subscriptions lost in silence are restored', async () => {
    const lab = await Lab.open();
    await lab.login();
    await lab.put({ owner: me });
    await lab.start(me);
    await lab.streaming();
    await delay(600);
    const tokens = lab.group(symbols).instruments.map(({ token }) => token);
    expect(lab.simulator.faults.order({ fault: 'loseSubscriptions', share: 0.5 }).touched).toBeGreaterThan(0);
    const at = tokens.map((token) => lab.simulator.ticksSent(token));
    await until('every instrument ticks again', () =>
      tokens.every((token, i) => lab.simulator.ticksSent(token) > at[i]! + 5),
    );
    expect(lab.simulator.connections).toHaveLength(1);
  });

  test('subscriptions lost in the act of subscribing are asked for again', async () => {
    const lab = await Lab.open();
    lab.simulator.faults.order({ fault: 'dropSubscribed', share: 0.5, times: 1 });
    await lab.login();
    await lab.put({ owner: me });
    await lab.start(me);
    await lab.streaming();
  });

  test('a connection that is open and dead (heartbeats, no ticks) is opened again', async () => {
    const lab = await Lab.open();
    await lab.login();
    await lab.put({ owner: me });
    await lab.start(me);
    await lab.streaming();
    await delay(600);
    const [first] = lab.live;
    lab.simulator.faults.order({ fault: 'stall', kind: 'ticks', connection: first!.id });
    await until(
      'another connection',
      () => lab.simulator.connections.length >= 2 && (lab.live[0]?.counters.ticks ?? 0) > 10,
    );
    expect(first!.closedAt).toBeDefined();
    await lab.streaming();
  });

  test('an expired token: bounded attempts, a status that says what to do, and streaming when the Secret changes', async () => {
    const lab = await Lab.open();
    await lab.login('long-expired');
    await lab.put({ owner: me });
    await lab.start(me);
    await until('it gives up', async () => (await lab.status())?.phase === 'Failed');
    await delay(500);
    expect(lab.simulator.connections).toHaveLength(0);
    expect(lab.simulator.refusedUpgrades.get(403) ?? 0).toBeLessThanOrEqual(3);
    const status = (await lab.status())!;
    expect(status).toMatchObject({ reason: 'PROVIDER_CREDENTIALS_REFUSED', account: { credentials: 'Refused' } });
    expect(status.message).toMatch(/Secret/);
    expect(JSON.stringify(status)).not.toContain('long-expired');
    await lab.login();
    await lab.streaming();
  });

  test('403 on the upgrade, login still good: at most three attempts', async () => {
    const lab = await Lab.open();
    lab.simulator.faults.order({ fault: 'refuseUpgrade', status: 403 });
    await lab.login();
    await lab.put({ owner: me });
    await lab.start(me);
    await until('it gives up', async () => (await lab.status())?.phase === 'Failed');
    await delay(500);
    expect(lab.simulator.refusedUpgrades.get(403)).toBe(3);
  });

  test('a broker that is full (429) is tried again with patience, and then streams', async () => {
    const lab = await Lab.open();
    lab.simulator.faults.order({ fault: 'limits', connections: 0 });
    await lab.login();
    await lab.put({ owner: me });
    await lab.start(me);
    await until('the reason is said', async () => (await lab.status())?.reason === 'PROVIDER_CONNECTION_LIMIT');
    expect((await lab.status())?.phase).toBe('Connecting');
    lab.simulator.faults.order({ fault: 'limits', connections: 3 });
    await lab.streaming();
  });

  test('damaged frames are counted, and the stream goes on', async () => {
    const lab = await Lab.open();
    await lab.login();
    await lab.put({ owner: me });
    const shard = await lab.start(me);
    await lab.streaming();
    lab.simulator.faults.order({ fault: 'corruptFrame', kind: 'truncatedFrame', times: 3 });
    await until('they are counted', () => shard.snapshot().totals.malformedFrames >= 3);
    const before = lab.reader.ticks;
    await until('ticks go on', () => lab.reader.ticks > before + 20);
    expect(lab.simulator.connections).toHaveLength(1);
  });

  test('two shards: the newer claim wins, the older stops and disconnects, no reader sees a tick twice', async () => {
    const lab = await Lab.open();
    await lab.login();
    await lab.put({ owner: me });
    const first = await lab.start(me);
    const second = await lab.start(other);
    await lab.streaming();
    await lab.put({ owner: other, epoch: 2 });
    await lab.streaming('shard-1');
    await until('the older is refused', async () => (await lab.status())?.phase === 'Refused');
    expect(await lab.status()).toMatchObject({ beatenBy: { epoch: 2, claim: 1 } });
    await until('one connection is left', () => lab.live.length === 1);
    await delay(300);
    await second.drain();
    expect(lab.reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0, unproven: 0 });
    const old = first.snapshot().totals;
    const now = second.snapshot().totals;
    expect(old.published + old.late).toBe(old.received);
    expect(now).toMatchObject({ lost: 0, held: 0, published: now.received });
    expect(lab.reader.ticks).toBe(old.published + now.published);
  });

  test('the cached first tick is delivered, and not counted as a live one', async () => {
    const simulator = createSimulator({
      rate: 0.0001,
      heartbeat: 200,
      cachedTickAge: 3_600_000,
      limits: { requests: false },
    });
    const address = await simulator.start();
    ends.push(() => simulator.stop());
    const memory = new MemorySink({ clock: systemClock });
    const lab = new Lab(simulator, address, memory);
    await lab.reader.follow(memory.reader());
    await lab.login();
    await lab.put({ owner: me, groups: [lab.group(symbols, 'full')] });
    await lab.start(me);
    await until('the cached ticks arrive', () => lab.reader.ticks >= symbols.length);
    await until('the status says so', async () => (await lab.status())?.subscribed === symbols.length);
    expect((await lab.status())?.ticking).toBe(0);
  });

  test('a deleted slice is ended at the sink and let go', async () => {
    const lab = await Lab.open();
    await lab.login();
    await lab.put({ owner: me });
    const shard = await lab.start(me);
    await lab.streaming();
    await lab.cluster.delete(subscriptionSlices, sliceName);
    await until('the object is gone', async () => {
      const { items } = await lab.cluster.list(subscriptionSlices);
      return items.length === 0;
    });
    await until('the connection is closed', () => lab.live.length === 0);
    expect(lab.reader.headers.at(-1)).toMatchObject({ end: true });
    expectWhole(lab.reader, shard);
  });

  test('a drain under load loses nothing', async () => {
    const lab = await Lab.open();
    await lab.login();
    await lab.put({ owner: me, groups: [lab.group(symbols, 'full')] });
    const shard = await lab.start(me);
    await lab.streaming();
    await delay(500);
    const { totals } = await shard.drain();
    expect(totals).toMatchObject({ lost: 0, held: 0 });
    expectWhole(lab.reader, shard);
  });
});

describe('with a real Redis', () => {
  const redisSink = (url: string): RedisSink => {
    const sink = new RedisSink({ url, clock: systemClock, random: new SeededRandom(5), log: silentLogger });
    ends.push(() => sink.close());
    return sink;
  };
  const redisReader = (url: string): RedisReader => {
    const reader = new RedisReader({ url, clock: systemClock, random: new SeededRandom(5), log: silentLogger });
    ends.push(() => reader.close());
    return reader;
  };
  /** Every batch of the slice's stream, in order. */
  const streamed = async (reader: RedisReader, uid: string): Promise<Reader> => {
    const seen = new Reader();
    for (const { payload } of await reader.range(uid, 'set-watch', '0', 10_000)) seen.take(String(payload));
    return seen;
  };
  const uidOf = async (lab: Lab): Promise<string> =>
    (await lab.cluster.get<SubscriptionSlice>(subscriptionSlices, sliceName)).metadata.uid!;

  test('absent at the start: ticks are kept, and all are there in order once it is', async () => {
    const port = await freePort();
    const url = `redis://127.0.0.1:${port}`;
    const lab = await Lab.open(redisSink(url));
    await lab.login();
    await lab.put({ owner: me });
    const shard = await lab.start(me);
    await until('it says what is missing', async () => (await lab.status())?.reason === 'SINK_UNAVAILABLE');
    await delay(700);
    expect(shard.snapshot().totals.held).toBeGreaterThan(0);
    const redis = await startRedis([], port);
    onTestFinished(() => redis.stop());
    await lab.streaming();
    await delay(300);
    await shard.drain();
    const seen = await streamed(redisReader(url), await uidOf(lab));
    expectWhole(seen, shard);
  });

  test('restarted in mid-flow with its data: nothing is lost, nothing comes twice, `seq` is whole', async () => {
    const redis = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
    onTestFinished(() => redis.stop());
    const lab = await Lab.open(redisSink(redis.url));
    await lab.login();
    await lab.put({ owner: me });
    const shard = await lab.start(me);
    await lab.streaming();
    await redis.kill();
    await delay(700);
    await redis.restart();
    await until('it is delivered', () => shard.snapshot().totals.held === 0, 10_000);
    await delay(300);
    await shard.drain();
    const seen = await streamed(redisReader(redis.url), await uidOf(lab));
    expectWhole(seen, shard);
  });

  test('restarted empty: the shard claims again, names its last batch, and says what Redis lost', async () => {
    const redis = await startRedis(['--save', '']);
    onTestFinished(() => redis.stop());
    const lab = await Lab.open(redisSink(redis.url));
    await lab.login();
    await lab.put({ owner: me });
    const shard = await lab.start(me);
    await lab.streaming();
    await until('Redis has something to lose', () => shard.snapshot().totals.published > 50);
    await redis.restart();
    await until('it has claimed again', async () => ((await lab.status())?.token?.claim ?? 0) >= 2);
    await until('it is delivered', () => shard.snapshot().totals.held === 0, 10_000);
    await shard.drain();
    const { totals } = shard.snapshot();
    const seen = await streamed(redisReader(redis.url), await uidOf(lab));
    const [first] = seen.batches;
    expect(first).toMatchObject({ epoch: 1, claim: 2, seq: 1, prev: { epoch: 1, claim: 1 }, gap: { why: 'redis' } });
    expect(first!.gap!.ticks).toBe(totals.lostBySink);
    expect(seen.ticks + totals.lostBySink).toBe(totals.received);
    expect(totals).toMatchObject({ lost: 0, held: 0 });
  });

  test('frozen for a while: replies are lost, nothing comes twice', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const lab = await Lab.open(redisSink(redis.url));
    await lab.login();
    await lab.put({ owner: me });
    const shard = await lab.start(me);
    await lab.streaming();
    redis.pause();
    await delay(1_500);
    redis.resume();
    await until('it is delivered', () => shard.snapshot().totals.held === 0, 10_000);
    await delay(300);
    await shard.drain();
    const seen = await streamed(redisReader(redis.url), await uidOf(lab));
    expectWhole(seen, shard);
  });
});
