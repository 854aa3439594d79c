import { depthLevels, Packet, type TickColumns } from '../../tick-columns.ts';
import { microsPerSecond, packetBytes, priceUnit } from './packet-layout.ts';

/** Packets that are decoded at once: what they take stays in the first-level cache from loop to loop. */
const blockPackets = 64;

/** Where the levels of each side begin; one has 12 bytes. */
const bidsAt = 64;
const asksAt = 124;

/** Of each packet, what its prices are multiplied by: see `PriceUnit`. */
const shares = new Float64Array(blockPackets);
const rests = new Float64Array(blockPackets);

/**
 * Appends packets that follow each other and are all quotes, or all full, to `into`: one at least, and as many as there are,
 * as have room, and as are decoded at once. Group of columns by group of columns, so that within a loop the columns that it
 * writes stay in registers.
 *
 * @param at where the first one's length stands; it is all there
 * @param most packets, at least 1
 * @returns how many were decoded
 */
export function decodeTraded(
  view: DataView,
  at: number,
  kind: typeof Packet.quote | typeof Packet.full,
  most: number,
  receivedAt: number,
  into: TickColumns,
): number {
  const length = kind === Packet.full ? packetBytes.full : packetBytes.quote;
  const stride = 2 + length;
  const first = into.length;
  const room = Math.min(most, into.capacity - first, blockPackets);
  const count = countSame(view, at, length, room);
  const end = first + count;
  const from = at + 2;
  decodeTokens(view, from, stride, first, end, into);
  decodePrices(view, from, stride, first, end, into);
  decodeQuantities(view, from, stride, first, end, into);
  beginRows(kind, receivedAt, first, end, into);
  if (kind === Packet.full) {
    decodeInterest(view, from, stride, first, end, into);
    const { bidPrice, bidQuantity, bidOrders, askPrice, askQuantity, askOrders } = into;
    decodeSide(view, from + bidsAt, stride, first, end, bidPrice, bidQuantity, bidOrders);
    decodeSide(view, from + asksAt, stride, first, end, askPrice, askQuantity, askOrders);
  } else clearFull(first, end, into);
  into.length = end;
  return count;
}

/** Packets of this length from `at` on, up to `most`; the first one is known to be. */
function countSame(view: DataView, at: number, length: number, most: number): number {
  const stride = 2 + length;
  const last = view.byteLength - stride;
  let count = 1;
  for (let next = at + stride; count < most && next <= last; next += stride) {
    if (view.getUint16(next) !== length) break;
    count++;
  }
  return count;
}

function decodeTokens(
  view: DataView,
  at: number,
  stride: number,
  first: number,
  end: number,
  { token }: TickColumns,
): void {
  let from = at;
  for (let row = first; row < end; row++) {
    const id = view.getUint32(from);
    token[row] = id;
    const unit = priceUnit(id);
    shares[row - first] = unit.share;
    rests[row - first] = unit.rest;
    from += stride;
  }
}

function decodePrices(view: DataView, at: number, stride: number, first: number, end: number, into: TickColumns): void {
  const { lastPrice, averagePrice, open, high, low, close } = into;
  let from = at;
  for (let row = first; row < end; row++) {
    const share = shares[row - first]!;
    const rest = rests[row - first]!;
    lastPrice[row] = rupees(view.getInt32(from + 4), share, rest);
    averagePrice[row] = rupees(view.getInt32(from + 12), share, rest);
    open[row] = rupees(view.getInt32(from + 28), share, rest);
    high[row] = rupees(view.getInt32(from + 32), share, rest);
    low[row] = rupees(view.getInt32(from + 36), share, rest);
    close[row] = rupees(view.getInt32(from + 40), share, rest);
    from += stride;
  }
}

function decodeQuantities(
  view: DataView,
  at: number,
  stride: number,
  first: number,
  end: number,
  into: TickColumns,
): void {
  const { lastQuantity, volume, buyQuantity, sellQuantity } = into;
  let from = at;
  for (let row = first; row < end; row++) {
    lastQuantity[row] = view.getInt32(from + 8);
    volume[row] = view.getInt32(from + 16);
    buyQuantity[row] = view.getInt32(from + 20);
    sellQuantity[row] = view.getInt32(from + 24);
    from += stride;
  }
}

/** What is not in the packet: its kind, and when it came. */
export function beginRows(kind: Packet, receivedAt: number, first: number, end: number, into: TickColumns): void {
  const { packet, receiveTime } = into;
  for (let row = first; row < end; row++) {
    packet[row] = kind;
    receiveTime[row] = receivedAt;
  }
}

/** Open interest and times. */
function decodeInterest(
  view: DataView,
  at: number,
  stride: number,
  first: number,
  end: number,
  into: TickColumns,
): void {
  const { lastTradeTime, openInterest, openInterestHigh, openInterestLow, exchangeTime } = into;
  let from = at;
  for (let row = first; row < end; row++) {
    lastTradeTime[row] = view.getInt32(from + 44) * microsPerSecond;
    openInterest[row] = view.getInt32(from + 48);
    openInterestHigh[row] = view.getInt32(from + 52);
    openInterestLow[row] = view.getInt32(from + 56);
    exchangeTime[row] = view.getInt32(from + 60) * microsPerSecond;
    from += stride;
  }
}

/** All {@link depthLevels} levels one by one: a loop over them costs half as much again. */
function decodeSide(
  view: DataView,
  at: number,
  stride: number,
  first: number,
  end: number,
  price: Float64Array,
  quantity: Int32Array,
  orders: Uint16Array,
): void {
  let from = at;
  let to = first * depthLevels;
  for (let row = first; row < end; row++) {
    const share = shares[row - first]!;
    const rest = rests[row - first]!;
    quantity[to] = view.getInt32(from);
    quantity[to + 1] = view.getInt32(from + 12);
    quantity[to + 2] = view.getInt32(from + 24);
    quantity[to + 3] = view.getInt32(from + 36);
    quantity[to + 4] = view.getInt32(from + 48);
    price[to] = rupees(view.getInt32(from + 4), share, rest);
    price[to + 1] = rupees(view.getInt32(from + 16), share, rest);
    price[to + 2] = rupees(view.getInt32(from + 28), share, rest);
    price[to + 3] = rupees(view.getInt32(from + 40), share, rest);
    price[to + 4] = rupees(view.getInt32(from + 52), share, rest);
    orders[to] = view.getUint16(from + 8);
    orders[to + 1] = view.getUint16(from + 20);
    orders[to + 2] = view.getUint16(from + 32);
    orders[to + 3] = view.getUint16(from + 44);
    orders[to + 4] = view.getUint16(from + 56);
    to += depthLevels;
    from += stride;
  }
}

/** A price on the wire in rupees; see `PriceUnit`. */
export function rupees(price: number, share: number, rest: number): number {
  return price * share + price * rest;
}

/** What only full packets carry. */
export function clearFull(first: number, end: number, into: TickColumns): void {
  const { lastTradeTime, openInterest, openInterestHigh, openInterestLow, exchangeTime } = into;
  for (let row = first; row < end; row++) {
    lastTradeTime[row] = 0;
    openInterest[row] = 0;
    openInterestHigh[row] = 0;
    openInterestLow[row] = 0;
    exchangeTime[row] = 0;
  }
  const { bidPrice, bidQuantity, bidOrders, askPrice, askQuantity, askOrders } = into;
  for (let level = first * depthLevels; level < end * depthLevels; level++) {
    bidPrice[level] = 0;
    bidQuantity[level] = 0;
    bidOrders[level] = 0;
    askPrice[level] = 0;
    askQuantity[level] = 0;
    askOrders[level] = 0;
  }
}
