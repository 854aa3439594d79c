import { expect, test } from 'vitest';
import { instantOf } from './zoned-time.ts';

const cases: [date: string, time: string, zone: string, utc: string][] = [
  ['2026-01-29', '15:30', 'Asia/Kolkata', '2026-01-29T10:00:00Z'],
  ['2026-01-29', '00:00', 'Asia/Kolkata', '2026-01-28T18:30:00Z'],
  ['2026-01-29', '23:59', 'UTC', '2026-01-29T23:59:00Z'],
  ['2026-01-16', '16:00', 'America/New_York', '2026-01-16T21:00:00Z'],
  ['2026-07-17', '16:00', 'America/New_York', '2026-07-17T20:00:00Z'],
  ['2026-03-08', '01:59', 'America/New_York', '2026-03-08T06:59:00Z'],
  ['2026-03-08', '03:00', 'America/New_York', '2026-03-08T07:00:00Z'],
  ['2026-03-08', '02:30', 'America/New_York', '2026-03-08T07:30:00Z'],
  ['2026-11-01', '01:30', 'America/New_York', '2026-11-01T05:30:00Z'],
  ['2026-11-01', '02:00', 'America/New_York', '2026-11-01T07:00:00Z'],
];

test.each(cases)('%s %s in %s', (date, time, zone, utc) => {
  expect(new Date(instantOf(date, time, zone) / 1000).toISOString()).toBe(new Date(utc).toISOString());
});

test('NaN where there is no such zone or date', () => {
  expect(instantOf('2026-01-29', '15:30', 'Asia/Kolkatta')).toBeNaN();
  expect(instantOf('2026-13-29', '15:30', 'Asia/Kolkata')).toBeNaN();
});
