import { hash, hashUniform } from './hash.ts';
import { exact } from './price-paths.ts';
import type { Level } from './quote.ts';
import type { MarketInstrument } from './universe.ts';

export interface Book {
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  readonly buyQuantity: number;
  readonly sellQuantity: number;
}

const levels = 5;
const usualLots = 40;

/**
 * Five levels on each side of the last price, which is the best bid or the best ask. Never crossed, prices monotone and
 * within the band; a side has fewer levels where the band ends.
 */
export function bookAt(
  seed: number,
  instrument: MarketInstrument,
  lastPrice: number,
  time: number,
  band: { readonly lower: number; readonly upper: number },
): Book {
  const key = hash(seed, instrument.token, Math.floor(time / 50));
  const tick = instrument.priceTick;
  const spread = tick * (1 + (hash(key, 1) % 2));
  const soldLast = (hash(key, 2) & 1) === 0;
  const bestBid = soldLast ? lastPrice : lastPrice - spread;
  const bids = side(key, 3, instrument, bestBid, -tick, band);
  const asks = side(key, 4, instrument, bestBid + spread, tick, band);
  return {
    bids,
    asks,
    buyQuantity: total(key, 5, bids),
    sellQuantity: total(key, 6, asks),
  };
}

function side(
  key: number,
  salt: number,
  instrument: MarketInstrument,
  best: number,
  step: number,
  band: { readonly lower: number; readonly upper: number },
): Level[] {
  const found: Level[] = [];
  const lot = Math.max(1, instrument.lotSize);
  let price = best;
  for (let level = 0; level < levels; level++) {
    const rounded = exact(Math.round(price / instrument.priceTick) * instrument.priceTick);
    if (rounded < band.lower || rounded > band.upper) break;
    const draw = hashUniform(key, salt, level);
    const lots = 1 + Math.floor(usualLots * draw * (1 + level));
    found.push({ price: rounded, quantity: lots * lot, orders: Math.min(lots, 1 + Math.floor(lots / 3)) });
    price += step * (1 + (hash(key, salt, level + 8) % 2));
  }
  return found;
}

/** Orders further away count too. */
function total(key: number, salt: number, side: readonly Level[]): number {
  let sum = 0;
  for (const level of side) sum += level.quantity;
  return Math.round(sum * (2 + 8 * hashUniform(key, salt)));
}
