import { optionPrice } from './black-scholes.ts';
import { onGrid } from './price-paths.ts';
import type { MarketInstrument } from './universe.ts';
import { surfaceVolatility } from './volatility-surface.ts';

/** Risk-free rate, continuously compounded, a year; dividends are 0. */
export const marketRate = 0.065;

const yearMilliseconds = 365 * 86_400_000;

/** Years (of 365 days) to expiry; 0 from then on. */
export function yearsToExpiry(instrument: MarketInstrument, time: number): number {
  return Math.max(0, (instrument.expiresAt - time) / yearMilliseconds);
}

/** The volatility that an option is priced with. `level` scales its surface. */
export function modelVolatility(instrument: MarketInstrument, spot: number, time: number, level: number): number {
  if (instrument.surface === undefined) return Number.NaN;
  const years = yearsToExpiry(instrument, time);
  return surfaceVolatility(instrument.surface, spot * Math.exp(marketRate * years), instrument.strike, years, level);
}

/**
 * Price in rupees on the instrument's grid, at least one tick: the underlying's own, a future's with its carry, an
 * option's by Black and Scholes with the surface's volatility.
 */
export function modelPrice(instrument: MarketInstrument, spot: number, time: number, level: number): number {
  const { type, priceTick } = instrument;
  const years = instrument.expiresAt === Number.POSITIVE_INFINITY ? 0 : yearsToExpiry(instrument, time);
  let price = spot;
  if (type === 'FUT') price = spot * Math.exp(marketRate * years);
  if (type === 'CE' || type === 'PE') {
    const volatility = modelVolatility(instrument, spot, time, level);
    price = optionPrice(type, spot, instrument.strike, years, marketRate, volatility);
  }
  return Math.max(priceTick, onGrid(price, priceTick));
}

/** Share of the previous close by which a price may move in a day. */
const bandShare = 0.2;

/** The day's circuit band: around the previous close; for options as wide as their underlying's band makes them. */
export function circuitBand(
  instrument: MarketInstrument,
  close: number,
  previousSpot: number,
): { readonly lower: number; readonly upper: number } {
  const { type, priceTick } = instrument;
  if (type === 'INDEX') return { lower: 0, upper: Number.POSITIVE_INFINITY };
  if (type === 'CE' || type === 'PE') {
    return { lower: priceTick, upper: onGrid(close + bandShare * previousSpot, priceTick) };
  }
  return {
    lower: Math.max(priceTick, onGrid(close * (1 - bandShare), priceTick)),
    upper: onGrid(close * (1 + bandShare), priceTick),
  };
}
