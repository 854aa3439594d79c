import { describe, expect, test } from 'vitest';
import type { SliceSet, SubscriptionSliceSpec } from '../../crds/index.ts';
import { TradingDays } from '../../crds/sessions/trading-days.ts';
import { createAccountPipeline } from '../pipeline/pipeline.ts';
import { RowConnection, second, sliceSet, sliceSpec, type TickRow, tenOClock } from '../pipeline/ticks.testing.ts';
import { Packet } from '../tick-columns.ts';
import { BarWindows, barEnd, barStart, type Interval } from './bar-windows.ts';

const india = {
  timezone: 'Asia/Kolkata',
  hours: [{ days: ['Mon' as const, 'Tue' as const], open: '09:15', close: '15:30' }],
};
const minute = 60 * second;
type Bars = NonNullable<SliceSet['bars']>;
const bars = (...intervals: Bars['intervals']): Bars => ({ intervals, timezone: 'Asia/Kolkata' });

describe('alignment', () => {
  const window = (windows: BarWindows, interval: Interval, time: string): string => {
    const instant = Date.parse(time);
    const session = windows.sessionAt(instant);
    if (session === undefined) return 'none';
    const start = barStart(interval, session, instant);
    const text = (at: number): string => new Date(at + 330 * 60_000).toISOString().slice(11, 16);
    return `${text(start)}-${text(barEnd(interval, session, start))}`;
  };
  const nse = new BarWindows(new TradingDays(india, 'NSE'));

  test.each([
    ['1m', '2026-01-05T09:15:00+05:30', '09:15-09:16'],
    ['1h', '2026-01-05T10:14:59.999+05:30', '09:15-10:15'],
    ['1h', '2026-01-05T15:20:00+05:30', '15:15-15:30'],
    ['10m', '2026-01-05T15:29:59+05:30', '15:25-15:30'],
    ['1d', '2026-01-05T12:00:00+05:30', '09:15-15:30'],
    ['1m', '2026-01-05T15:30:00+05:30', 'none'],
    ['1m', '2026-01-04T12:00:00+05:30', 'none'],
  ] as const)('a bar of %s at %s is %s', (interval, time, expected) => {
    expect(window(nse, interval, time)).toBe(expected);
    expect(window(nse, interval, time)).toBe(expected);
  });

  test('sessions that only touch begin bars anew; a day goes from the first open to the last close', () => {
    const days = ['Mon' as const];
    const hours = [
      { days, open: '09:00', close: '09:15' },
      { days, open: '09:15', close: '15:30' },
      { days, open: '15:40', close: '16:00' },
    ];
    const windows = new BarWindows(new TradingDays({ timezone: 'Asia/Kolkata', hours }, 'NSE'));
    expect(window(windows, '10m', '2026-01-05T09:14:00+05:30')).toBe('09:10-09:15');
    expect(window(windows, '10m', '2026-01-05T09:16:00+05:30')).toBe('09:15-09:25');
    expect(window(windows, '1d', '2026-01-05T15:45:00+05:30')).toBe('09:00-16:00');
    expect(window(windows, '1d', '2026-01-05T15:35:00+05:30')).toBe('none');
  });

  test('without a calendar bars begin at midnight of the zone', () => {
    const windows = BarWindows.aroundTheClock('Asia/Kolkata');
    expect(window(windows, '1h', '2026-01-04T23:59:59+05:30')).toBe('23:00-00:00');
    expect(window(windows, '1d', '2026-01-05T00:00:00+05:30')).toBe('00:00-00:00');
  });
});

function setUp(intervals: Bars, changes: Partial<SubscriptionSliceSpec> = {}) {
  const slice = createAccountPipeline().slice('a');
  const connection = new RowConnection();
  const group = { exchange: 'NSE', mode: 'full' as const, sets: [0] };
  const instruments = [1, 2].map((token) => ({ token, symbol: `S${token}` }));
  const spec = {
    ...sliceSpec([sliceSet('all', { bars: intervals })], [{ ...group, instruments }]),
    sessions: india,
    ...changes,
  };
  slice.configure(spec);
  slice.connectionOpened(tenOClock - 3600 * second);
  const feed = (receivedAt: number, ...rows: TickRow[]): void =>
    slice.frame(connection, connection.frameOf(rows), receivedAt);
  const taken = (now: number, all = false): Record<string, unknown[]>[] =>
    slice
      .take(now / 1000, all)
      .filter(({ setUid }) => setUid === 'uid-all:bars')
      .map(({ body }) => JSON.parse(String(body)) as Record<string, unknown[]>);
  return { slice, spec, feed, taken };
}
const row = (token: number, lastPrice: number, volume: number, rest: Partial<TickRow> = {}): TickRow => ({
  token,
  packet: Packet.full,
  lastPrice,
  volume,
  ...rest,
});

describe('bars of a slice', () => {
  test('are published when their time has passed, though no tick comes', () => {
    const { slice, feed, taken } = setUp(bars('1m', '5m'));
    feed(tenOClock, row(1, 100, 1000, { openInterest: 205 }));
    feed(tenOClock + 20 * second, row(1, 103, 1010), row(2, 50, 70));
    feed(tenOClock + 59 * second, row(1, 101, 1030, { openInterest: 209 }));
    slice.take(0, true);
    expect(slice.nextDue()).toBe((tenOClock + minute + 2 * second) / 1000);
    expect(taken(tenOClock + minute + second)).toEqual([]);
    expect(taken(tenOClock + minute + 2 * second)).toEqual([
      {
        token: [1, 2],
        symbol: ['NSE:S1', 'NSE:S2'],
        interval: ['1m', '1m'],
        start: [tenOClock, tenOClock],
        end: [tenOClock + minute, tenOClock + minute],
        open: [100, 50],
        high: [103, 50],
        low: [100, 50],
        close: [101, 50],
        volume: [1030, 70],
        oi: [209, 200],
        ticks: [3, 1],
      },
    ]);
    expect(slice.nextDue()).toBe((tenOClock + 5 * minute + 2 * second) / 1000);
    expect(slice.counters).toMatchObject({ bars: 2, batched: 6, lateTicks: 0 });
  });

  test('a tick on its way amends a bar that has ended; a later one is counted, and its volume is not lost', () => {
    const { slice, feed, taken } = setUp(bars('1m'));
    feed(tenOClock + 50 * second, row(1, 100, 10));
    feed(tenOClock + minute + second, row(1, 109, 15, { exchangeTime: tenOClock + 59 * second }));
    feed(tenOClock + minute + 1.5 * second, row(1, 101, 17));
    expect(taken(tenOClock + minute + 2 * second)[0]).toMatchObject({ high: [109], close: [109], volume: [15] });
    feed(tenOClock + minute + 3 * second, row(2, 200, 9, { exchangeTime: tenOClock + 59 * second }));
    feed(tenOClock + minute + 9 * second, row(2, 210, 12));
    expect(slice.counters.lateTicks).toBe(1);
    const [next] = taken(tenOClock + 2 * minute + 2 * second);
    expect(next).toMatchObject({ symbol: ['NSE:S1', 'NSE:S2'], open: [101, 210], volume: [2, 12] });
  });

  test('quotes have no time of their own: they count when they are received; indices have no volume', () => {
    const { feed, taken } = setUp(bars('1m'));
    feed(tenOClock - minute, row(1, 90, 5, { packet: Packet.quote }), row(2, 10, 0, { packet: Packet.indexQuote }));
    feed(tenOClock, row(1, 100, 10, { packet: Packet.quote }), row(2, 20, 0, { packet: Packet.indexQuote }));
    expect(taken(tenOClock + minute + 2 * second)).toEqual([
      expect.objectContaining({ open: [100, 20], volume: [10, null], ticks: [1, 1] }),
    ]);
    // The first rows of a connection that carry no time are cached ones, and trade nothing.
  });

  test('are partial where the connection was away, and where a drain ends them', () => {
    const { slice, feed, taken } = setUp(bars('1m'));
    feed(tenOClock, row(1, 100, 10));
    slice.connectionLost(tenOClock + 10 * second);
    slice.connectionOpened(tenOClock + 20 * second);
    feed(tenOClock + 30 * second, row(1, 101, 20));
    feed(tenOClock + minute, row(1, 102, 25));
    expect(taken(tenOClock + minute + 2 * second)[0]).toMatchObject({ volume: [20], partial: [true] });
    slice.sealBars();
    expect(taken(tenOClock + minute + 30 * second)[0]).toMatchObject({ close: [102], partial: [true] });
    expect(slice.nextDue()).toBe(Number.POSITIVE_INFINITY);
  });

  test('another connection that nobody told of is an outage too', () => {
    const { slice, feed, taken } = setUp(bars('1m'));
    feed(tenOClock, row(1, 100, 10));
    const other = new RowConnection();
    slice.frame(other, other.frameOf([row(1, 101, 20)]), tenOClock + 30 * second);
    expect(taken(tenOClock + minute + 2 * second)[0]).toMatchObject({ partial: [true] });
  });

  test('an instrument that came in mid-bar has a partial first bar, the others a whole one', () => {
    const { slice, spec, feed, taken } = setUp(bars('1m'));
    feed(tenOClock, row(1, 100, 10));
    const [group] = spec.groups;
    const instruments = [...group!.instruments, { token: 3, symbol: 'S3' }];
    slice.configure({ ...spec, groups: [{ ...group!, instruments }] });
    feed(
      tenOClock + 30 * second,
      row(1, 100, 11),
      row(3, 5, 700),
      row(3, 6, 710, { exchangeTime: tenOClock + 31 * second }),
    );
    const [first] = taken(tenOClock + minute + 2 * second);
    expect(first).toMatchObject({ symbol: ['NSE:S1', 'NSE:S3'], volume: [11, 10], partial: [null, true] });
  });

  test('what leaves is published as it stands; other lengths begin anew', () => {
    const { slice, spec, feed, taken } = setUp(bars('1m'));
    feed(tenOClock, row(1, 100, 10), row(2, 50, 1));
    const [group] = spec.groups;
    slice.configure({ ...spec, groups: [{ ...group!, instruments: [group!.instruments[0]!] }] });
    expect(taken(tenOClock + second)[0]).toMatchObject({ symbol: ['NSE:S2'], partial: [true] });
    slice.configure({ ...spec, sets: [sliceSet('all', { bars: bars('3m') })] });
    expect(taken(tenOClock + second)[0]).toMatchObject({ symbol: ['NSE:S1'], interval: ['1m'], partial: [true] });
    slice.configure({ ...spec, sets: [sliceSet('all')] });
    feed(tenOClock + 2 * second, row(1, 100, 12));
    expect(taken(tenOClock + 3600 * second)).toEqual([]);
  });

  test('keep to the size of a batch, and offer the newest of each length', () => {
    const { slice, feed } = setUp(bars('1m', '3m'), {});
    const small = sliceSet('all', { bars: bars('1m', '3m'), delivery: { ...sliceSet('x').delivery, maxTicks: 1 } });
    const group = { exchange: 'NSE', mode: 'full' as const, sets: [0], instruments: [{ token: 1, symbol: 'S1' }] };
    slice.configure({ ...sliceSpec([small], [group]), sessions: india });
    feed(tenOClock, row(1, 100, 10));
    const batches = slice
      .take((tenOClock + 3 * minute + 2 * second) / 1000)
      .filter(({ setUid }) => setUid.endsWith(':bars'));
    expect(batches.map(({ count }) => count)).toEqual([1, 1]);
    expect(batches.flatMap(({ latest }) => latest.map(({ instrument }) => instrument))).toEqual([
      'NSE:S1@1m',
      'NSE:S1@3m',
    ]);
    expect(batches[0]).toMatchObject({ firstReceived: tenOClock, lastReceived: tenOClock + minute });
  });
});
