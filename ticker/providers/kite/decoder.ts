import { depthLevels, Packet, type TickColumns } from '../../tick-columns.ts';
import { malformedFrame } from '../errors.ts';

/**
 * Kite Connect's binary WebSocket v3: a frame is a big-endian u16 count, then that many packets, each after its u16
 * length. A packet's kind is told by its length alone. Source: https://kite.trade/docs/connect/v3/websocket/, and the
 * official client where the two differ (quantities and prices are signed 32-bit).
 */
export const packetBytes = { ltp: 8, indexQuote: 28, indexFull: 32, quote: 44, full: 184 } as const;

/** The largest frame that the format can express, in bytes: every packet a full one. */
export const maxFrameBytes = 2 + 0xffff * (2 + packetBytes.full);

const currencyNse = 3;
const currencyBse = 6;

/** Paise, or the finer unit of a currency segment, in a rupee. The segment is the token's low byte. */
export function priceDivisor(token: number): number {
  const segment = token & 0xff;
  return segment === currencyNse ? 10_000_000 : segment === currencyBse ? 10_000 : 100;
}

const microsPerSecond = 1_000_000;
const levelBytes = 12;
const bidsAt = 64;
const asksAt = bidsAt + depthLevels * levelBytes;

/**
 * Decodes frames of one connection into columns. Nothing is allocated for a tick.
 *
 * Packets of a length that is not in {@link packetBytes} are skipped by their length and counted: a new kind of packet
 * must not stop the known ones.
 */
export class KiteDecoder {
  /** Packets skipped because their length is not known. */
  unknownPackets = 0;
  /** Length of the last of them, in bytes. */
  lastUnknownLength = -1;

  /**
   * Appends the frame's ticks to `into` while there is room.
   *
   * @param offset 0, or what the previous call for this frame returned
   * @param receivedAt microseconds since the Unix epoch
   * @returns the offset to go on from, or -1 when the frame is exhausted
   * @throws `PROVIDER_MALFORMED_FRAME` where the frame ends within a packet; rows before the fault are kept
   */
  decode(frame: Uint8Array, offset: number, receivedAt: number, into: TickColumns): number {
    const size = frame.byteLength;
    if (size < 2) return -1; // a heartbeat
    const view = new DataView(frame.buffer, frame.byteOffset, size);
    const count = view.getUint16(0);
    let at = 2;
    let index = 0;
    if (offset > 2) {
      while (at < offset && at + 2 <= size) {
        at += 2 + view.getUint16(at);
        index++;
      }
      if (at !== offset) throw new RangeError(`offset ${offset} is not the start of a packet`);
    }
    for (; index < count; index++) {
      if (at + 2 > size) throw truncated(size, index, count, at, 2);
      const length = view.getUint16(at);
      const packet = at + 2;
      if (packet + length > size) throw truncated(size, index, count, at, 2 + length);
      const kind = kindOf(length);
      if (kind === 0) {
        this.unknownPackets++;
        this.lastUnknownLength = length;
      } else {
        const row = into.length;
        if (row === into.capacity) return at;
        into.packet[row] = kind;
        into.slot[row] = -1;
        into.receiveTime[row] = receivedAt;
        decodePacket(view, packet, kind, into, row);
        into.length = row + 1;
      }
      at = packet + length;
    }
    return -1;
  }
}

/** {@link Packet}, or 0 where no packet has this length. */
function kindOf(length: number): Packet | 0 {
  switch (length) {
    case packetBytes.full:
      return Packet.full;
    case packetBytes.quote:
      return Packet.quote;
    case packetBytes.ltp:
      return Packet.ltp;
    case packetBytes.indexFull:
      return Packet.indexFull;
    case packetBytes.indexQuote:
      return Packet.indexQuote;
    default:
      return 0;
  }
}

function decodePacket(view: DataView, at: number, kind: Packet, into: TickColumns, row: number): void {
  const token = view.getUint32(at);
  const divisor = priceDivisor(token);
  into.token[row] = token;
  into.lastPrice[row] = view.getInt32(at + 4) / divisor;
  into.impliedVolatility[row] = Number.NaN;
  into.delta[row] = Number.NaN;
  into.gamma[row] = Number.NaN;
  into.theta[row] = Number.NaN;
  into.vega[row] = Number.NaN;
  into.rho[row] = Number.NaN;
  if (kind === Packet.full) {
    decodeTraded(view, at, divisor, into, row);
    into.lastTradeTime[row] = view.getInt32(at + 44) * microsPerSecond;
    into.openInterest[row] = view.getInt32(at + 48);
    into.openInterestHigh[row] = view.getInt32(at + 52);
    into.openInterestLow[row] = view.getInt32(at + 56);
    into.exchangeTime[row] = view.getInt32(at + 60) * microsPerSecond;
    const level = row * depthLevels;
    decodeSide(view, at + bidsAt, divisor, into.bidPrice, into.bidQuantity, into.bidOrders, level);
    decodeSide(view, at + asksAt, divisor, into.askPrice, into.askQuantity, into.askOrders, level);
    return;
  }
  if (kind === Packet.quote) {
    decodeTraded(view, at, divisor, into, row);
  } else if (kind === Packet.ltp) {
    clearTraded(into, row);
    into.open[row] = 0;
    into.high[row] = 0;
    into.low[row] = 0;
    into.close[row] = 0;
  } else {
    clearTraded(into, row);
    into.high[row] = view.getInt32(at + 8) / divisor;
    into.low[row] = view.getInt32(at + 12) / divisor;
    into.open[row] = view.getInt32(at + 16) / divisor;
    into.close[row] = view.getInt32(at + 20) / divisor;
  }
  into.exchangeTime[row] = kind === Packet.indexFull ? view.getInt32(at + 28) * microsPerSecond : 0;
  clearFull(into, row);
}

/** What quote and full packets share: quantities, average price and OHLC. */
function decodeTraded(view: DataView, at: number, divisor: number, into: TickColumns, row: number): void {
  into.lastQuantity[row] = view.getInt32(at + 8);
  into.averagePrice[row] = view.getInt32(at + 12) / divisor;
  into.volume[row] = view.getInt32(at + 16);
  into.buyQuantity[row] = view.getInt32(at + 20);
  into.sellQuantity[row] = view.getInt32(at + 24);
  into.open[row] = view.getInt32(at + 28) / divisor;
  into.high[row] = view.getInt32(at + 32) / divisor;
  into.low[row] = view.getInt32(at + 36) / divisor;
  into.close[row] = view.getInt32(at + 40) / divisor;
}

function decodeSide(
  view: DataView,
  at: number,
  divisor: number,
  price: Float64Array,
  quantity: Int32Array,
  orders: Uint16Array,
  first: number,
): void {
  for (let level = 0; level < depthLevels; level++) {
    const from = at + level * levelBytes;
    quantity[first + level] = view.getInt32(from);
    price[first + level] = view.getInt32(from + 4) / divisor;
    orders[first + level] = view.getUint16(from + 8);
  }
}

function clearTraded(into: TickColumns, row: number): void {
  into.lastQuantity[row] = 0;
  into.averagePrice[row] = 0;
  into.volume[row] = 0;
  into.buyQuantity[row] = 0;
  into.sellQuantity[row] = 0;
}

function clearFull(into: TickColumns, row: number): void {
  into.lastTradeTime[row] = 0;
  into.openInterest[row] = 0;
  into.openInterestHigh[row] = 0;
  into.openInterestLow[row] = 0;
  const end = (row + 1) * depthLevels;
  for (let level = row * depthLevels; level < end; level++) {
    into.bidPrice[level] = 0;
    into.bidQuantity[level] = 0;
    into.bidOrders[level] = 0;
    into.askPrice[level] = 0;
    into.askQuantity[level] = 0;
    into.askOrders[level] = 0;
  }
}

function truncated(size: number, index: number, count: number, at: number, wants: number) {
  return malformedFrame(
    `a frame of ${size} bytes ends within packet ${index + 1} of ${count}, which needs ${wants} bytes from byte ${at}`,
  );
}
