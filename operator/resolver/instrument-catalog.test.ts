import { describe, expect, test } from 'vitest';
import { InstrumentCatalog } from './instrument-catalog.ts';
import { instrument, master, options, smallMarket } from './master.testing.ts';
import { nearestNames } from './nearest-names.ts';
import { underlyingOf } from './underlyings.ts';

const catalog = new InstrumentCatalog(master(smallMarket()), '2026-01-05');

describe('InstrumentCatalog', () => {
  test('finds by name and token, expiries from today on', () => {
    expect(catalog.find('NSE:NIFTY 50')?.token).toBe(256265);
    expect(catalog.byToken(256265)?.symbol).toBe('NIFTY 50');
    expect(catalog.expiries('NFO', 'NIFTY')).toEqual(['2026-01-08', '2026-01-15']);
    expect(catalog.options('NFO', 'NIFTY', '2026-01-08')?.strikes).toHaveLength(41);
    expect(catalog.options('NFO', 'NIFTY', '2026-01-09')).toBeUndefined();
  });

  test('an instrument resolves through its day of expiry and never after it', () => {
    const rows = options('NIFTY', '2026-01-08', [24000]);
    const on = (today: string) => new InstrumentCatalog(master(rows), today).find('NFO:NIFTY26010824000CE');
    expect(on('2026-01-08')).toBeDefined();
    expect(on('2026-01-09')).toBeUndefined();
  });

  test('an expired row does not take its token from the instrument that has it now', () => {
    const old = instrument({ symbol: 'OLD', expiry: '2026-01-01', token: 7 });
    const current = instrument({ symbol: 'NEW', expiry: '2026-02-01', token: 7 });
    const found = new InstrumentCatalog(master([old, current]), '2026-01-05');
    expect(found.byToken(7)?.symbol).toBe('NEW');
    expect(found.expiredOn('NSE:OLD')).toBe('2026-01-01');
  });

  test('suggests near names, and the same symbol on another exchange first', () => {
    expect(catalog.suggestions('NSE:RELIANC')).toEqual(['NSE:RELIANCE']);
    expect(catalog.suggestions('NSE:HDFCBNK')[0]).toBe('NSE:HDFCBANK');
    expect(catalog.suggestions('NFO:RELIANCE')[0]).toBe('NSE:RELIANCE');
    expect(catalog.suggestions('NSE:NIFTY')).toContain('NSE:NIFTY 50');
    expect(catalog.suggestions('NSE:ZZZZZZZZ')).toEqual([]);
  });
});

test('nearest names of 100,000 are found quickly', () => {
  const names = Array.from({ length: 100_000 }, (_, n) => `SYMBOL${n}`);
  const started = performance.now();
  expect(nearestNames('SYMBOL4999X', names)).toContain('SYMBOL49990');
  expect(performance.now() - started).toBeLessThan(500);
});

describe('underlyingOf', () => {
  const named = (name: string) => catalog.find(name)!;
  test('an index by its option name, a share by its own', () => {
    expect(underlyingOf(named('NFO:NIFTY26010824000CE'), catalog)?.symbol).toBe('NIFTY 50');
    expect(underlyingOf(named('NFO:RELIANCE2601291400PE'), catalog)?.symbol).toBe('RELIANCE');
  });
  test('the first future that lives as long as the option where there is no spot', () => {
    expect(underlyingOf(named('MCX:GOLD26032770000CE'), catalog)?.symbol).toBe('GOLD26APRFUT');
  });
  test('only options have one', () => {
    expect(underlyingOf(named('NSE:INFY'), catalog)).toBeUndefined();
  });
});
