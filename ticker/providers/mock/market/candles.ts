import { addDays, dateOf, day, instantOf } from './calendar.ts';
import type { Market } from './market.ts';
import type { MarketInstrument } from './universe.ts';

/** Prices in rupees; `time` is the candle's start, milliseconds since the epoch. */
export interface MarketCandle {
  readonly time: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly openInterest: number;
}

/** Prices looked at within one candle. */
const samples = 4;
const samplesOfDay = 32;

/**
 * Candles that start from `from` to `to` (milliseconds, both inclusive), in order, none in the future; the last one may
 * still be forming. Aligned to the session's open; a day's candle starts at midnight.
 *
 * @param minutes length; 1440 for a day
 */
export function* candles(
  market: Market,
  instrument: MarketInstrument,
  minutes: number,
  from: number,
  to: number,
  now: number,
): Generator<MarketCandle> {
  const lastDate = dateOf(Math.min(to, now));
  for (let date = dateOf(from); date <= lastDate; date = addDays(date, 1)) {
    const session = market.session(instrument, instantOf(date) + day - 1);
    if (dateOf(session.open) !== date) continue;
    const ends = Math.min(session.close, instrument.expiresAt, now);
    const isDay = minutes === 1440;
    const length = isDay ? session.close - session.open : minutes * 60_000;
    for (let start = session.open; start < ends; start += length) {
      const time = isDay ? instantOf(date) : start;
      if (time < from) continue;
      if (time > to) return;
      yield candle(market, instrument, time, start, Math.min(start + length, ends), isDay ? samplesOfDay : samples);
    }
  }
}

function candle(
  market: Market,
  instrument: MarketInstrument,
  time: number,
  start: number,
  end: number,
  points: number,
): MarketCandle {
  const open = market.priceAt(instrument, start);
  let high = open;
  let low = open;
  let close = open;
  for (let point = 1; point <= points; point++) {
    close = market.priceAt(instrument, start + ((end - start) * point) / points);
    high = Math.max(high, close);
    low = Math.min(low, close);
  }
  if (instrument.type === 'INDEX') return { time, open, high, low, close, volume: 0, openInterest: 0 };
  const session = market.session(instrument, start);
  const before = start === session.open ? 0 : market.activityAt(instrument, session, start).volume;
  const after = market.activityAt(instrument, session, end);
  return { time, open, high, low, close, volume: after.volume - before, openInterest: after.openInterest };
}
