import { hash, hashUniform } from './hash.ts';
import type { Session } from './sessions.ts';
import type { MarketInstrument } from './universe.ts';

/** What was traded in a session up to a time; a function of time, so that it never goes back. */
export interface Activity {
  readonly volume: number;
  readonly lastQuantity: number;
  readonly openInterest: number;
}

/** Trades a day of the most liquid instruments. */
const mostTrades = 120_000;
/** Keeps volumes within what 32 bits on the wire hold. */
const mostVolume = 2 ** 31 - 1;

/**
 * How lively an instrument is, from 0 to 1: shares by their number, futures and options less the further they are from
 * the money and from expiry. `moneyness` is strike over spot.
 */
export function liquidity(instrument: MarketInstrument, time: number, moneyness: number): number {
  const own = 0.3 + 0.7 * hashUniform(instrument.underlying.id, 11);
  if (instrument.type === 'EQ') return instrument.exchange === 'NSE' ? own : own / 8;
  const days = Math.max(0, (instrument.expiresAt - time) / 86_400_000);
  const term = Math.exp(-days / 30);
  if (instrument.type === 'FUT') return own * term;
  return own * term * Math.exp(-((Math.log(moneyness) / 0.04) ** 2));
}

/** @param lively {@link liquidity} at the session's open: it must not change within a session */
export function activityAt(
  seed: number,
  instrument: MarketInstrument,
  session: Session,
  time: number,
  lively: number,
): Activity {
  const trades = 20 + Math.floor(mostTrades * lively);
  const elapsed = Math.max(0, Math.min(1, (time - session.open) / (session.close - session.open)));
  const lot = Math.max(1, instrument.lotSize);
  const usual = usualLots(instrument);
  const cap = Math.floor(mostVolume / lot / (usual + 1));
  const count = Math.max(1, Math.min(cap, Math.floor(trades * elapsed) + 1));
  const key = seed ^ instrument.token;
  const lotsAfter = (trade: number): number => (trade === 0 ? 0 : trade * usual + (hash(key, trade, 21) % usual));
  const derivative = instrument.type !== 'EQ' && instrument.type !== 'INDEX';
  return {
    volume: lotsAfter(count) * lot,
    lastQuantity: (lotsAfter(count) - lotsAfter(count - 1)) * lot,
    openInterest: derivative ? openInterest(key, instrument, session, elapsed, lively) : 0,
  };
}

/** Lots of a usual trade. */
function usualLots(instrument: MarketInstrument): number {
  if (instrument.type !== 'EQ') return 4;
  return Math.max(4, Math.round(20_000 / instrument.underlying.base));
}

function openInterest(
  key: number,
  instrument: MarketInstrument,
  session: Session,
  elapsed: number,
  lively: number,
): number {
  const most = 50 + 60_000 * lively;
  const day = Math.floor(session.open / 86_400_000);
  const from = most * (0.5 + 0.5 * hashUniform(key, day, 31));
  const to = most * (0.5 + 0.5 * hashUniform(key, day + 1, 31));
  return Math.round(from + (to - from) * elapsed) * instrument.lotSize;
}
