import { afterEach, beforeEach, expect, test } from 'vitest';
import { Reader, World } from './shard.testing.ts';

const me = { shard: 'shard-0', uid: 'pod-0' };
const other = { shard: 'shard-1', uid: 'pod-1' };
const minute = 60_000;
const bars = { intervals: ['1m' as const, '3m' as const], timezone: 'Asia/Kolkata' };
const day = { timezone: 'Asia/Kolkata', hours: [{ days: ['Mon' as const], open: '09:30', close: '09:37' }] };
let world: World;
let reader: Reader;
let payloads: Record<string, unknown[]>[];

/** The clock starts at 09:30 on a Monday in Kolkata. */
beforeEach(async () => {
  world = new World();
  await world.reader.follow(world.memory.reader());
  reader = new Reader();
  payloads = [];
  await world.memory.reader().subscribe('ticks:default:watch:bars', ({ payload }) => {
    reader.take(String(payload));
    const { columns } = JSON.parse(String(payload)) as { columns: Record<string, unknown[]> };
    if (Object.keys(columns).length > 0) payloads.push(columns);
  });
  world.login();
});
afterEach(() => world.stop());

test('bars have a channel, a sequence, heartbeats and latest values of their own', async () => {
  await world.clock.advance(1000);
  world.put({ owner: me, bars });
  const shard = await world.start(me);
  await world.run(3 * minute + 5_000, 500);
  expect(reader.headers[0]).toMatchObject({ set: 'default/watch', kind: 'bars', count: 0, seq: 0 });
  expect(reader.headers.filter(({ count }) => count === 0).length).toBeGreaterThan(100);
  expect(reader.batches.map(({ seq, count }) => [seq, count])).toEqual([
    [1, 3],
    [2, 3],
    [3, 6],
  ]);
  expect(reader.batches[0]).toMatchObject({ prev: null, epoch: 1, claim: 1 });
  expect(reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0 });
  expect(payloads[1]).toMatchObject({
    symbol: ['NSE:S1', 'NSE:S2', 'NSE:S3'],
    interval: ['1m', '1m', '1m'],
    start: [1, 1, 1].map(() => Date.parse('2026-01-05T09:31:00+05:30') * 1000),
    ticks: [120, 120, 120],
  });
  // The shard came a moment into the first minute.
  expect(payloads.map(({ partial }) => partial?.[0] ?? false)).toEqual([true, false, false]);
  expect(payloads[2]?.['interval']).toEqual(['1m', '3m', '1m', '3m', '1m', '3m']);
  const latest = await world.memory.reader().latest('set-watch:bars');
  expect([...latest.keys()].sort()).toEqual([
    'NSE:S1@1m',
    'NSE:S1@3m',
    'NSE:S2@1m',
    'NSE:S2@3m',
    'NSE:S3@1m',
    'NSE:S3@3m',
  ]);
  expect(JSON.parse(latest.get('NSE:S1@3m') ?? '')).toMatchObject({ interval: '3m', partial: true });
  expect(world.reader.batches.every(({ kind }) => kind === undefined)).toBe(true);
  expect(shard.snapshot().totals).toMatchObject({ lost: 0 });
});

test('the last bars of a session are published though the connection rests', async () => {
  world.put({ owner: me, bars, sessions: day });
  await world.start(me);
  await world.run(7 * minute, 500);
  await world.clock.advance(minute);
  expect(world.status('shard-0')).toMatchObject({ phase: 'Resting' });
  const last = payloads.at(-1);
  expect(last).toMatchObject({ end: expect.arrayContaining([Date.parse('2026-01-05T09:37:00+05:30') * 1000]) });
  expect(last?.['partial']).toBeUndefined();
});

test('a reconnect makes partial bars, an outage none', async () => {
  world.put({ owner: me, bars: { ...bars, intervals: ['1m'] } });
  await world.start(me);
  await world.run(minute + 10_000, 500);
  world.broker.live[0]?.fail();
  world.broker.validTokens.clear();
  await world.clock.advance(minute);
  world.broker.validTokens.add('good').add('again');
  world.login('again');
  await world.run(3 * minute, 500);
  const starts = payloads.map(({ start, partial }) => [
    (Number(start?.[0]) / 1000 - Date.parse('2026-01-05T09:30:00+05:30')) / minute,
    partial?.[0] ?? false,
  ]);
  expect(starts).toEqual([
    [0, false],
    [1, true],
    [2, true],
    [3, false],
    [4, false],
  ]);
});

test('a drain publishes what there is, and a successor the rest', async () => {
  world.put({ owner: me, bars: { ...bars, intervals: ['1m'] } });
  const shard = await world.start(me);
  await world.run(80_000, 500);
  const draining = shard.drain();
  await world.clock.advance(3_000);
  const { totals } = await draining;
  expect(totals).toMatchObject({ held: 0, lost: 0 });
  expect(totals.batched).toBe(totals.published);
  world.put({ owner: other, epoch: 2, bars: { ...bars, intervals: ['1m'] } });
  await world.start(other);
  await world.run(60_000, 500);
  expect(payloads.map(({ start, partial }) => [start?.[0], partial?.[0]])).toEqual([
    [Date.parse('2026-01-05T09:30:00+05:30') * 1000, undefined],
    [Date.parse('2026-01-05T09:31:00+05:30') * 1000, true],
    [Date.parse('2026-01-05T09:31:00+05:30') * 1000, true],
  ]);
  expect(reader.batches.at(-1)).toMatchObject({ epoch: 2, seq: 1, prev: { epoch: 1, seq: 2 } });
});
