import { describe, expect, test } from 'vitest';
import { instantOf } from '../../runtime/zoned-time.ts';
import { optionPrice } from '../greeks/greeks.ts';
import { Packet, type TickColumns } from '../tick-columns.ts';
import { stamp } from './format/encoders.ts';
import type { Batch } from './format/read.ts';
import { parsePayload } from './format/read-arrow.ts';
import type { GatheredBatch } from './gathered-batch.ts';
import { createAccountPipeline } from './pipeline.ts';
import { kolkata, RowConnection, second, sliceSet, sliceSpec, type TickRow, tenOClock } from './ticks.testing.ts';

const at = tenOClock / 1000;
const equities = (sets: number[], ...tokens: number[]) => ({
  exchange: 'NSE',
  mode: 'full' as const,
  sets,
  instruments: tokens.map((token) => ({ token, symbol: `S${token}` })),
});
const chain = (sets: number[], underlying = 100) => ({
  exchange: 'NFO',
  mode: 'full' as const,
  sets,
  expiry: '2026-01-08',
  underlying,
  instruments: [
    { token: 201, symbol: 'NIFTY24500CE', strike: 24_500, type: 'CE' as const },
    { token: 202, symbol: 'NIFTY24500PE', strike: 24_500, type: 'PE' as const },
  ],
});
const row = (token: number, lastPrice: number, rest: Partial<TickRow> = {}): TickRow => ({
  token,
  packet: Packet.full,
  lastPrice,
  ...rest,
});
function read(gathered: GatheredBatch): Batch {
  const header = { v: 1, set: 's', slice: 's', shard: 's', epoch: 1, claim: 1, seq: 1, time: 0 } as const;
  return parsePayload(stamp({ ...header, count: gathered.count }, gathered.body));
}

function setUp() {
  const account = createAccountPipeline();
  const connection = new RowConnection();
  const slice = account.slice('a');
  const feed = (rows: TickRow[], receivedAt = tenOClock, from = connection): void =>
    slice.frame(from, from.frameOf(rows), receivedAt);
  return { account, slice, feed };
}

describe('batching', () => {
  test('a window ends by time, a batch by its rows, each set for itself', () => {
    const { slice, feed } = setUp();
    const small = sliceSet('small', { delivery: { ...sliceSet('x').delivery, maxTicks: 2 } });
    slice.configure(sliceSpec([sliceSet('all'), small], [equities([0, 1], 1), equities([0], 2)]));
    expect(slice.nextDue()).toBe(Number.POSITIVE_INFINITY);
    feed([row(1, 10), row(2, 20)]);
    expect(slice.nextDue()).toBe(at + 100);
    expect(slice.take(at + 99)).toEqual([]);
    feed([row(1, 10.1)], tenOClock + 50_000);
    expect(slice.nextDue()).toBe(0);
    const [full, ...rest] = slice.take(at + 50);
    expect(rest).toEqual([]);
    expect(full).toMatchObject({
      setUid: 'uid-small',
      count: 2,
      firstReceived: tenOClock,
      lastReceived: tenOClock + 50_000,
    });
    expect(read(full!).columns['symbol']).toEqual(['NSE:S1', 'NSE:S1']);
    const [due] = slice.take(at + 100);
    expect(due).toMatchObject({ setUid: 'uid-all', count: 3 });
    expect(due!.latest.map(({ instrument }) => instrument)).toEqual(['NSE:S1', 'NSE:S2']);
    expect(slice.nextDue()).toBe(Number.POSITIVE_INFINITY);
    expect(slice.counters).toMatchObject({ frames: 2, received: 3, routed: 3, batched: 5 });
  });

  test('window 0: the ticks of each frame are one batch at once, however long the frame', () => {
    const { slice, feed } = setUp();
    const delivery = { ...sliceSet('x').delivery, window: 0, maxTicks: 3000 };
    slice.configure(sliceSpec([sliceSet('now', { delivery }), sliceSet('later')], [equities([0, 1], 1)]));
    feed(Array.from({ length: 1200 }, () => row(1, 10)));
    feed([row(1, 10)]);
    expect(slice.nextDue()).toBe(0);
    expect(slice.take(at).map(({ setUid, count }) => [setUid, count])).toEqual([
      ['uid-later', 1000],
      ['uid-now', 1200],
      ['uid-now', 1],
    ]);
    expect(slice.nextDue()).toBe(at + 100);
    expect(slice.take(at)).toEqual([]);
  });

  test('conflation keeps the newest of an instrument and counts the others', () => {
    const { slice, feed } = setUp();
    const delivery = { ...sliceSet('x').delivery, conflate: true, maxTicks: 2 };
    slice.configure(sliceSpec([sliceSet('s', { delivery, validation: { action: 'off' } })], [equities([0], 1, 2)]));
    feed([row(1, 10), row(1, 11, { exchangeTime: tenOClock + 1 }), row(1, 12, { exchangeTime: tenOClock - second })]);
    expect(slice.nextDue()).toBe(at + 100);
    feed([row(2, 20)], tenOClock + 50_000);
    const [batch] = slice.take(at);
    expect(read(batch!).columns).toMatchObject({ symbol: ['NSE:S1', 'NSE:S2'], last_price: [11, 20] });
    expect(batch).toMatchObject({ count: 2, firstReceived: tenOClock, lastReceived: tenOClock + 50_000 });
    expect(slice.counters).toMatchObject({ routed: 4, batched: 2, conflated: 2 });
    feed([row(1, 13)], tenOClock + 60_000);
    expect(read(slice.take(at, true)[0]!).columns['last_price']).toEqual([13]);
  });

  test('a set in Arrow gets streams; a change of format ends the open batch', () => {
    const { slice, feed } = setUp();
    const json = sliceSet('s');
    slice.configure(sliceSpec([json], [equities([0], 1)]));
    feed([row(1, 10)]);
    const arrow = sliceSet('s', { delivery: { ...json.delivery, format: 'arrow' } });
    slice.configure(sliceSpec([arrow], [equities([0], 1)]));
    feed([row(1, 11)]);
    const [first, second] = slice.take(at, true);
    expect([first!.body[0], read(first!).columns['last_price']]).toEqual([0x7b, [10]]);
    expect(second!.body[0]).toBe(0xff);
    expect(read(second!).columns['last_price']).toEqual([11]);
    expect(JSON.parse(second!.latest[0]!.json)).toMatchObject({ last_price: 11 });
  });

  test('everything comes out when all is taken', () => {
    const { slice, feed } = setUp();
    slice.configure(sliceSpec([sliceSet('s')], [equities([0], 1)]));
    feed([row(1, 10)]);
    expect(slice.take(0, true).map(({ count }) => count)).toEqual([1]);
    expect(slice.take(0, true)).toEqual([]);
  });

  test('a wall clock that is set back does not hold a batch', () => {
    const { slice, feed } = setUp();
    slice.configure(sliceSpec([sliceSet('s')], [equities([0], 1)]));
    feed([row(1, 10)]);
    expect(slice.take(at - 3_600_000)).toHaveLength(1);
    feed([row(1, 10)], tenOClock + second);
    feed([row(1, 10, { packet: Packet.ltp })], tenOClock - 3600 * second);
    expect(slice.nextDue()).toBe(at - 3_600_000 + 100);
  });

  test('a frame longer than a chunk loses nothing', () => {
    const { slice, feed } = setUp();
    slice.configure(sliceSpec([sliceSet('s')], [equities([0], 1)]));
    feed(Array.from({ length: 2500 }, (_, i) => row(1, 10 + (i % 2) * 0.05)));
    expect(slice.take(at, true).map(({ count }) => count)).toEqual([1000, 999, 501]);
    expect(slice.counters.dropped).toBe(0);
  });
});

describe('configure', () => {
  test('an unchanged set keeps its open batch and its histories', () => {
    const { slice, feed } = setUp();
    slice.configure(sliceSpec([sliceSet('s')], [equities([0], 1)]));
    feed([row(1, 10)]);
    slice.configure(sliceSpec([sliceSet('s'), sliceSet('t')], [equities([0, 1], 1, 2)]));
    feed([row(1, 10.05, { exchangeTime: tenOClock - second }), row(2, 5)]);
    expect(slice.counters.byRule).toEqual(new Map([['timeMovedBack', 1]]));
    expect(slice.take(at + 100).map(({ setUid, count }) => [setUid, count])).toEqual([
      ['uid-s', 2],
      ['uid-t', 1],
    ]);
    expect(slice.ticking()).toBe(2);
  });

  test('what was gathered of a set or instrument that went is still delivered, under its own name', () => {
    const { account, slice, feed } = setUp();
    slice.configure(sliceSpec([sliceSet('s'), sliceSet('t')], [equities([0, 1], 1), equities([0], 2)]));
    feed([row(1, 10), row(2, 20)]);
    slice.configure(sliceSpec([sliceSet('s')], [equities([0], 3)]));
    feed([row(1, 11), row(3, 30)]);
    expect(slice.counters).toMatchObject({ unknown: 1 });
    const batches = slice.take(at, true);
    expect(batches.map(({ setUid }) => setUid)).toEqual(['uid-t', 'uid-s']);
    expect(read(batches[1]!).columns['symbol']).toEqual(['NSE:S1', 'NSE:S2', 'NSE:S3']);
    expect(account.priceOf(1)).toBeUndefined();
    expect(account.priceOf(3)).toBe(30);
  });

  test('changed delivery settings end the open batch, changed Greeks do not', () => {
    const { slice, feed } = setUp();
    const groups = [equities([0], 100), chain([0])];
    slice.configure(sliceSpec([sliceSet('s')], groups));
    feed([row(100, 24_500), row(201, 150)]);
    slice.configure(sliceSpec([sliceSet('s', { greeks: kolkata })], groups));
    expect(slice.nextDue()).toBe(at + 100);
    feed([row(201, 150)]);
    slice.configure(
      sliceSpec([sliceSet('s', { greeks: kolkata, delivery: { ...sliceSet('s').delivery, window: 50 } })], groups),
    );
    expect(slice.nextDue()).toBe(0);
    const iv = read(slice.take(at)[0]!).columns['iv']!;
    expect(iv.map((value) => value === null)).toEqual([true, true, false]);
  });
});

describe('the conservation of ticks', () => {
  test('unknown, unrouted, invalid and routed', () => {
    const { account, slice, feed } = setUp();
    slice.configure(sliceSpec([sliceSet('s')], [equities([0], 1), equities([], 100)]));
    feed([row(1, 10), row(77, 1), row(100, 24_500), row(1, -1), row(100, -1)]);
    expect(slice.counters).toMatchObject({ received: 5, routed: 1, unknown: 1, unrouted: 1, invalid: 2, batched: 1 });
    expect(account.priceOf(100)).toBe(24_500);
    expect(slice.breaches().map(({ instrument }) => instrument)).toEqual(['NSE:S1', 'NSE:S100']);
    expect(slice.breaches()[0]).toMatchObject({ quarantined: true, lastPrice: -1, receivedAt: tenOClock });
    expect(slice.breaches()[0]!.rules).toContain('priceNotPositive');
  });

  test('a bad row is kept out of the sets that enforce the rule, and delivered to the others', () => {
    const { slice, feed } = setUp();
    const strict = sliceSet('strict');
    const lax = sliceSet('lax', { validation: { action: 'enforce', rules: { depthCrossed: 'report' } } });
    const off = sliceSet('off', { validation: { action: 'off' } });
    slice.configure(sliceSpec([strict, lax, off], [equities([0, 1, 2], 1), equities([2], 2)]));
    const crossed = { bidPrice: [11, 9.9, 9.8, 9.7, 9.6] };
    feed([row(1, 10, crossed), row(2, 10, crossed)]);
    expect(slice.counters).toMatchObject({ received: 2, invalid: 0, routed: 2, batched: 3 });
    expect(slice.counters.byRule).toEqual(new Map([['depthCrossed', 1]]));
    expect(slice.take(at, true).map(({ setUid }) => setUid)).toEqual(['uid-lax', 'uid-off']);
  });

  test('a malformed frame is counted and its good rows are kept', () => {
    const { slice } = setUp();
    slice.configure(sliceSpec([sliceSet('s')], [equities([0], 1)]));
    const broken = {
      decode(_frame: Uint8Array, _offset: number, receivedAt: number, into: TickColumns): number {
        const inner = new RowConnection();
        inner.decode(inner.frameOf([row(1, 10)]), 0, receivedAt, into);
        throw new Error('truncated');
      },
    };
    slice.frame(broken, new Uint8Array(), tenOClock);
    slice.frame({ decode: (_, offset) => offset }, new Uint8Array(), tenOClock);
    expect(slice.counters).toMatchObject({ frames: 2, received: 1, malformedFrames: 2, routed: 1 });
  });
});

describe('histories', () => {
  test('three contradictions in a row: it is the history that is wrong', () => {
    const { slice, feed } = setUp();
    slice.configure(sliceSpec([sliceSet('s')], [equities([0], 1)]));
    feed([row(1, 10, { volume: 1000 }), row(1, 10, { volume: 1e9 })]);
    for (let i = 0; i < 5; i++) feed([row(1, 10, { volume: 1001 + i })], tenOClock + i * second);
    expect(slice.counters).toMatchObject({ invalid: 3, routed: 4 });
  });

  test('the cached first tick after a subscribe is delivered, marked, and neither live nor wrong', () => {
    const { slice, feed } = setUp();
    slice.configure(sliceSpec([sliceSet('s')], [equities([0], 1, 2, 3)]));
    const yesterday = { exchangeTime: tenOClock - 86_400 * second };
    expect(slice.unheard(10)).toEqual([1, 2, 3]);
    feed([row(1, 10, yesterday), row(2, 20, { packet: Packet.ltp }), row(3, 30)]);
    expect(slice.unheard(10)).toEqual([]);
    expect(slice.ticking()).toBe(1);
    feed([row(1, 10, yesterday)], tenOClock + second);
    expect(slice.ticking()).toBe(1);
    feed([row(1, 10), row(2, 20, { packet: Packet.ltp })], tenOClock + 2 * second);
    expect(slice.ticking()).toBe(3);
    expect(read(slice.take(at, true)[0]!).columns['cached']).toEqual([true, true, null, true, null, null]);
    expect(slice.counters).toMatchObject({ invalid: 0, routed: 6 });
  });

  test('a tick outside the session of its exchange is cached: by its exchange time, else by its receive time', () => {
    const { slice, feed } = setUp();
    const hours = [{ exchanges: ['NSE'], days: ['Mon' as const], open: '10:00', close: '10:30' }];
    const spec = sliceSpec([sliceSet('all')], [equities([0], 1, 2)]);
    slice.configure({ ...spec, sessions: { timezone: 'Asia/Kolkata', hours } });
    const quote = (token: number) => row(token, 10, { packet: Packet.quote });
    feed([row(1, 10), quote(2)], tenOClock - second);
    feed([row(1, 10, { exchangeTime: tenOClock - 1 }), row(1, 10), quote(2)], tenOClock + 2 * second);
    const close = tenOClock + 1800 * second;
    feed([row(1, 10, { exchangeTime: close - second }), quote(2)], close);
    expect(read(slice.take(at, true)[0]!).columns['cached']).toEqual([true, true, true, null, null, null, true]);
    expect(slice.ticking()).toBe(2);
  });

  test('another connection starts anew: an older cached tick is not "time moved back"', () => {
    const { slice, feed } = setUp();
    slice.configure(sliceSpec([sliceSet('s')], [equities([0], 1, 2)]));
    feed([row(1, 10), row(2, 20)]);
    const again = new RowConnection();
    feed([row(1, 10, { exchangeTime: tenOClock - 300 * second, volume: 900 })], tenOClock + second, again);
    expect(slice.counters.invalid).toBe(0);
    expect(slice.ticking()).toBe(0);
    expect(slice.unheard(10)).toEqual([2]);
    expect(slice.unheard(0)).toEqual([]);
  });
});

describe('Greeks', () => {
  const greeks = kolkata;
  const expiry = instantOf('2026-01-08', '15:30', 'Asia/Kolkata');
  const years = (expiry - tenOClock) / (365 * 86_400e6);
  const price = (rate: number, volatility: number) =>
    optionPrice(
      {
        model: 'blackScholesMerton',
        call: true,
        underlying: 24_500,
        strike: 24_500,
        years,
        rate,
        dividendYield: 0,
        daysPerYear: 365,
      },
      volatility,
    );

  test("come from the underlying's price on another connection of the account", () => {
    const { account, slice, feed } = setUp();
    const other = account.slice('b');
    slice.configure(sliceSpec([sliceSet('s', { greeks })], [chain([0])]));
    feed([row(201, price(0.065, 0.2))]);
    expect(slice.counters).toMatchObject({ greeksSolved: 0, greeksUnsolved: 1 });
    other.configure(sliceSpec([], [{ ...equities([], 100), exchange: 'NSE' }]));
    const spot = new RowConnection();
    other.frame(spot, spot.frameOf([{ token: 100, packet: Packet.indexQuote, lastPrice: 24_500 }]), tenOClock);
    feed([row(201, price(0.065, 0.2)), row(202, 1e6)]);
    expect(slice.counters).toMatchObject({ greeksSolved: 1, greeksUnsolved: 2, invalid: 0 });
    const { columns } = read(slice.take(at, true)[0]!);
    expect(columns['iv']![0]).toBeNull();
    expect(columns['iv']![1]).toBeCloseTo(0.2, 9);
    expect(columns['iv']![2]).toBeNull();
    expect(columns['rho']![2]).toBeNull();
    account.remove('b');
    expect(account.priceOf(100)).toBe(24_500);
    account.remove('a');
    expect(account.priceOf(100)).toBeUndefined();
  });

  test('sets with different settings get their own numbers, equal settings are computed once', () => {
    const { slice, feed } = setUp();
    const sets = [
      sliceSet('s', { greeks }),
      sliceSet('t', { greeks: { ...greeks, rate: 0 } }),
      sliceSet('u', { greeks: { ...greeks } }),
      sliceSet('v'),
    ];
    slice.configure(sliceSpec(sets, [equities([], 100), chain([0, 1, 2, 3])]));
    feed([row(100, 24_500), row(201, price(0.065, 0.2))]);
    expect(slice.counters).toMatchObject({ greeksSolved: 2, batched: 4, routed: 1, unrouted: 1 });
    const iv = slice.take(at, true).map((batch) => [batch.setUid, read(batch).columns['iv']?.[0]] as const);
    const by = new Map(iv);
    expect(by.get('uid-s')).toBeCloseTo(0.2, 9);
    expect(by.get('uid-u')).toBe(by.get('uid-s'));
    expect(by.get('uid-t')).toBeGreaterThan(0.2);
    expect(by.get('uid-v')).toBeUndefined();
  });

  test('are null from the expiry on', () => {
    const { slice, feed } = setUp();
    slice.configure(sliceSpec([sliceSet('s', { greeks })], [equities([], 100), chain([0])]));
    feed([row(100, 24_500)], expiry - second);
    feed([row(201, 5)], expiry - second);
    feed([row(201, 5)], expiry);
    expect(slice.counters).toMatchObject({ greeksSolved: 1, greeksUnsolved: 1 });
  });
});
