import { type Clock, sleep } from '../../../../../runtime/clock.ts';
import { offsetTimestamp, parseLocal } from '../../../mock/market/calendar.ts';
import { candles } from '../../../mock/market/candles.ts';
import type { Market } from '../../../mock/market/market.ts';
import type { Universe } from '../../../mock/market/universe.ts';
import { inputError } from './kite-error.ts';

/** Minutes of each interval, and the days that one call may span. */
const intervals: Readonly<Record<string, { readonly minutes: number; readonly days: number }>> = {
  minute: { minutes: 1, days: 60 },
  '3minute': { minutes: 3, days: 100 },
  '5minute': { minutes: 5, days: 100 },
  '10minute': { minutes: 10, days: 100 },
  '15minute': { minutes: 15, days: 200 },
  '30minute': { minutes: 30, days: 200 },
  '60minute': { minutes: 60, days: 400 },
  day: { minutes: 1440, days: 2000 },
};

/** Candles made before others get a turn. */
const yieldEvery = 2000;

/** `data` of `/instruments/historical/:token/:interval`. */
export async function historical(
  market: Market,
  universe: Universe,
  clock: Clock,
  token: string,
  interval: string,
  query: URLSearchParams,
): Promise<{ candles: (string | number)[][] }> {
  const instrument = universe.byToken.get(Number(token));
  if (instrument === undefined) throw inputError('invalid token');
  const kind = Object.hasOwn(intervals, interval) ? intervals[interval] : undefined;
  if (kind === undefined) throw inputError('invalid interval');
  const from = parseLocal(query.get('from') ?? '');
  const to = parseLocal(query.get('to') ?? '');
  if (Number.isNaN(from)) throw inputError('invalid from date');
  if (Number.isNaN(to)) throw inputError('invalid to date');
  if (from > to) throw inputError('invalid date range: from is after to');
  if (to - from > kind.days * 86_400_000) throw inputError(`interval exceeds max limit: ${kind.days} days`);
  const withOpenInterest = query.get('oi') === '1';
  const rows: (string | number)[][] = [];
  for (const candle of candles(market, instrument, kind.minutes, from, to, clock.now())) {
    const row = [offsetTimestamp(candle.time), candle.open, candle.high, candle.low, candle.close, candle.volume];
    if (withOpenInterest) row.push(candle.openInterest);
    rows.push(row);
    if (rows.length % yieldEvery === 0) await sleep(clock, 0);
  }
  return { candles: rows };
}
