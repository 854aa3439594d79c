import { expect, it } from 'vitest';
import { instantOf } from './calendar.ts';
import { indianHours, Sessions } from './sessions.ts';

const friday = '2026-11-20';
const monday = '2026-11-23';

it('finds the session going on, or the last one', () => {
  const sessions = new Sessions(indianHours);
  const fridays = {
    open: instantOf(friday, 555),
    close: instantOf(friday, 930),
    previousClose: instantOf('2026-11-19', 930),
  };
  for (const time of [
    instantOf(friday, 555),
    instantOf(friday, 929),
    instantOf('2026-11-22'),
    instantOf(monday, 554),
  ]) {
    expect(sessions.at('NSE', time)).toEqual(fridays);
  }
  expect(sessions.at('NSE', instantOf(monday, 555)).open).toBe(instantOf(monday, 555));
  // Back in time, past what is remembered.
  expect(sessions.at('NSE', instantOf(friday, 600))).toEqual(fridays);
});

it('closes exchanges at their own times', () => {
  const sessions = new Sessions(indianHours);
  const evening = instantOf(monday, 1200);
  expect([sessions.isOpen('NSE', evening), sessions.isOpen('MCX', evening)]).toEqual([false, true]);
});

it('knows holidays, and refuses a calendar without a trading day', () => {
  const hours = { default: { open: 555, close: 930 } };
  expect(new Sessions({ hours, holidays: [monday] }).isOpen('NSE', instantOf(monday, 600))).toBe(false);
  const never = Array.from({ length: 60 }, (_, index) =>
    new Date(Date.UTC(2026, 9, 1 + index)).toISOString().slice(0, 10),
  );
  expect(() => new Sessions({ hours, holidays: never }).at('NSE', instantOf(monday))).toThrow(RangeError);
});

it('never closes when it trades always', () => {
  const sessions = new Sessions('always');
  for (const minutes of [0, 1, 719, 1439]) expect(sessions.isOpen('NSE', instantOf('2026-11-22', minutes))).toBe(true);
  expect(sessions.at('NSE', instantOf('2026-11-22', 60))).toEqual({
    open: instantOf('2026-11-22'),
    close: instantOf(monday),
    previousClose: instantOf('2026-11-22'),
  });
});
