import type { Mode } from '../../../../crds/index.ts';
import type { Level, Quote } from '../../mock/market/quote.ts';
import { type PacketKind, type WireFields, type WireLevel, wireDivisor } from './encoder.ts';

/** Which packet says this instrument in this mode: indices have their own, without depth and volume. */
export function packetKind(quote: Quote, mode: Mode): PacketKind {
  if (mode === 'ltp' || quote.instrument.type !== 'INDEX') return mode;
  return mode === 'quote' ? 'indexQuote' : 'indexFull';
}

/** A quote in the wire's integers. */
export function wireFields(quote: Quote, kind: PacketKind): WireFields {
  const token = quote.instrument.token;
  const divisor = wireDivisor(token);
  const price = (rupees: number): number => Math.round(rupees * divisor);
  const lastPrice = price(quote.lastPrice);
  if (kind === 'ltp') return { token, lastPrice };
  const close = price(quote.close);
  const common = {
    token,
    lastPrice,
    open: price(quote.open),
    high: price(quote.high),
    low: price(quote.low),
    close,
    exchangeTime: seconds(quote.exchangeTime),
  };
  if (kind === 'indexQuote' || kind === 'indexFull') return { ...common, priceChange: lastPrice - close };
  const traded = {
    ...common,
    lastQuantity: quote.lastQuantity,
    averagePrice: price(quote.averagePrice),
    volume: quote.volume,
    buyQuantity: quote.buyQuantity,
    sellQuantity: quote.sellQuantity,
  };
  if (kind === 'quote') return traded;
  const levels = (side: readonly Level[]): WireLevel[] =>
    side.map((level) => ({ quantity: level.quantity, price: price(level.price), orders: level.orders }));
  return {
    ...traded,
    lastTradeTime: seconds(quote.lastTradeTime),
    openInterest: quote.openInterest,
    openInterestHigh: quote.openInterestHigh,
    openInterestLow: quote.openInterestLow,
    bids: levels(quote.bids),
    asks: levels(quote.asks),
  };
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
