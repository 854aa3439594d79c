import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sessionAt, TradingCalendar } from './trading-calendar.ts';
import type { SessionsSpec } from './trading-days.ts';

const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'] as const;
const india: SessionsSpec = {
  timezone: 'Asia/Kolkata',
  hours: [
    { exchanges: ['NSE', 'NFO'], days: [...weekdays], open: '09:15', close: '15:30' },
    { exchanges: ['MCX'], days: [...weekdays], open: '09:00', close: '23:30' },
  ],
  holidays: [
    { date: '2026-11-10', name: 'Diwali', exchanges: ['NSE', 'NFO'] },
    { date: '2026-12-25', name: 'Christmas' },
  ],
  special: [{ date: '2026-11-08', name: 'Muhurat trading', open: '18:00', close: '19:00', exchanges: ['NSE'] }],
};

function at(spec: SessionsSpec, exchange: string, instant: string): string {
  const { state, nextChange } = sessionAt(spec, exchange, Date.parse(instant));
  return `${state} until ${Number.isFinite(nextChange) ? new Date(nextChange).toISOString() : 'ever'}`;
}

describe('sessionAt', () => {
  it.each([
    ['NSE', '2026-11-23T09:14:59.999+05:30', 'closed until 2026-11-23T03:45:00.000Z'],
    ['NSE', '2026-11-23T09:15:00+05:30', 'open until 2026-11-23T10:00:00.000Z'],
    ['NSE', '2026-11-23T15:29:59.999+05:30', 'open until 2026-11-23T10:00:00.000Z'],
    ['NSE', '2026-11-23T15:30:00+05:30', 'closed until 2026-11-24T03:45:00.000Z'],
    ['MCX', '2026-11-23T15:30:00+05:30', 'open until 2026-11-23T18:00:00.000Z'],
    ['NSE', '2026-11-27T16:00:00+05:30', 'closed until 2026-11-30T03:45:00.000Z'],
    ['NFO', '2026-11-06T16:00:00+05:30', 'closed until 2026-11-09T03:45:00.000Z'],
    ['NSE', '2026-11-06T16:00:00+05:30', 'closed until 2026-11-08T12:30:00.000Z'],
    ['NSE', '2026-11-08T18:30:00+05:30', 'open until 2026-11-08T13:30:00.000Z'],
    ['NSE', '2026-11-10T12:00:00+05:30', 'closed until 2026-11-11T03:45:00.000Z'],
    ['MCX', '2026-11-10T12:00:00+05:30', 'open until 2026-11-10T18:00:00.000Z'],
    ['MCX', '2026-12-25T12:00:00+05:30', 'closed until 2026-12-28T03:30:00.000Z'],
    ['CDS', '2026-12-25T12:00:00+05:30', 'open until ever'],
  ])('%s at %s: %s', (exchange, instant, expected) => {
    expect(at(india, exchange, instant)).toBe(expected);
  });

  it('joins sessions that touch, across midnight too', () => {
    const globex: SessionsSpec = {
      timezone: 'America/Chicago',
      hours: [
        { days: ['Sun', 'Mon', 'Tue', 'Wed', 'Thu'], open: '17:00', close: '24:00' },
        { days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'], open: '00:00', close: '08:30' },
        { days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'], open: '08:30', close: '16:00' },
      ],
    };
    expect(at(globex, 'CME', '2026-11-22T18:00:00-06:00')).toBe('open until 2026-11-23T22:00:00.000Z');
    expect(at(globex, 'CME', '2026-11-23T00:00:00-06:00')).toBe('open until 2026-11-23T22:00:00.000Z');
    expect(at(globex, 'CME', '2026-11-27T16:00:00-06:00')).toBe('closed until 2026-11-29T23:00:00.000Z');
  });

  it('follows summer time', () => {
    const nyse: SessionsSpec = {
      timezone: 'America/New_York',
      hours: [{ days: [...weekdays], open: '09:30', close: '16:00' }],
    };
    expect(at(nyse, 'NYSE', '2026-03-06T22:00:00Z')).toBe('closed until 2026-03-09T13:30:00.000Z');
    expect(at(nyse, 'NYSE', '2026-10-30T22:00:00Z')).toBe('closed until 2026-11-02T14:30:00.000Z');
  });

  it('finds nothing to wait for where there is no session to come, or no end', () => {
    const days = [...weekdays, 'Sat', 'Sun'] as const;
    const allWeek: SessionsSpec = { timezone: 'UTC', hours: [{ days: [...days], open: '00:00', close: '24:00' }] };
    expect(at(allWeek, 'X', '2026-11-22T18:00:00Z')).toBe('open until ever');
    const holidays = Array.from({ length: 366 }, (_, i) => ({
      date: new Date(Date.UTC(2026, 0, 1 + i)).toISOString().slice(0, 10),
    }));
    const never: SessionsSpec = {
      timezone: 'UTC',
      hours: [{ days: ['Mon'], open: '09:00', close: '10:00' }],
      holidays,
    };
    expect(at(never, 'X', '2026-01-01T00:00:00Z')).toBe('closed until 2027-01-04T09:00:00.000Z');
  });
});

const minute = 60_000;
/** What a wall clock in a zone shows, from the runtime's own tables and by a way of its own. */
function wallClock(timezone: string): (instant: number) => { date: string; time: string; weekday: string } {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, dateStyle: 'short', timeStyle: 'short' });
  const weekday = new Intl.DateTimeFormat('en-US', { timeZone: timezone, weekday: 'short' });
  return (instant) => {
    const [date = '', time = ''] = format.format(instant).split(' ');
    return { date, time, weekday: weekday.format(instant) };
  };
}

/** Open minutes of `count` from `start`, by walking every minute and looking at the clock on the wall. */
function walk(spec: SessionsSpec, exchange: string, start: number, count: number): boolean[] {
  const clock = wallClock(spec.timezone);
  // A day more on either side, so that each session's first minute is seen.
  const margin = 2 * 1440;
  const walls = Array.from({ length: count + 2 * margin }, (_, i) => clock(start + (i - margin) * minute));
  const first = new Map<string, number>();
  walls.forEach(({ date, time }, i) => {
    if (!first.has(`${date} ${time}`)) first.set(`${date} ${time}`, i);
  });
  const find = (date: string, time: string): number => {
    if (time === '24:00') return find(nextDate(date), '00:00');
    const shown = first.get(`${date} ${time}`);
    if (shown !== undefined) return shown;
    // The clock never shows it: an hour on. Lord Howe moves by half an hour.
    const gap = spec.timezone === 'Australia/Lord_Howe' ? 30 : 60;
    const later = Number(time.slice(0, 2)) * 60 + Number(time.slice(3)) + gap;
    const text = `${String(Math.floor(later / 60)).padStart(2, '0')}:${String(later % 60).padStart(2, '0')}`;
    return first.get(`${date} ${text}`) ?? Number.NaN;
  };
  const open = new Array<boolean>(walls.length).fill(false);
  const dates = new Map(walls.map(({ date, weekday }) => [date, weekday]));
  const holds = (entry: { exchanges?: string[] | undefined }): boolean => entry.exchanges?.includes(exchange) ?? true;
  for (const [date, weekday] of dates) {
    const holiday = spec.holidays?.some((entry) => entry.date === date && holds(entry)) ?? false;
    const hours = spec.hours.filter((entry) => !holiday && entry.days.some((day) => day === weekday) && holds(entry));
    const special = (spec.special ?? []).filter((entry) => entry.date === date && holds(entry));
    for (const session of [...hours, ...special]) {
      const from = find(date, session.open);
      const to = find(date, session.close);
      for (let i = from; i < to; i++) open[i] = true;
    }
  }
  return open.slice(margin, margin + count);
}

function nextDate(date: string): string {
  return new Date(Date.parse(date) + 1440 * minute).toISOString().slice(0, 10);
}

const time = fc
  .integer({ min: 0, max: 95 })
  .map(
    (quarter) => `${String(Math.floor(quarter / 4)).padStart(2, '0')}:${String((quarter % 4) * 15).padStart(2, '0')}`,
  );
const hours = fc
  .tuple(time, fc.oneof(time, fc.constant('24:00')))
  .filter(([a, b]) => a !== b)
  .map(([a, b]) => (a < b ? { open: a, close: b } : { open: b, close: a }));
const exchanges = fc.constantFrom<string[] | undefined>(undefined, ['NSE'], ['MCX'], ['NSE', 'MCX']);
/** Days around changes of summer time in the zones below, and ordinary ones. */
const start = fc.constantFrom(
  '2026-03-07',
  '2026-03-28',
  '2026-04-04',
  '2026-10-03',
  '2026-10-24',
  '2026-10-31',
  '2026-07-01',
);
const zones = ['Asia/Kolkata', 'America/New_York', 'Europe/London', 'Australia/Lord_Howe', 'UTC'];

const calendar = fc
  .record({
    first: start,
    timezone: fc.constantFrom(...zones),
    hours: fc.array(
      fc.record({
        hours,
        exchanges,
        days: fc.uniqueArray(fc.constantFrom(...weekdays, 'Sat', 'Sun'), { minLength: 1 }),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    holidays: fc.array(fc.record({ day: fc.integer({ min: 0, max: 3 }), exchanges }), { maxLength: 2 }),
    special: fc.array(fc.record({ day: fc.integer({ min: 0, max: 3 }), hours, exchanges }), { maxLength: 2 }),
  })
  .map(({ first, timezone, hours, holidays, special }) => {
    const dateOf = (day: number): string =>
      new Date(Date.parse(first) + day * 1440 * minute).toISOString().slice(0, 10);
    const spec: SessionsSpec = {
      timezone,
      hours: hours.map(({ hours, days, exchanges }) => ({ ...hours, days, exchanges })) as SessionsSpec['hours'],
      holidays: holidays.map(({ day, exchanges }) => ({ date: dateOf(day), exchanges })),
      special: special.map(({ day, hours, exchanges }) => ({ date: dateOf(day), ...hours, exchanges })),
    };
    return { spec, start: Date.parse(first) };
  });

describe('laws', () => {
  it('says of every minute what the clock on the wall says, and of every change when it is', () => {
    fc.assert(
      fc.property(calendar, ({ spec, start }) => {
        const count = 3 * 1440;
        const covered = spec.hours.some(({ exchanges }) => exchanges?.includes('NSE') ?? true);
        const expected = covered ? walk(spec, 'NSE', start, count) : new Array<boolean>(count).fill(true);
        const kept = new TradingCalendar(spec);
        for (let i = 0; i < count; i += 7) {
          const { state, nextChange, since } = kept.at('NSE', start + i * minute);
          expect(`${i} ${state}`).toBe(`${i} ${expected[i] ? 'open' : 'closed'}`);
          expect(since).toBeLessThanOrEqual(start + i * minute);
          const change = expected.findIndex((open, j) => j > i && open !== expected[i]);
          if (change >= 0) expect(nextChange).toBe(start + change * minute);
          else expect(nextChange).toBeGreaterThanOrEqual(start + count * minute);
        }
      }),
      { numRuns: 25 },
    );
  }, 60_000);

  it('answers alike, whatever was asked before', () => {
    const kept = new TradingCalendar(india);
    const from = Date.parse('2026-11-05T00:00:00Z');
    const question = fc.tuple(fc.constantFrom('NSE', 'NFO', 'MCX', 'CDS'), fc.integer({ min: 0, max: 20 * 1440 }));
    fc.assert(
      fc.property(fc.array(question, { maxLength: 30 }), (questions) => {
        for (const [exchange, minutes] of questions) {
          const { state, nextChange } = sessionAt(india, exchange, from + minutes * minute);
          expect(kept.at(exchange, from + minutes * minute)).toMatchObject({ state, nextChange });
        }
      }),
      { numRuns: 50 },
    );
  });
});
