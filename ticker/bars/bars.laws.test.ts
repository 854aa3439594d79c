import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TradingDays } from '../../crds/sessions/trading-days.ts';
import { instrumentRecord } from '../pipeline/instrument-table.ts';
import { sliceSet } from '../pipeline/ticks.testing.ts';
import { BarWindows, type Interval } from './bar-windows.ts';
import { Coverage } from './coverage.ts';
import { type BarTick, barGrace } from './instrument-bars.ts';
import { SetBars } from './set-bars.ts';

const at = (time: string): number => Date.parse(`2026-01-05T${time}+05:30`);
const minute = 60_000;
const day = ['Mon' as const];
/** Two sessions with a break. */
const calendar = {
  timezone: 'Asia/Kolkata',
  hours: [
    { days: day, open: '10:00', close: '10:07' },
    { days: day, open: '10:10', close: '10:22' },
  ],
};
const sessions = [
  { open: at('10:00:00'), close: at('10:07:00') },
  { open: at('10:10:00'), close: at('10:22:00') },
];
const intervals: Interval[] = ['1m', '3m', '5m', '1d'];
const lengths: Record<string, number> = { '1m': minute, '3m': 3 * minute, '5m': 5 * minute };
const record = instrumentRecord(1, 'NSE', 'INFY');

interface Row {
  symbol: string;
  interval: Interval;
  start: number;
  end: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume?: number | null;
  oi?: number | null;
  ticks: number;
  partial?: boolean | null;
}

class Bench {
  readonly coverage = new Coverage();
  readonly counters = { bars: 0, lateTicks: 0, droppedBars: 0 };
  readonly bars: SetBars;
  readonly rows: Row[] = [];
  readonly latest = new Map<string, { time: number; json: string }>();

  constructor(windows = new BarWindows(new TradingDays(calendar, 'NSE')), wanted = intervals) {
    this.bars = new SetBars(sliceSet('a'), wanted, this.coverage, this.counters);
    this.bars.configure(new Map([[0, { record, windows }]]));
  }

  take(now: number): void {
    for (const { body, count, latest } of this.bars.take(now)) {
      const columns = JSON.parse(String(body)) as Record<string, unknown[]>;
      for (let i = 0; i < count; i++) {
        const row = Object.fromEntries(Object.entries(columns).map(([name, cells]) => [name, cells[i]]));
        this.rows.push(JSON.parse(JSON.stringify(row)) as Row);
      }
      for (const value of latest) this.latest.set(value.instrument, value);
    }
  }
}

/** What the bars of ticks are, by grouping them. */
function reference(ticks: readonly BarTick[]): { rows: Map<string, Partial<Row>>; late: number; left: number[] } {
  const rows = new Map<string, Partial<Row>>();
  let late = 0;
  const lateTicks = new Set<BarTick>();
  const left: number[] = [];
  for (const interval of intervals) {
    const groups = new Map<number, { end: number; ticks: BarTick[]; volume: number }>();
    let count = 0;
    let carry = 0;
    for (const tick of ticks) {
      const session = sessions.find(({ open, close }) => open <= tick.time && tick.time < close);
      if (session === undefined) continue;
      const traded = tick.volume - count;
      count = tick.volume;
      const length = lengths[interval];
      const start = length === undefined ? sessions[0]!.open : tick.time - ((tick.time - session.open) % length);
      const end = length === undefined ? sessions[1]!.close : Math.min(start + length, session.close);
      const newest = [...groups].sort(([a], [b]) => b - a)[0]?.[1];
      if (tick.cached) carry += traded;
      else if (tick.received >= end + barGrace) {
        lateTicks.add(tick);
        if (newest !== undefined && tick.received < newest.end + barGrace) {
          newest.volume += traded + carry;
          carry = 0;
        } else carry += traded;
      } else {
        const group = groups.get(start) ?? { end, ticks: [], volume: 0 };
        groups.set(start, group);
        group.ticks.push(tick);
        group.volume += traded + carry;
        carry = 0;
      }
    }
    left.push(carry);
    for (const [start, { end, ticks: own, volume }] of groups) {
      const inOrder = [...own].sort((a, b) => a.time - b.time);
      const prices = own.map(({ price }) => price);
      // Of ticks of one time the first to come opens and the last closes; the sort is stable.
      rows.set(`${interval} ${start * 1000}`, {
        end: end * 1000,
        open: inOrder[0]!.price,
        close: inOrder.at(-1)!.price,
        high: Math.max(...prices),
        low: Math.min(...prices),
        oi: inOrder.at(-1)!.openInterest,
        volume,
        ticks: own.length,
      });
    }
  }
  late = lateTicks.size;
  return { rows, late, left };
}

const ticks = fc
  .array(
    fc.record({
      step: fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 0, max: 3 * minute })),
      delay: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 0, max: 1_500 }) }, fc.integer({ min: 0, max: 6_000 })),
      price: fc.integer({ min: 90, max: 110 }),
      traded: fc.integer({ min: 0, max: 50 }),
      openInterest: fc.integer({ min: 0, max: 5 }),
      cached: fc.constantFrom(false, false, false, false, true),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((steps) => {
    let received = at('09:59:00');
    let volume = 0;
    return steps.map(({ step, delay, price, traded, openInterest, cached }): BarTick => {
      received += step;
      volume += traded;
      const time = received - delay;
      // Before the open the broker still says the volume of the day before.
      return { time, received, price, volume: time < at('10:00:00') ? 1e6 : volume, openInterest, cached };
    });
  });

function key({ interval, start }: Row): string {
  return `${interval} ${start}`;
}

function run(all: readonly BarTick[], takes: ReadonlySet<number>): Bench {
  const bench = new Bench();
  bench.coverage.opened(at('09:58:00'));
  all.forEach((tick, i) => {
    if (takes.has(i)) bench.take(tick.received);
    bench.bars.tick(0, tick);
  });
  bench.take(at('12:00:00'));
  return bench;
}

const someTakes = fc.uniqueArray(fc.integer({ min: 0, max: 60 })).map((list) => new Set(list));

describe('laws', () => {
  test('the bars of ticks are those of the naive reference, each once, in order, and whole', () => {
    fc.assert(
      fc.property(ticks, someTakes, (all, takes) => {
        const { rows, counters, bars } = run(all, takes);
        const expected = reference(all);
        expect(new Map(rows.map((row) => [key(row), row])).size).toBe(rows.length);
        expect(rows.map(key).sort()).toEqual([...expected.rows.keys()].sort());
        for (const row of rows) {
          expect(row).toMatchObject(expected.rows.get(key(row))!);
          expect(row.partial ?? null).toBeNull();
          expect(row.symbol).toBe('NSE:INFY');
        }
        expect(counters.lateTicks).toBe(expected.late);
        expect(counters.bars).toBe(rows.length);
        expect(bars.due).toBe(Number.POSITIVE_INFINITY);
        for (const interval of intervals) {
          const starts = rows.filter((row) => row.interval === interval).map(({ start }) => start);
          expect(starts).toEqual([...starts].sort((a, b) => a - b));
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('volumes of the bars of each length add up to what was traded', () => {
    fc.assert(
      fc.property(ticks, someTakes, (all, takes) => {
        const { rows } = run(all, takes);
        const inSession = all.filter(({ time }) => sessions.some(({ open, close }) => open <= time && time < close));
        const traded = inSession.at(-1)?.volume ?? 0;
        intervals.forEach((interval, i) => {
          const sum = rows.filter((row) => row.interval === interval).reduce((all, row) => all + (row.volume ?? 0), 0);
          expect(sum + reference(all).left[i]!).toBe(traded);
        });
      }),
      { numRuns: 500 },
    );
  });

  test('when they are taken changes nothing but the order between lengths', () => {
    fc.assert(
      fc.property(ticks, someTakes, (all, takes) => {
        const sorted = ({ rows }: Bench) => rows.map((row) => JSON.stringify(row)).sort();
        expect(sorted(run(all, takes))).toEqual(sorted(run(all, new Set())));
      }),
      { numRuns: 300 },
    );
  });

  test('a bar is partial exactly where the connection was away in its time, or its volume is in part of that time', () => {
    const outages = fc.uniqueArray(fc.integer({ min: 1, max: 24 * 60 }), { maxLength: 6 }).map((seconds) => {
      const times = seconds.sort((a, b) => a - b).map((second) => at('09:59:00') + second * 1000 + 500);
      return times.length % 2 === 0 ? times : times.slice(1);
    });
    fc.assert(
      fc.property(outages, someTakes, (times, takes) => {
        const bench = new Bench(undefined, ['1m', '5m']);
        bench.coverage.opened(at('09:58:00'));
        let away = false;
        let next = 0;
        for (let second = 0; second < 24 * 60; second++) {
          const now = at('09:59:00') + second * 1000;
          while (next < times.length && times[next]! <= now) {
            if (away) {
              bench.coverage.opened(times[next]!);
              bench.bars.reopened();
            } else bench.coverage.lost(times[next]!);
            away = !away;
            next++;
          }
          if (takes.has(second % 61)) bench.take(now);
          const tick = { time: now, received: now, price: 100, volume: second, openInterest: 0, cached: false };
          if (!away) bench.bars.tick(0, tick);
        }
        bench.take(at('12:00:00'));
        const inSession = (time: number): boolean => sessions.some(({ open, close }) => open <= time && time < close);
        for (const { interval, start, end, partial } of bench.rows) {
          let lacks = false;
          for (let i = 0; i < times.length; i += 2) {
            if (times[i]! * 1000 < end && times[i + 1]! * 1000 > start) lacks = true;
            // The first tick after it brings volume that was traded meanwhile.
            let first = times[i + 1]! + 500;
            while (first < at('10:22:00') && !inSession(first)) first += 1000;
            const before = times[i]! - 500 >= sessions[0]!.open;
            const again = i + 2 < times.length && times[i + 2]! < first;
            if (before && !again && first * 1000 >= start && first * 1000 < end) lacks = true;
          }
          expect(`${interval} ${start} ${partial ?? false}`).toBe(`${interval} ${start} ${lacks}`);
        }
      }),
      { numRuns: 50 },
    );
  });
});
