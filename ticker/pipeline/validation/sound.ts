import { depthLevels, Packet, type TickColumns } from '../../tick-columns.ts';
import type { RowContext } from './rule.ts';
import { averageTolerance, clockTolerance, jumpShare, secondsTolerance } from './tolerances.ts';

/**
 * Whether rows plainly break no rule of the table: true for nearly every row of a market, and then no rule need be asked.
 * False says nothing (a level of depth that is not there, a day without trades): the table decides. A test holds that no
 * row for which this is true breaks a rule.
 *
 * What a row says by itself is looked at for many rows at once, a few columns after the other, which stay in registers:
 * {@link survey}. What it is compared with changes from row to row: {@link follows}.
 */

/** Sets `plain[row]` to 1 for rows from `first` to before `end` whose own numbers break no rule, else to 0. */
export function survey(ticks: TickColumns, first: number, end: number, plain: Uint8Array): void {
  surveyPrices(ticks, first, end, plain);
  surveyQuantities(ticks, first, end, plain);
  surveyInterest(ticks, first, end, plain);
  surveyTimes(ticks, first, end, plain);
  surveyDepth(ticks, first, end, plain);
  surveySide(ticks.packet, ticks.bidQuantity, ticks.bidOrders, first, end, plain);
  surveySide(ticks.packet, ticks.askQuantity, ticks.askOrders, first, end, plain);
}

/** Whether a row that is plain breaks no rule that compares it with what came before. */
export function follows(ticks: TickColumns, row: number, context: RowContext): boolean {
  if (context.first) return true;
  if (ticks.volume[row]! < context.previousVolume) return false;
  if (Math.abs(ticks.lastPrice[row]! - context.previousPrice) > jumpShare * context.scalePrice) return false;
  return ticks.packet[row] !== Packet.full || ticks.exchangeTime[row]! >= context.previousExchangeTime;
}

function surveyPrices(ticks: TickColumns, first: number, end: number, plain: Uint8Array): void {
  const { packet, lastPrice, open, high, low, close, averagePrice } = ticks;
  for (let row = first; row < end; row++) {
    const kind = packet[row];
    const lowest = low[row]!;
    const highest = high[row]!;
    const opened = open[row]!;
    const closed = close[row]!;
    const price = lastPrice[row]!;
    const average = averagePrice[row]!;
    const sound =
      (kind === Packet.full || kind === Packet.quote) &&
      lowest > 0 &&
      lowest <= opened &&
      opened <= highest &&
      lowest <= price &&
      price <= highest &&
      average >= 0 &&
      average >= lowest - averageTolerance &&
      average <= highest + averageTolerance &&
      closed >= 0 &&
      highest + closed < Number.POSITIVE_INFINITY;
    plain[row] = sound ? 1 : 0;
  }
}

function surveyQuantities(ticks: TickColumns, first: number, end: number, plain: Uint8Array): void {
  const { volume, lastQuantity, buyQuantity, sellQuantity } = ticks;
  for (let row = first; row < end; row++) {
    const traded = volume[row]!;
    const last = lastQuantity[row]!;
    const bought = buyQuantity[row]!;
    const sold = sellQuantity[row]!;
    const sound = traded >= 0 && last >= 0 && bought >= 0 && sold >= 0;
    // Of what is not negative the sum is finite only where every term is.
    if (!(sound && traded + last + bought + sold < Number.POSITIVE_INFINITY)) plain[row] = 0;
  }
}

function surveyInterest(ticks: TickColumns, first: number, end: number, plain: Uint8Array): void {
  const { packet, openInterest, openInterestHigh, openInterestLow } = ticks;
  for (let row = first; row < end; row++) {
    if (packet[row] !== Packet.full) continue;
    const interest = openInterest[row]!;
    const highest = openInterestHigh[row]!;
    const lowest = openInterestLow[row]!;
    const sound = lowest >= 0 && interest >= lowest && interest <= highest && highest < Number.POSITIVE_INFINITY;
    if (!sound) plain[row] = 0;
  }
}

function surveyTimes(ticks: TickColumns, first: number, end: number, plain: Uint8Array): void {
  const { packet, receiveTime, exchangeTime, lastTradeTime } = ticks;
  for (let row = first; row < end; row++) {
    if (packet[row] !== Packet.full) continue;
    const received = receiveTime[row]!;
    const exchanged = exchangeTime[row]!;
    const traded = lastTradeTime[row]!;
    const sound =
      exchanged > 0 &&
      exchanged <= received + clockTolerance &&
      traded <= received + clockTolerance &&
      traded <= exchanged + secondsTolerance &&
      received + Math.abs(traded) < Number.POSITIVE_INFINITY;
    if (!sound) plain[row] = 0;
  }
}

/** All levels are there on both sides, sorted and uncrossed. */
function surveyDepth(ticks: TickColumns, first: number, end: number, plain: Uint8Array): void {
  const { packet, bidPrice, askPrice } = ticks;
  let at = first * depthLevels;
  for (let row = first; row < end; row++) {
    const bid = bidPrice[at]!;
    const bid1 = bidPrice[at + 1]!;
    const bid2 = bidPrice[at + 2]!;
    const bid3 = bidPrice[at + 3]!;
    const bid4 = bidPrice[at + 4]!;
    const ask = askPrice[at]!;
    const ask1 = askPrice[at + 1]!;
    const ask2 = askPrice[at + 2]!;
    const ask3 = askPrice[at + 3]!;
    const ask4 = askPrice[at + 4]!;
    const bids = bid4 > 0 && bid3 > bid4 && bid2 > bid3 && bid1 > bid2 && bid > bid1 && ask >= bid;
    const asks = ask1 > ask && ask2 > ask1 && ask3 > ask2 && ask4 > ask3 && ask4 < Number.POSITIVE_INFINITY;
    if (!(bids && asks) && packet[row] === Packet.full) plain[row] = 0;
    at += depthLevels;
  }
}

/** Every level has a quantity, and somebody whose it is. */
function surveySide(
  packet: Uint8Array,
  quantity: Int32Array,
  orders: Uint16Array,
  first: number,
  end: number,
  plain: Uint8Array,
): void {
  let at = first * depthLevels;
  for (let row = first; row < end; row++) {
    const offered =
      quantity[at]! > 0 &&
      quantity[at + 1]! > 0 &&
      quantity[at + 2]! > 0 &&
      quantity[at + 3]! > 0 &&
      quantity[at + 4]! > 0;
    const owned =
      orders[at]! > 0 && orders[at + 1]! > 0 && orders[at + 2]! > 0 && orders[at + 3]! > 0 && orders[at + 4]! > 0;
    if (!(offered && owned) && packet[row] === Packet.full) plain[row] = 0;
    at += depthLevels;
  }
}
