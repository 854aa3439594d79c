import type { MarketInstrument } from './universe.ts';

/** One level of the order book. */
export interface Level {
  readonly price: number;
  readonly quantity: number;
  readonly orders: number;
}

/**
 * Everything that a feed says of one instrument at one time. Prices in rupees, times in milliseconds since the epoch.
 * Of an index only prices and times are set; the rest is 0 or empty.
 */
export interface Quote {
  readonly instrument: MarketInstrument;
  /** When the exchange made it: the last instant of trading when it is closed. */
  readonly exchangeTime: number;
  readonly lastTradeTime: number;
  readonly lastPrice: number;
  readonly lastQuantity: number;
  /** Volume-weighted, of the day. */
  readonly averagePrice: number;
  /** Of the day. */
  readonly volume: number;
  readonly buyQuantity: number;
  readonly sellQuantity: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  /** Of the session before. */
  readonly close: number;
  readonly lowerCircuit: number;
  readonly upperCircuit: number;
  readonly openInterest: number;
  readonly openInterestHigh: number;
  readonly openInterestLow: number;
  /** Best first, five at most; fewer where the price band or the grid ends. */
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}
