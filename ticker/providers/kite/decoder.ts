import { Packet, type TickColumns } from '../../tick-columns.ts';
import { malformedFrame } from '../errors.ts';
import { microsPerSecond, packetBytes, priceUnit } from './packet-layout.ts';
import { beginRows, clearFull, decodeTraded, rupees } from './traded-packets.ts';

/**
 * Decodes frames of one connection into columns. Nothing is allocated for a tick. Kite Connect's binary WebSocket v3: a frame
 * is a big-endian u16 count, then that many packets, each after its u16 length. A packet's kind is told by its length alone.
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
    while (index < count) {
      if (at + 2 > size) throw truncated(size, index, count, at, 2);
      const length = view.getUint16(at);
      const packet = at + 2;
      if (packet + length > size) throw truncated(size, index, count, at, 2 + length);
      const kind = kindOf(length);
      let packets = 1;
      if (kind === 0) {
        this.unknownPackets++;
        this.lastUnknownLength = length;
      } else if (into.full) return at;
      else if (kind === Packet.full || kind === Packet.quote) {
        packets = decodeTraded(view, at, kind, count - index, receivedAt, into);
      } else {
        decodePriced(view, packet, kind, receivedAt, into, into.length);
        into.length++;
      }
      index += packets;
      at += packets * (2 + length);
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

/** A packet without trades: an index, or no more than a price. */
function decodePriced(
  view: DataView,
  at: number,
  kind: Packet,
  receivedAt: number,
  into: TickColumns,
  row: number,
): void {
  const token = view.getUint32(at);
  const { share, rest } = priceUnit(token);
  const index = kind !== Packet.ltp;
  into.token[row] = token;
  into.lastPrice[row] = rupees(view.getInt32(at + 4), share, rest);
  into.lastQuantity[row] = 0;
  into.averagePrice[row] = 0;
  into.volume[row] = 0;
  into.buyQuantity[row] = 0;
  into.sellQuantity[row] = 0;
  into.high[row] = index ? rupees(view.getInt32(at + 8), share, rest) : 0;
  into.low[row] = index ? rupees(view.getInt32(at + 12), share, rest) : 0;
  into.open[row] = index ? rupees(view.getInt32(at + 16), share, rest) : 0;
  into.close[row] = index ? rupees(view.getInt32(at + 20), share, rest) : 0;
  beginRows(kind, receivedAt, row, row + 1, into);
  clearFull(row, row + 1, into);
  if (kind === Packet.indexFull) into.exchangeTime[row] = view.getInt32(at + 28) * microsPerSecond;
}

function truncated(size: number, index: number, count: number, at: number, wants: number) {
  return malformedFrame(
    `a frame of ${size} bytes ends within packet ${index + 1} of ${count}, which needs ${wants} bytes from byte ${at}`,
  );
}
