import type { Instrument, InstrumentMaster } from '../../cluster/market-data.ts';

let nextToken = 1000;

/** A row for tests; what isn't said is an NSE share. */
export function instrument(row: Partial<Instrument> & { symbol: string }): Instrument {
  return {
    token: nextToken++,
    exchange: 'NSE',
    name: row.symbol,
    segment: row.exchange ?? 'NSE',
    type: 'EQ',
    strike: 0,
    tickSize: 0.05,
    lotSize: 1,
    ...row,
  };
}

/** Calls and puts of one expiry at each strike. */
export function options(name: string, expiry: string, strikes: readonly number[], exchange = 'NFO'): Instrument[] {
  return strikes.flatMap((strike) =>
    (['CE', 'PE'] as const).map((type) =>
      instrument({
        symbol: `${name}${expiry.replaceAll('-', '').slice(2)}${strike}${type}`,
        exchange,
        segment: `${exchange}-OPT`,
        name,
        type,
        expiry,
        strike,
        lotSize: 75,
      }),
    ),
  );
}

export function master(instruments: readonly Instrument[], version = 'v1'): InstrumentMaster {
  return { version, loadedAt: 0, instruments };
}

/** Numbers from `first` to `last` by `step`. */
export function range(first: number, last: number, step: number): number[] {
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, n) => first + n * step);
}

export const nifty = instrument({ symbol: 'NIFTY 50', segment: 'INDICES', type: 'INDEX', token: 256265 });

/** A small market: shares, an index with two weekly expiries of 41 strikes and one that is past, futures, a commodity. */
export function smallMarket(): Instrument[] {
  return [
    nifty,
    ...['RELIANCE', 'INFY', 'TCS', 'HDFCBANK', 'HDFCLIFE'].map((symbol) => instrument({ symbol })),
    instrument({ symbol: 'SENSEX', exchange: 'BSE', segment: 'INDICES', type: 'INDEX' }),
    ...options('NIFTY', '2026-01-01', [24000]),
    ...options('NIFTY', '2026-01-08', range(23000, 25000, 50)),
    ...options('NIFTY', '2026-01-15', range(23000, 25000, 50)),
    ...options('RELIANCE', '2026-01-29', range(1300, 1500, 10)),
    instrument({
      symbol: 'NIFTY26JANFUT',
      exchange: 'NFO',
      segment: 'NFO-FUT',
      name: 'NIFTY',
      type: 'FUT',
      expiry: '2026-01-29',
    }),
    instrument({
      symbol: 'NIFTY26FEBFUT',
      exchange: 'NFO',
      segment: 'NFO-FUT',
      name: 'NIFTY',
      type: 'FUT',
      expiry: '2026-02-26',
    }),
    instrument({
      symbol: 'RELIANCE26JANFUT',
      exchange: 'NFO',
      segment: 'NFO-FUT',
      name: 'RELIANCE',
      type: 'FUT',
      expiry: '2026-01-29',
    }),
    instrument({
      symbol: 'GOLD26FEBFUT',
      exchange: 'MCX',
      segment: 'MCX-FUT',
      name: 'GOLD',
      type: 'FUT',
      expiry: '2026-02-05',
    }),
    instrument({
      symbol: 'GOLD26APRFUT',
      exchange: 'MCX',
      segment: 'MCX-FUT',
      name: 'GOLD',
      type: 'FUT',
      expiry: '2026-04-03',
    }),
    ...options('GOLD', '2026-03-27', [70000, 71000], 'MCX'),
  ];
}
