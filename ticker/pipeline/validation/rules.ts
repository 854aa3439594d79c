import { depthLevels, Packet } from '../../tick-columns.ts';
import { consistentOrders, crossed, negativeQuantity, unsorted } from './depth.ts';
import { anyNotFinite, negativePrice } from './fields.ts';
import type { Rule } from './rule.ts';
import { averageTolerance, clockTolerance, jumpShare, secondsTolerance, sessionBreak } from './tolerances.ts';

const every = Object.values(Packet);
const priced = [Packet.quote, Packet.full, Packet.indexQuote, Packet.indexFull];
const quoted = [Packet.quote, Packet.full];
const timed = [Packet.full, Packet.indexFull];
const full = [Packet.full];

const ohlc = ['open', 'high', 'low', 'close'];
const oi = ['oi', 'oi_day_high', 'oi_day_low'];
const prices = ['bid_price', 'ask_price'];
const quantities = ['bid_quantity', 'ask_quantity'];
const orders = ['bid_orders', 'ask_orders'];
const totals = ['last_quantity', 'volume', 'buy_quantity', 'sell_quantity'];

/**
 * Every rule, in the order of their bits. Zero means "none yet" wherever a broker sends it so before the first trade
 * of a day, and breaks no rule there.
 */
export const rules: readonly Rule[] = [
  {
    name: 'notFinite',
    description: 'Every number of the packet is finite.',
    packets: every,
    fields: [
      'last_price',
      'average_price',
      ...ohlc,
      ...totals,
      ...oi,
      ...prices,
      ...quantities,
      'exchange_time',
      'last_trade_time',
    ],
    usual: 'enforce',
    broken: anyNotFinite,
  },
  {
    name: 'priceNotPositive',
    description: 'The last price is above 0. In a packet with volume it may be 0 while the volume is: not traded yet.',
    packets: every,
    fields: ['last_price'],
    usual: 'enforce',
    broken(ticks, row) {
      const price = ticks.lastPrice[row]!;
      if (price > 0) return false;
      const packet = ticks.packet[row]!;
      const untraded = (packet === Packet.quote || packet === Packet.full) && ticks.volume[row] === 0;
      return !(price === 0 && untraded);
    },
  },
  {
    name: 'negativePrice',
    description: 'No price of the day, average or of the depth is below 0.',
    packets: priced,
    fields: [...ohlc, 'average_price', ...prices],
    usual: 'enforce',
    broken: negativePrice,
  },
  {
    name: 'ohlcOrder',
    description: 'Low ≤ open ≤ high. Zeros are not there yet.',
    packets: priced,
    fields: ['open', 'high', 'low'],
    usual: 'enforce',
    broken(ticks, row) {
      const open = ticks.open[row]!;
      const high = ticks.high[row]!;
      const low = ticks.low[row]!;
      return high > 0 && low > 0 && (low > high || (open > 0 && (open < low || open > high)));
    },
  },
  {
    name: 'priceOutsideDayRange',
    description: "Low ≤ last price ≤ high. Does not hold of a day's range that is 0, nor before the first trade.",
    packets: priced,
    fields: ['last_price', 'high', 'low'],
    usual: 'enforce',
    broken(ticks, row) {
      const price = ticks.lastPrice[row]!;
      const high = ticks.high[row]!;
      const low = ticks.low[row]!;
      const packet = ticks.packet[row]!;
      if ((packet === Packet.quote || packet === Packet.full) && ticks.volume[row] === 0) return false;
      return high > 0 && low > 0 && (price > high || price < low);
    },
  },
  {
    name: 'averageOutsideDayRange',
    description: 'Low ≤ average price ≤ high, to 0.05.',
    packets: quoted,
    fields: ['average_price', 'high', 'low'],
    usual: 'report',
    broken(ticks, row) {
      const average = ticks.averagePrice[row]!;
      const high = ticks.high[row]!;
      const low = ticks.low[row]!;
      if (average <= 0 || high <= 0 || low <= 0 || ticks.volume[row] === 0) return false;
      return average > high + averageTolerance || average < low - averageTolerance;
    },
  },
  {
    name: 'quantityNegative',
    description: 'No quantity, volume or open interest is below 0.',
    packets: quoted,
    fields: [...totals, ...oi],
    usual: 'enforce',
    broken(ticks, row) {
      if (ticks.lastQuantity[row]! < 0 || ticks.volume[row]! < 0) return true;
      if (ticks.buyQuantity[row]! < 0 || ticks.sellQuantity[row]! < 0) return true;
      if (ticks.packet[row] !== Packet.full) return false;
      return ticks.openInterest[row]! < 0 || ticks.openInterestHigh[row]! < 0 || ticks.openInterestLow[row]! < 0;
    },
  },
  {
    name: 'volumeDecreased',
    description:
      'The volume of the day does not fall. A new day may begin where the previous close changes, after 3 h without a trade, and while the range of the day is one price.',
    packets: quoted,
    fields: ['volume'],
    usual: 'enforce',
    broken(ticks, row, context) {
      if (context.first || !(ticks.volume[row]! < context.previousVolume)) return false;
      if (ticks.close[row] !== context.previousClose || ticks.high[row] === ticks.low[row]) return false;
      return ticks.receiveTime[row]! - context.volumeChangedTime < sessionBreak;
    },
  },
  {
    name: 'openInterestOutsideDayRange',
    description: "Open interest is within the day's low and high. A high of 0 is none.",
    packets: full,
    fields: oi,
    usual: 'enforce',
    broken(ticks, row) {
      const high = ticks.openInterestHigh[row]!;
      const now = ticks.openInterest[row]!;
      return high > 0 && (now > high || now < ticks.openInterestLow[row]!);
    },
  },
  {
    name: 'depthNotSorted',
    description: 'Bids fall and asks rise from the best level on; levels without a price are none.',
    packets: full,
    fields: prices,
    usual: 'enforce',
    broken(ticks, row) {
      const at = row * depthLevels;
      return unsorted(ticks.bidPrice, at, -1) || unsorted(ticks.askPrice, at, 1);
    },
  },
  {
    name: 'depthCrossed',
    description: 'The best bid is not above the best ask. Before the first trade (an auction) it may be.',
    packets: full,
    fields: prices,
    usual: 'enforce',
    broken: crossed,
  },
  {
    name: 'depthQuantityNegative',
    description: 'No quantity of the depth is below 0.',
    packets: full,
    fields: quantities,
    usual: 'enforce',
    broken(ticks, row) {
      const at = row * depthLevels;
      return negativeQuantity(ticks.bidQuantity, at) || negativeQuantity(ticks.askQuantity, at);
    },
  },
  {
    name: 'depthOrdersInconsistent',
    description: 'A level of the depth has orders exactly where it has a quantity.',
    packets: full,
    fields: [...quantities, ...orders],
    usual: 'report',
    broken(ticks, row) {
      const at = row * depthLevels;
      return !(
        consistentOrders(ticks.bidQuantity, ticks.bidOrders, at) &&
        consistentOrders(ticks.askQuantity, ticks.askOrders, at)
      );
    },
  },
  {
    name: 'timeInFuture',
    description: 'Exchange time and last trade time are at most 5 s after the receive time.',
    packets: timed,
    fields: ['exchange_time', 'last_trade_time', 'receive_time'],
    usual: 'enforce',
    broken(ticks, row) {
      const latest = ticks.receiveTime[row]! + clockTolerance;
      if (ticks.exchangeTime[row]! > latest) return true;
      return ticks.packet[row] === Packet.full && ticks.lastTradeTime[row]! > latest;
    },
  },
  {
    name: 'timeMovedBack',
    description: 'Exchange time does not go back, except on the first tick after a subscribe.',
    packets: timed,
    fields: ['exchange_time'],
    usual: 'enforce',
    broken(ticks, row, context) {
      const time = ticks.exchangeTime[row]!;
      return !context.first && time !== 0 && time < context.previousExchangeTime;
    },
  },
  {
    name: 'tradeAfterExchangeTime',
    description: 'The last trade is not after the exchange time, to 1 s.',
    packets: full,
    fields: ['last_trade_time', 'exchange_time'],
    usual: 'enforce',
    broken(ticks, row) {
      const exchange = ticks.exchangeTime[row]!;
      return exchange !== 0 && ticks.lastTradeTime[row]! > exchange + secondsTolerance;
    },
  },
  {
    name: 'priceJump',
    description:
      "The last price moves by no more than 20 % between two ticks; an option's by no more than 20 % of its underlying's price.",
    packets: every,
    fields: ['last_price'],
    usual: 'report',
    broken(ticks, row, context) {
      const price = ticks.lastPrice[row]!;
      if (context.first || price === 0) return false;
      // False where there is no previous price (NaN).
      return Math.abs(price - context.previousPrice) > jumpShare * context.scalePrice;
    },
  },
];

/** What `spec.validation.rules` may name. */
export const ruleNames: readonly string[] = rules.map((rule) => rule.name);
