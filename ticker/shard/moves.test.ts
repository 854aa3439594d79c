import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseBatch } from '../pipeline/format/read.ts';
import { connectionLimit } from '../providers/errors.ts';
import type { SliceOptions } from './shard.testing.ts';
import { channel, group, sliceUid, World } from './shard.testing.ts';

const a = { shard: 'shard-0', uid: 'pod-0' };
const b = { shard: 'shard-1', uid: 'pod-1' };
const step = 50;

/** Every row that was published live: what a reader of the channel gets. */
interface Row {
  readonly symbol: string;
  readonly price: number;
  readonly overlap: boolean;
}

let world: World;
let rows: Row[];
/** Prices that the broker sent since the slice streams, in order. */
let sent: number[];

beforeEach(async () => {
  world = new World();
  rows = [];
  sent = [];
  await world.reader.follow(world.memory.reader());
  await world.memory.reader().subscribe(channel, ({ payload }) => {
    const batch = parseBatch(String(payload));
    const prices = batch.columns['last_price'] ?? [];
    prices.forEach((price, i) => {
      const symbol = String(batch.columns['symbol']![i]);
      rows.push({ symbol, price: Number(price), overlap: batch.header.overlap === true });
    });
  });
  world.login();
});
afterEach(() => world.stop());

/** Time goes by, and the market moves on every connection; `behind` gives some the ticks that many steps later. */
async function trade(milliseconds: number, behind: (index: number) => number = () => 0): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += step) {
    await world.clock.advance(step);
    const price = 100 + world.broker.ticks++ / 100;
    sent.push(price);
    for (const connection of world.broker.live) {
      const send = (): void => connection.tick(undefined, () => price);
      const steps = behind(world.broker.connections.indexOf(connection));
      if (steps === 0) send();
      else world.clock.setTimer(steps * step - 1, send);
    }
  }
}

function put(options: SliceOptions): void {
  world.put({ groups: [group([1, 2, 3])], ...options });
}

/** Milliseconds until a shard says this of the slice, the market trading. */
async function until(shard: string, phase: string, limit = 10_000): Promise<void> {
  for (let passed = 0; passed < limit; passed += step) {
    if (world.status(shard)?.phase === phase) return;
    await trade(step);
  }
  throw new Error(`${shard} does not become ${phase}: ${JSON.stringify(world.status(shard))}`);
}

async function streaming(): Promise<void> {
  put({ owner: a });
  await until('shard-0', 'Streaming');
  await trade(500);
  sent = [];
}

/** Each tick arrived live; what came twice says overlap; no instrument goes back but in what says overlap. */
function expectSeamless(): void {
  for (const symbol of ['NSE:S1', 'NSE:S2', 'NSE:S3']) {
    const own = rows.filter((row) => row.symbol === symbol);
    const seen = new Set<number>();
    let newest = 0;
    for (const { price, overlap } of own) {
      if (seen.has(price) || price < newest) expect({ symbol, price, overlap }).toMatchObject({ overlap: true });
      seen.add(price);
      newest = Math.max(newest, price);
    }
    expect(sent.filter((price) => !seen.has(price))).toEqual([]);
  }
  expect(world.reader.batches.filter(({ gap }) => gap !== undefined)).toEqual([]);
  expect(world.reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0, unproven: 0 });
}

describe('a planned move', () => {
  test('misses nothing and repeats nothing unsaid', async () => {
    await world.start(a);
    const second = await world.start(b);
    await streaming();
    put({ owner: a, next: b });
    await until('shard-1', 'Warm');
    expect(world.broker.live).toHaveLength(2);
    expect(world.status('shard-1')).toMatchObject({ observedGeneration: 2, subscribed: 3 });
    expect(rows.some(({ overlap }) => overlap)).toBe(false);
    await trade(2_000);
    put({ owner: b, epoch: 2 });
    await until('shard-1', 'Streaming');
    await until('shard-0', 'Refused');
    await trade(2_000);
    expect(world.broker.live).toHaveLength(1);
    expect(world.reader.batches.at(-1)).toMatchObject({ shard: 'shard-1', epoch: 2 });
    await drained();
    expectSeamless();
    // The overlap is as long as two marks, the skew and an answer, not as long as it warmed up.
    expect(rows.filter(({ overlap }) => overlap).length / 3).toBeLessThan(1_000 / step);
    expect(second.snapshot().totals).toMatchObject({ lost: 0, late: 0, movesWarm: 1, movesCold: 0 });
  });

  test('is said step by step without waiting for the next status', async () => {
    await world.start(a);
    await world.start(b);
    await streaming();
    const times: number[] = [];
    const take = async (shard: string, phase: string): Promise<void> => {
      const began = world.clock.now();
      await until(shard, phase);
      times.push(world.clock.now() - began);
    };
    put({ owner: a, next: b });
    await take('shard-1', 'Warm');
    put({ owner: b, epoch: 2 });
    await take('shard-1', 'Streaming');
    await take('shard-0', 'Refused');
    const [warm = Number.NaN, named = Number.NaN, refused = Number.NaN] = times;
    // Its mark reaches back by the skew, and is echoed by a later call.
    expect(warm).toBeLessThan(900);
    expect(named).toBeLessThanOrEqual(2 * step);
    expect(refused).toBeLessThanOrEqual(4 * step);
  });

  test('is seamless whichever connection is behind the other', async () => {
    await world.start(a);
    await world.start(b);
    await streaming();
    put({ owner: a, next: b });
    await until('shard-1', 'Warm');
    for (const ahead of [0, 1]) {
      const epoch = 2 + ahead;
      const [from, to] = ahead === 0 ? [a, b] : [b, a];
      await trade(1_000, (index) => (index === ahead ? 0 : 3));
      put({ owner: to, epoch });
      await trade(2_000, (index) => (index === ahead ? 0 : 3));
      await drained();
      put({ owner: to, epoch, next: from });
      await until(from.shard, 'Warm');
    }
    await drained();
    expectSeamless();
  });

  test('is not warm before what is subscribed is confirmed, and says so of each generation', async () => {
    world.broker.loses = (token) => token === 3;
    await world.start(a);
    await world.start(b);
    put({ owner: a, groups: [group([1, 2])] });
    await until('shard-0', 'Streaming');
    put({ owner: a, next: b, groups: [group([1, 2])] });
    await until('shard-1', 'Warm');
    put({ owner: a, next: b, groups: [group([1, 2, 3])] });
    await trade(1_500);
    expect(world.status('shard-1')).toMatchObject({ phase: 'Warming', observedGeneration: 3, reason: 'Marking' });
    expect(world.status('shard-0')).toMatchObject({ phase: 'Streaming', observedGeneration: 3 });
    expect(world.status('shard-0')?.streaming).toBeUndefined();
    // A bounded wait stands for the tick that does not come.
    await trade(4_000);
    expect(world.status('shard-1')).toMatchObject({ phase: 'Warm', observedGeneration: 3 });
    expect(world.status('shard-0')).toMatchObject({ streaming: 3 });
  });

  test('a successor that loses its connection is not warm until it holds everything again', async () => {
    await world.start(a);
    await world.start(b);
    await streaming();
    put({ owner: a, next: b });
    await until('shard-1', 'Warm');
    world.broker.refuse = () => connectionLimit('429');
    world.broker.live[1]!.fail();
    await trade(2_000);
    expect(world.status('shard-1')).toMatchObject({ phase: 'Warming', reason: 'PROVIDER_CONNECTION_LIMIT' });
    world.broker.refuse = undefined;
    await until('shard-1', 'Warm', 30_000);
    put({ owner: b, epoch: 2 });
    await trade(3_000);
    await drained();
    expectSeamless();
  });

  test('that is cancelled closes the connection and leaves nothing behind', async () => {
    const first = await world.start(a);
    const second = await world.start(b);
    await streaming();
    put({ owner: a, next: b });
    await until('shard-1', 'Warm');
    put({ owner: a });
    await trade(2_000);
    expect(world.broker.live).toHaveLength(1);
    const { slices, totals } = second.snapshot();
    expect(slices).toEqual([]);
    expect(totals).toMatchObject({ published: 0, late: 0, held: 0, lost: 0, spare: totals.received });
    expect(totals.received).toBeGreaterThan(0);
    expect(world.cluster.statusWrites.map(({ status }) => status)).toContainEqual({ shards: [] });
    await drained();
    expectSeamless();
    expect(first.snapshot().totals.published).toBe(first.snapshot().totals.received);
    expect(rows.some(({ overlap }) => overlap)).toBe(false);
  });

  test('the owner dies: a warm successor goes on without a gap', async () => {
    const first = await world.start(a);
    await world.start(b);
    await streaming();
    put({ owner: a, next: b });
    await until('shard-1', 'Warm');
    await trade(1_000);
    await dies(first);
    await trade(3_000);
    put({ owner: b, epoch: 2 });
    await trade(2_000);
    await drained();
    expectSeamless();
  });

  test('a successor that is named before it is warm tells the gap', async () => {
    const first = await world.start(a);
    await world.start(b);
    await streaming();
    await dies(first);
    await trade(1_000);
    put({ owner: a, next: b });
    await trade(2_000);
    expect(world.status('shard-1')).toMatchObject({ phase: 'Warming', reason: 'Marking' });
    put({ owner: b, epoch: 2 });
    await trade(2_000);
    const [firstOfNew] = world.reader.batches.filter(({ epoch }) => epoch === 2);
    expect(firstOfNew).toMatchObject({ gap: { why: 'newOwner' }, overlap: true });
    expect(world.reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0, unproven: 0 });
  });

  test('there and back again, before the first owner knows', async () => {
    const first = await world.start(a);
    await world.start(b);
    await streaming();
    put({ owner: a, next: b });
    await until('shard-1', 'Warm');
    put({ owner: b, epoch: 2 });
    await world.clock.advance(2);
    put({ owner: b, epoch: 2, next: a });
    await until('shard-0', 'Warm');
    expect(world.broker.connections).toHaveLength(2);
    await trade(1_000);
    put({ owner: a, epoch: 3 });
    await until('shard-1', 'Refused');
    await trade(2_000);
    expect(world.broker.live).toHaveLength(1);
    await drained();
    expectSeamless();
    const { totals } = first.snapshot();
    expect(totals.published + totals.late + totals.spare).toBe(totals.batched);
  });

  test('to a shard that still ends its former service of the slice: it warms up once that has ended', async () => {
    await world.start(a);
    await world.start(b);
    await streaming();
    put({ owner: a, next: b });
    await until('shard-1', 'Warm');
    // What it asked when the slice left its watch is answered when it is named already.
    const answer = Promise.withResolvers<void>();
    world.cluster.lookups = answer.promise;
    put({ owner: b, epoch: 2 });
    await until('shard-0', 'Refused');
    await trade(1_000);
    put({ owner: b, epoch: 2, next: a });
    await trade(1_000);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Refused' });
    answer.resolve();
    await until('shard-0', 'Warm');
    expect(world.broker.live).toHaveLength(2);
    put({ owner: a, epoch: 3 });
    await until('shard-1', 'Refused');
    await trade(1_000);
    await drained();
    expectSeamless();
  });

  test('by a shard that drains: it streams on until it is refused', async () => {
    const first = await world.start(a);
    await world.start(b);
    await streaming();
    const draining = first.drain({ handover: 20_000 });
    await until('shard-0', 'Draining');
    put({ owner: a, next: b });
    await until('shard-1', 'Warm');
    expect(world.status('shard-0')).toMatchObject({ phase: 'Draining', observedGeneration: 2 });
    put({ owner: b, epoch: 2 });
    await until('shard-1', 'Streaming');
    await trade(1_500);
    const snapshot = await draining;
    expect(snapshot.totals).toMatchObject({ held: 0, lost: 0 });
    await drained();
    expectSeamless();
  });

  test('a shard that drains warms nothing up', async () => {
    await world.start(a);
    const second = await world.start(b);
    await streaming();
    put({ owner: a, next: b });
    await until('shard-1', 'Warm');
    const draining = second.drain({ handover: 20_000 });
    await trade(500);
    await draining;
    await trade(1_000);
    expect(world.broker.live).toHaveLength(1);
    expect(world.status('shard-1')).toMatchObject({ phase: 'Draining' });
  });
});

describe('a move that closes first', () => {
  test('the owner closes its connection at once, the successor gets in soon, the gap is told', async () => {
    world.broker.limits = { ...world.broker.limits, connections: 1 };
    const limit = (): void => {
      world.broker.refuse = world.broker.live.length >= 1 ? () => connectionLimit('429') : undefined;
    };
    const first = await world.start(a);
    await world.start(b);
    await streaming();
    limit();
    put({ owner: b, epoch: 2, handover: 'closeFirst' });
    await world.clock.advance(step);
    expect(world.broker.live).toHaveLength(0);
    await trade(200);
    limit();
    await trade(3_000);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Refused' });
    expect(world.status('shard-1')).toMatchObject({ phase: 'Streaming', token: { epoch: 2, claim: 1 } });
    expect(world.reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0, unproven: 0 });
    const [firstOfNew] = world.reader.batches.filter(({ epoch }) => epoch === 2);
    expect(firstOfNew).toMatchObject({ gap: { why: 'newOwner' } });
    expect(first.snapshot().totals).toMatchObject({ held: 0, lost: 0, late: 0 });
  });

  test('a successor that is not let in gives way when the slice is given back', async () => {
    await world.start(a);
    await world.start(b);
    await streaming();
    world.broker.refuse = () => connectionLimit('429');
    put({ owner: b, epoch: 2, handover: 'closeFirst' });
    await trade(2_000);
    expect(world.status('shard-1')).toMatchObject({ phase: 'Connecting', reason: 'PROVIDER_CONNECTION_LIMIT' });
    expect(world.broker.connectAttempts).toBeGreaterThan(3);
    put({ owner: a, epoch: 3, handover: 'closeFirst' });
    world.broker.refuse = undefined;
    await trade(5_000);
    expect(world.status('shard-0')).toMatchObject({ phase: 'Streaming', token: { epoch: 3, claim: 1 } });
    expect(world.broker.live).toHaveLength(1);
    expect(world.reader.batches.find(({ epoch }) => epoch === 3)).toMatchObject({ gap: { why: 'reconnect' } });
    expect(world.reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0, unproven: 0 });
  });
});

test('a slice that cannot be served once its former service has ended is a task that fails, and is served when it can be', async () => {
  await world.start(a);
  await streaming();
  const answer = Promise.withResolvers<void>();
  world.cluster.lookups = answer.promise;
  put({ owner: b });
  await world.memory.claim({ sliceUid, epoch: 2, above: 0, setUids: ['set-watch'] });
  await until('shard-0', 'Refused');
  await trade(1_000);
  const sessions = { timezone: 'Nowhere/Land', hours: [{ days: ['Mon' as const], open: '09:00', close: '15:30' }] };
  put({ owner: b, epoch: 2, next: a, sessions });
  await trade(500);
  expect(world.failures).toEqual([]);
  answer.resolve();
  await trade(500);
  expect(world.failures).toEqual([`slice default/acct-0 ${sliceUid}: end 1`]);
  expect(world.broker.live).toHaveLength(0);
  put({ owner: b, epoch: 2, next: a });
  await until('shard-0', 'Warming');
  expect(world.broker.live).toHaveLength(1);
});

test('an instrument that joins is marked until it has left the other slice', async () => {
  await world.start(a);
  put({ owner: a, joining: [2] });
  await until('shard-0', 'Streaming');
  await trade(1_000);
  expect(world.status('shard-0')).toMatchObject({ streaming: 1 });
  expect(rows.every(({ overlap }) => overlap)).toBe(true);
  put({ owner: a });
  await trade(500);
  rows = [];
  await trade(500);
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.some(({ overlap }) => overlap)).toBe(false);
});

/** The process is gone; the broker notices. */
async function dies(shard: Awaited<ReturnType<World['start']>>): Promise<void> {
  const stopping = shard.stop();
  await world.clock.advance(step);
  await stopping;
}

/** Whatever is on its way arrives. */
async function drained(): Promise<void> {
  await world.clock.advance(2_000);
}
