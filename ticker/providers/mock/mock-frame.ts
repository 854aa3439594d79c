import type { Mode } from '../../../crds/index.ts';
import { Packet, type TickColumns } from '../../tick-columns.ts';
import { malformedFrame } from '../errors.ts';
import type { Level, Quote } from './market/quote.ts';

/**
 * The mock provider's frames: records of {@link recordFields} doubles in the machine's byte order, prices in rupees,
 * times in microseconds since the Unix epoch. Unlike a broker's integers they lose nothing.
 */
const scalarFields = 20;
const levelFields = 3;
const levels = 5;
const recordFields = scalarFields + 2 * levels * levelFields;
export const recordBytes = recordFields * Float64Array.BYTES_PER_ELEMENT;

/** Which packet an instrument's tick is in a mode: an index has no depth or volume. */
export function packetOf(quote: Quote, mode: Mode): Packet {
  if (mode === 'ltp') return Packet.ltp;
  if (quote.instrument.type === 'INDEX') return mode === 'quote' ? Packet.indexQuote : Packet.indexFull;
  return mode === 'quote' ? Packet.quote : Packet.full;
}

/** Gathers ticks into one frame. */
export class MockFrame {
  readonly #records: Float64Array;
  #count = 0;

  constructor(capacity: number) {
    this.#records = new Float64Array(capacity * recordFields);
  }

  get full(): boolean {
    return (this.#count + 1) * recordFields > this.#records.length;
  }

  get count(): number {
    return this.#count;
  }

  /** Throws a RangeError when it is full. */
  add(quote: Quote, mode: Mode): void {
    if (this.full) throw new RangeError('the frame is full');
    const packet = packetOf(quote, mode);
    const record = this.#records.subarray(this.#count * recordFields, (this.#count + 1) * recordFields);
    this.#count += 1;
    record.fill(0);
    record[0] = packet;
    record[1] = quote.instrument.token;
    record[2] = quote.lastPrice;
    if (packet === Packet.ltp) return;
    record[3] = quote.open;
    record[4] = quote.high;
    record[5] = quote.low;
    record[6] = quote.close;
    if (packet === Packet.indexFull || packet === Packet.full) record[7] = quote.exchangeTime * 1000;
    if (packet === Packet.indexQuote || packet === Packet.indexFull) return;
    record[8] = quote.lastQuantity;
    record[9] = quote.averagePrice;
    record[10] = quote.volume;
    record[11] = quote.buyQuantity;
    record[12] = quote.sellQuantity;
    if (packet === Packet.quote) return;
    record[13] = quote.lastTradeTime * 1000;
    record[14] = quote.openInterest;
    record[15] = quote.openInterestHigh;
    record[16] = quote.openInterestLow;
    writeLevels(record, scalarFields, quote.bids);
    writeLevels(record, scalarFields + levels * levelFields, quote.asks);
  }

  /** The frame's bytes, valid until the next {@link add}; the frame is empty afterwards. */
  take(): Uint8Array {
    const bytes = new Uint8Array(this.#records.buffer, 0, this.#count * recordBytes);
    this.#count = 0;
    return bytes;
  }
}

function writeLevels(record: Float64Array, at: number, side: readonly Level[]): void {
  for (let level = 0; level < side.length; level++) {
    const { price, quantity, orders } = side[level]!;
    record[at + level * levelFields] = price;
    record[at + level * levelFields + 1] = quantity;
    record[at + level * levelFields + 2] = orders;
  }
}

/** {@link Connection.decode} for these frames. */
export function decodeMockFrame(
  frame: Uint8Array,
  offset: number,
  receivedAtMicros: number,
  into: TickColumns,
): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  let at = offset;
  for (; at < frame.length; at += recordBytes) {
    if (into.full) return at;
    if (at + recordBytes > frame.length) {
      throw malformedFrame(`a frame of ${frame.length} bytes ends in the middle of a tick`);
    }
    const packet = packets[field(view, at, 0)];
    if (packet === undefined) throw malformedFrame(`a frame holds a tick of unknown kind at byte ${at}`);
    readRecord(view, at, packet, into, receivedAtMicros);
  }
  return -1;
}

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const packets: Readonly<Record<number, Packet>> = Object.fromEntries(
  Object.values(Packet).map((packet) => [packet, packet]),
);

function field(view: DataView, record: number, index: number): number {
  return view.getFloat64(record + index * Float64Array.BYTES_PER_ELEMENT, littleEndian);
}

function readRecord(view: DataView, record: number, packet: Packet, into: TickColumns, receivedAtMicros: number): void {
  const row = into.length;
  into.packet[row] = packet;
  into.token[row] = field(view, record, 1);
  into.receiveTime[row] = receivedAtMicros;
  into.lastPrice[row] = field(view, record, 2);
  into.open[row] = field(view, record, 3);
  into.high[row] = field(view, record, 4);
  into.low[row] = field(view, record, 5);
  into.close[row] = field(view, record, 6);
  into.exchangeTime[row] = field(view, record, 7);
  into.lastQuantity[row] = field(view, record, 8);
  into.averagePrice[row] = field(view, record, 9);
  into.volume[row] = field(view, record, 10);
  into.buyQuantity[row] = field(view, record, 11);
  into.sellQuantity[row] = field(view, record, 12);
  into.lastTradeTime[row] = field(view, record, 13);
  into.openInterest[row] = field(view, record, 14);
  into.openInterestHigh[row] = field(view, record, 15);
  into.openInterestLow[row] = field(view, record, 16);
  for (let level = 0; level < levels; level++) {
    const cell = row * levels + level;
    const bid = scalarFields + level * levelFields;
    const ask = bid + levels * levelFields;
    into.bidPrice[cell] = field(view, record, bid);
    into.bidQuantity[cell] = field(view, record, bid + 1);
    into.bidOrders[cell] = field(view, record, bid + 2);
    into.askPrice[cell] = field(view, record, ask);
    into.askQuantity[cell] = field(view, record, ask + 1);
    into.askOrders[cell] = field(view, record, ask + 2);
  }
  into.length = row + 1;
}
