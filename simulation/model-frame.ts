import type { Mode } from '../crds/index.ts';
import { depthLevels, Packet, type TickColumns } from '../ticker/tick-columns.ts';

/** What everything costs, in rupees. */
export const price = 100;

/** One tick in a frame of the model. */
export interface ModelTick {
  readonly token: number;
  readonly packet: Packet;
  /** Travels as the volume, where the packet has one. */
  readonly id: number;
}

/** Bytes of one row: token and packet as 32 bits each, the id as a 64-bit float. */
const rowBytes = 16;

const packets: Readonly<Record<Mode, Packet>> = { ltp: Packet.ltp, quote: Packet.quote, full: Packet.full };
const indexPackets: Readonly<Record<Mode, Packet>> = {
  ltp: Packet.ltp,
  quote: Packet.indexQuote,
  full: Packet.indexFull,
};

/** The kind of packet that a broker sends of an instrument in a mode. */
export function packetOf(mode: Mode, isIndex: boolean): Packet {
  return (isIndex ? indexPackets : packets)[mode];
}

export function encode(ticks: readonly ModelTick[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(ticks.length * rowBytes));
  ticks.forEach(({ token, packet, id }, index) => {
    const at = index * rowBytes;
    view.setUint32(at, token);
    view.setUint32(at + 4, packet);
    view.setFloat64(at + 8, id);
  });
  return new Uint8Array(view.buffer);
}

/** As `Connection.decode` of a provider. */
export function decode(frame: Uint8Array, offset: number, receivedAt: number, into: TickColumns): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  let at = offset;
  for (; at < frame.byteLength && !into.full; at += rowBytes) {
    const row = into.length++;
    const packet = view.getUint32(at + 4);
    const traded = packet === Packet.quote || packet === Packet.full;
    into.packet[row] = packet;
    into.token[row] = view.getUint32(at);
    into.receiveTime[row] = receivedAt;
    into.lastPrice[row] = price;
    into.volume[row] = traded ? view.getFloat64(at + 8) : 0;
    for (const column of [into.lastQuantity, into.buyQuantity, into.sellQuantity]) column[row] = traded ? 1 : 0;
    into.averagePrice[row] = traded ? price : 0;
    for (const column of [into.open, into.high, into.low, into.close]) column[row] = packet === Packet.ltp ? 0 : price;
    for (const column of [into.exchangeTime, into.lastTradeTime, into.openInterest]) column[row] = 0;
    for (const column of [into.openInterestHigh, into.openInterestLow]) column[row] = 0;
    for (const column of [into.bidPrice, into.bidQuantity, into.bidOrders]) clearLevels(column, row);
    for (const column of [into.askPrice, into.askQuantity, into.askOrders]) clearLevels(column, row);
  }
  return at < frame.byteLength ? at : -1;
}

function clearLevels(column: Float64Array | Int32Array | Uint16Array, row: number): void {
  column.fill(0, row * depthLevels, (row + 1) * depthLevels);
}
