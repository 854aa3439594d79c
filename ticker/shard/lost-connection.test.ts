import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseBatch } from '../pipeline/format/read.ts';
import { connectionLimit } from '../providers/errors.ts';
import type { BrokerConnection } from './fake-broker.testing.ts';
import { channel, World } from './shard.testing.ts';

const a = { shard: 'shard-0', uid: 'pod-0' };
const b = { shard: 'shard-1', uid: 'pod-1' };
const step = 250;

let world: World;
/** What the market did: a price like no other, and when, in microseconds. */
let market: { readonly price: number; readonly at: number }[];
let seen: Set<number>;

beforeEach(async () => {
  world = new World();
  market = [];
  seen = new Set();
  await world.reader.follow(world.memory.reader());
  await world.memory.reader().subscribe(channel, ({ payload }) => {
    for (const price of parseBatch(String(payload)).columns['last_price'] ?? []) seen.add(Number(price));
  });
  world.login();
});
afterEach(() => world.stop());

/** The market moves, seen by these connections alone. */
async function trade(milliseconds: number, heard = (connection: BrokerConnection) => connection.open): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += step) {
    await world.clock.advance(step);
    const price = world.broker.market(world.broker.connections.filter(heard));
    market.push({ price, at: world.clock.now() * 1000 });
  }
}

/** The process is stopped; the market goes on. */
function stopped(milliseconds: number): void {
  for (let passed = 0; passed < milliseconds; passed += step) {
    world.clock.jump(step);
    market.push({ price: world.broker.market([]), at: world.clock.now() * 1000 });
  }
}

const nobody = (): boolean => false;
const now = (): number => world.clock.now() * 1000;
const gaps = () => world.reader.batches.flatMap(({ gap }) => gap ?? []);

/** Every tick that no reader saw lies in a gap that readers were told of. */
async function expectAllTold(): Promise<void> {
  await world.clock.advance(2_000);
  const told = gaps();
  const missed = market.filter(({ price }) => !seen.has(price));
  expect(missed.length).toBeGreaterThan(0);
  expect(missed.filter(({ at }) => !told.some(({ from, to }) => from <= at && at <= to))).toEqual([]);
  expect(world.reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0 });
}

async function streaming(): Promise<void> {
  world.put({ owner: a });
  await world.start(a);
  await world.run(2_000);
  expect(world.status('shard-0')).toMatchObject({ phase: 'Streaming' });
  await trade(5_000);
}

test('a connection that died in silence: the gap begins with its last tick, not when that is seen', async () => {
  await streaming();
  const last = now();
  await trade(6_000, nobody);
  world.broker.live[0]!.fail();
  await trade(5_000);
  expect(gaps()).toMatchObject([{ from: last, why: 'reconnect' }]);
  await expectAllTold();
});

test('a stream that stalled, and was closed for it', async () => {
  await streaming();
  const last = now();
  world.broker.mute = true;
  await trade(20_000);
  expect(world.broker.connections.length).toBeGreaterThan(1);
  world.broker.mute = false;
  await trade(40_000);
  expect(gaps()).toMatchObject([{ from: last, why: 'reconnect' }]);
  await expectAllTold();
});

test('a process that was stopped, and whose connection is gone when it goes on', async () => {
  await streaming();
  const last = now();
  stopped(20_000);
  world.broker.live[0]!.fail();
  await trade(5_000);
  expect(gaps()).toMatchObject([{ from: last, why: 'reconnect' }]);
  await expectAllTold();
});

test('a process that was stopped, and finds ticks that waited for it before the end of its connection', async () => {
  await streaming();
  const last = now();
  const [connection] = world.broker.live;
  stopped(20_000);
  const waited = world.broker.market([connection!]);
  await world.clock.advance(1);
  connection!.fail();
  await trade(5_000);
  expect(seen.has(waited)).toBe(true);
  expect(gaps()).toMatchObject([{ from: last, why: 'reconnect' }]);
  await expectAllTold();
});

test('a process that was stopped, and whose connection lives on, tells no gap later than that', async () => {
  await streaming();
  stopped(20_000);
  await trade(10_000);
  expect(gaps()).toEqual([]);
  const last = now();
  world.broker.live[0]!.fail();
  await trade(5_000);
  expect(gaps()).toMatchObject([{ from: last, why: 'reconnect' }]);
});

test('a warm successor that is named before it sees that its connection is dead', async () => {
  await streaming();
  await world.start(b);
  world.put({ owner: a, next: b });
  await trade(3_000);
  expect(world.status('shard-1')).toMatchObject({ phase: 'Warm' });
  const [first, second] = world.broker.live;
  const last = now();
  await trade(2_000, (connection) => connection === first);
  first!.fail();
  world.broker.refuse = () => connectionLimit('429');
  world.put({ owner: b, epoch: 2 });
  await trade(2_000, nobody);
  second!.fail();
  world.broker.refuse = undefined;
  await trade(5_000);
  expect(world.reader.batches.at(-1)).toMatchObject({ shard: 'shard-1', epoch: 2 });
  expect(gaps()).toMatchObject([{ from: last, why: 'reconnect' }]);
  await expectAllTold();
});
