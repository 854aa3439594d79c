import { expect, it } from 'vitest';
import { openExpiries } from './expiries.ts';
import { futureSymbol, optionSymbol } from './symbols.ts';

const always = (): boolean => true;
const tuesdays = { weekday: 2, weeklies: 3, monthlies: 2 };

it('lists weekly and monthly expiries from the date on, that day too', () => {
  const expected = [
    { date: '2026-11-17', monthly: false },
    { date: '2026-11-24', monthly: true },
    { date: '2026-12-01', monthly: false },
    { date: '2026-12-29', monthly: true },
  ];
  expect(openExpiries(tuesdays, '2026-11-11', always)).toEqual(expected);
  expect(openExpiries(tuesdays, '2026-11-17', always)).toEqual(expected);
  expect(openExpiries(tuesdays, '2026-11-18', always)[0]).toEqual({ date: '2026-11-24', monthly: true });
});

it('moves an expiry from a holiday to the day before, which may be past', () => {
  const open = (date: string): boolean => date !== '2026-11-24';
  expect(openExpiries(tuesdays, '2026-11-20', open)[0]).toEqual({ date: '2026-11-23', monthly: true });
  expect(openExpiries(tuesdays, '2026-11-24', open)[0]).toEqual({ date: '2026-12-01', monthly: false });
});

it("names contracts as the exchange's symbols do", () => {
  const monthly = { date: '2026-11-24', monthly: true };
  expect(futureSymbol('NIFTY', monthly)).toBe('NIFTY26NOVFUT');
  expect(optionSymbol('NIFTY', monthly, 24_000, 'CE')).toBe('NIFTY26NOV24000CE');
  expect(optionSymbol('NIFTY', { date: '2026-11-10', monthly: false }, 24_000, 'PE')).toBe('NIFTY26N1024000PE');
  expect(optionSymbol('NIFTY', { date: '2026-09-08', monthly: false }, 24_000, 'PE')).toBe('NIFTY2690824000PE');
});
