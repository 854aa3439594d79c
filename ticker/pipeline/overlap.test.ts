import { describe, expect, test } from 'vitest';
import { Packet } from '../tick-columns.ts';
import { stamp } from './format/encoders.ts';
import { parsePayload } from './format/read-arrow.ts';
import type { GatheredBatch } from './gathered-batch.ts';
import { createAccountPipeline } from './pipeline.ts';
import { kolkata, RowConnection, sliceSet, sliceSpec, type TickRow, tenOClock } from './ticks.testing.ts';

const at = tenOClock / 1000;
const row = (token: number, lastPrice: number, rest: Partial<TickRow> = {}): TickRow => ({
  ...{ token, packet: Packet.full, lastPrice },
  ...rest,
});
const shares = (sets: number[], ...tokens: number[]) => ({
  exchange: 'NSE',
  mode: 'full' as const,
  sets,
  instruments: tokens.map((token) => ({ token, symbol: `S${token}` })),
});
const delivery = { ...sliceSet('x').delivery, maxTicks: 2, latest: false };

function columnsOf(gathered: GatheredBatch) {
  const header = { v: 1, set: 's', slice: 's', shard: 's', epoch: 1, claim: 1, seq: 1, time: 0 } as const;
  return parsePayload(stamp({ ...header, count: gathered.count }, gathered.body)).columns;
}

function setUp() {
  const slice = createAccountPipeline().slice('a');
  const connection = new RowConnection();
  let received = tenOClock;
  const feed = (...rows: TickRow[]): void => slice.frame(connection, connection.frameOf(rows), received++);
  return { slice, feed };
}

describe('instruments that join', () => {
  test('batches with a row of theirs say overlap, the others do not', () => {
    const { slice, feed } = setUp();
    const spec = sliceSpec([sliceSet('a', { delivery }), sliceSet('b')], [shares([0], 1), shares([0, 1], 2)]);
    slice.configure({ ...spec, joining: [2] });
    feed(row(1, 10), row(1, 11), row(1, 12), row(2, 20));
    const batches = slice.take(at, true);
    expect(batches.map(({ setUid, overlap }) => [setUid, overlap])).toEqual([
      ['uid-a', undefined],
      ['uid-a', true],
      ['uid-b', true],
    ]);
    slice.configure(spec);
    feed(row(1, 10), row(2, 20));
    expect(slice.take(at, true).map(({ overlap }) => overlap)).toEqual([undefined, undefined]);
  });

  test('a row that was gathered while it joined is marked, be it sealed afterwards', () => {
    const { slice, feed } = setUp();
    const spec = sliceSpec([sliceSet('a')], [shares([0], 1)]);
    slice.configure({ ...spec, joining: [1] });
    feed(row(1, 10));
    slice.configure(spec);
    expect(slice.take(at, true)).toMatchObject([{ overlap: true }]);
  });

  test('the same holds of a row that conflation replaced, and of bars', () => {
    const { slice, feed } = setUp();
    const bars = { intervals: ['1m' as const], timezone: 'Asia/Kolkata' as const };
    const conflating = sliceSet('a', { delivery: { ...delivery, maxTicks: 1000, conflate: true }, bars });
    slice.configure({ ...sliceSpec([conflating], [shares([0], 1, 2)]), joining: [2] });
    feed(row(2, 20), row(1, 10), row(1, 11), row(2, 21));
    slice.sealBars();
    const batches = slice.take(at, true);
    expect(batches.map(({ count, overlap }) => [count, overlap])).toEqual([
      [2, true],
      [2, true],
    ]);
  });
});

describe('the newest rows of a successor', () => {
  test('one for each instrument that the set still takes, marked, in batches of its size, with Greeks', () => {
    const { slice, feed } = setUp();
    const sets = [sliceSet('a', { delivery, greeks: kolkata }), sliceSet('b')];
    const option = { token: 201, symbol: 'NIFTY24500CE', strike: 24_500, type: 'CE' as const };
    const options = { exchange: 'NFO', mode: 'full' as const, sets: [0], expiry: '2026-01-29', underlying: 100 };
    const spec = sliceSpec(sets, [shares([0], 1, 2, 3), shares([], 100), { ...options, instruments: [option] }]);
    slice.configure(spec);
    feed(row(3, 1));
    slice.take(at, true);
    slice.keepNewest(true);
    feed(row(1, 10), row(2, 20), row(100, 24_500), row(201, 300), row(1, 11), row(3, 30));
    slice.configure({ ...spec, groups: [shares([0], 1, 2), ...spec.groups.slice(1)] });
    slice.take(at, true);
    const before = slice.counters.batched;
    const batches = slice.newest(tenOClock + 500);
    expect(batches.map(({ setUid, count, overlap }) => [setUid, count, overlap])).toEqual([
      ['uid-a', 2, true],
      ['uid-a', 1, true],
    ]);
    expect(batches.every(({ firstReceived }) => firstReceived === tenOClock + 500)).toBe(true);
    const [first, second] = batches.map(columnsOf);
    expect(first).toMatchObject({ symbol: ['NSE:S1', 'NSE:S2'], last_price: [11, 20] });
    expect(second).toMatchObject({ symbol: ['NFO:NIFTY24500CE'], last_price: [300] });
    expect(second!['iv']![0]).toBeGreaterThan(0);
    expect(slice.counters.batched).toBe(before + 3);
  });

  test('what is still gathered comes before them; nothing is kept where nobody asks', () => {
    const { slice, feed } = setUp();
    slice.configure(sliceSpec([sliceSet('a')], [shares([0], 1)]));
    slice.keepNewest(true);
    feed(row(1, 10), row(1, 11));
    expect(slice.newest(tenOClock).map(({ count, overlap }) => [count, overlap])).toEqual([
      [2, undefined],
      [1, true],
    ]);
    slice.keepNewest(false);
    feed(row(1, 12));
    expect(slice.newest(tenOClock).map(({ count }) => count)).toEqual([1]);
  });
});
