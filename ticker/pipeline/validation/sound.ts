import { depthLevels, Packet, type TickColumns } from '../../tick-columns.ts';
import type { RowContext } from './rule.ts';
import { averageTolerance, clockTolerance, jumpShare, secondsTolerance } from './tolerances.ts';

/**
 * Whether a row plainly breaks no rule of the table, in one pass over its columns: true for nearly every row of a market,
 * and then no rule need be asked. False says nothing (a level of depth that is not there, a day without trades): the
 * table decides. A test holds that no row for which this is true breaks a rule.
 */
export function sound(ticks: TickColumns, row: number, context: RowContext): boolean {
  const packet = ticks.packet[row]!;
  if (packet !== Packet.full && packet !== Packet.quote) return false;
  const price = ticks.lastPrice[row]!;
  const low = ticks.low[row]!;
  const high = ticks.high[row]!;
  const open = ticks.open[row]!;
  const close = ticks.close[row]!;
  if (!(low > 0 && low <= open && open <= high && low <= price && price <= high)) return false;
  const average = ticks.averagePrice[row]!;
  if (!(average >= 0 && average >= low - averageTolerance && average <= high + averageTolerance)) return false;
  const volume = ticks.volume[row]!;
  const lastQuantity = ticks.lastQuantity[row]!;
  const buyQuantity = ticks.buyQuantity[row]!;
  const sellQuantity = ticks.sellQuantity[row]!;
  if (!(close >= 0 && volume >= 0 && lastQuantity >= 0 && buyQuantity >= 0 && sellQuantity >= 0)) return false;
  // Of what is not negative the sum is finite only where every term is.
  let sum = high + close + volume + lastQuantity + buyQuantity + sellQuantity;
  if (!context.first) {
    if (volume < context.previousVolume) return false;
    if (Math.abs(price - context.previousPrice) > jumpShare * context.scalePrice) return false;
  }
  if (packet === Packet.full) {
    const interest = ticks.openInterest[row]!;
    const interestHigh = ticks.openInterestHigh[row]!;
    const interestLow = ticks.openInterestLow[row]!;
    if (!(interestLow >= 0 && interest >= interestLow && interest <= interestHigh)) return false;
    const receiveTime = ticks.receiveTime[row]!;
    const exchangeTime = ticks.exchangeTime[row]!;
    const tradeTime = ticks.lastTradeTime[row]!;
    if (!(exchangeTime > 0 && exchangeTime <= receiveTime + clockTolerance)) return false;
    if (!(tradeTime <= receiveTime + clockTolerance && tradeTime <= exchangeTime + secondsTolerance)) return false;
    if (!context.first && exchangeTime < context.previousExchangeTime) return false;
    sum += interestHigh + receiveTime + Math.abs(tradeTime);
    if (!soundDepth(ticks, row)) return false;
  }
  return sum < Number.POSITIVE_INFINITY;
}

/** Whether all five levels are there on both sides, sorted and uncrossed. */
function soundDepth(ticks: TickColumns, row: number): boolean {
  const { bidPrice, bidQuantity, bidOrders, askPrice, askQuantity, askOrders } = ticks;
  const first = row * depthLevels;
  let bid = askPrice[first]!;
  let ask = 0;
  for (let level = first; level < first + depthLevels; level++) {
    const lower = bidPrice[level]!;
    const higher = askPrice[level]!;
    const inOrder = level === first ? lower <= bid : lower < bid;
    if (!(inOrder && lower > 0 && higher > ask)) return false;
    bid = lower;
    ask = higher;
    const bought = bidQuantity[level]!;
    const offered = askQuantity[level]!;
    if (!(bought > 0 && offered > 0 && bought + offered < Number.POSITIVE_INFINITY)) return false;
    if (bidOrders[level] === 0 || askOrders[level] === 0) return false;
  }
  return ask < Number.POSITIVE_INFINITY;
}
