import { localTimestamp } from '../../../mock/market/calendar.ts';
import type { MarketSnapshot } from '../../../mock/market/market.ts';
import { exact } from '../../../mock/market/price-paths.ts';
import type { Level, Quote } from '../../../mock/market/quote.ts';
import { inputError } from './kite-error.ts';

/** Instruments that one call may ask for. */
const most = { quote: 500, ohlc: 1000, ltp: 1000 } as const;
export type QuoteCall = keyof typeof most;

/** `data` of `/quote`, `/quote/ohlc` or `/quote/ltp`: by the names that were asked for; unknown ones are absent. */
export function quotes(call: QuoteCall, names: readonly string[], snapshot: MarketSnapshot): Record<string, object> {
  if (names.length === 0) throw inputError('Missing or empty field `i`');
  if (names.length > most[call]) throw inputError(`Too many instruments: at most ${most[call]} in a call`);
  const data: Record<string, object> = {};
  for (const name of names) {
    const { byName, byToken } = snapshot.universe;
    const instrument = byName.get(name) ?? (/^\d+$/.test(name) ? byToken.get(Number(name)) : undefined);
    const quote = instrument === undefined ? undefined : snapshot.quote(instrument.token);
    if (quote !== undefined) data[name] = views[call](quote);
  }
  return data;
}

const ltp = ({ instrument, lastPrice }: Quote) => ({ instrument_token: instrument.token, last_price: lastPrice });

const ohlc = (quote: Quote) => ({
  ...ltp(quote),
  ohlc: { open: quote.open, high: quote.high, low: quote.low, close: quote.close },
});

function full(quote: Quote): object {
  const common = {
    ...ohlc(quote),
    timestamp: localTimestamp(quote.exchangeTime),
    net_change: exact(quote.lastPrice - quote.close),
  };
  if (quote.instrument.type === 'INDEX') return common;
  return {
    ...common,
    last_trade_time: localTimestamp(quote.lastTradeTime),
    last_quantity: quote.lastQuantity,
    buy_quantity: quote.buyQuantity,
    sell_quantity: quote.sellQuantity,
    volume: quote.volume,
    average_price: quote.averagePrice,
    oi: quote.openInterest,
    oi_day_high: quote.openInterestHigh,
    oi_day_low: quote.openInterestLow,
    lower_circuit_limit: quote.lowerCircuit,
    upper_circuit_limit: quote.upperCircuit,
    depth: { buy: levels(quote.bids), sell: levels(quote.asks) },
  };
}

/** Always five; levels that nobody fills are zeros. */
function levels(side: readonly Level[]): Level[] {
  return Array.from({ length: 5 }, (_, index) => side[index] ?? { price: 0, quantity: 0, orders: 0 });
}

const views = { quote: full, ohlc, ltp } as const;
