/**
 * Writes the binary packets and frames of Kite's WebSocket v3 (kite.trade/docs/connect/v3/websocket). Every number is
 * what goes on the wire: prices are integers already multiplied by the segment's divisor, times are seconds since the
 * Unix epoch. Big-endian. Fields are written as 32 bits; a negative number becomes its two's complement.
 */

/** One level of market depth: 12 bytes, of which the last two are padding. */
export interface WireLevel {
  readonly quantity: number;
  readonly price: number;
  /** 16 bits. */
  readonly orders: number;
}

/** Fields of a packet; a packet carries those of its kind, and what is absent is written as 0. */
export interface WireFields {
  readonly token: number;
  readonly lastPrice?: number;
  readonly lastQuantity?: number;
  readonly averagePrice?: number;
  readonly volume?: number;
  readonly buyQuantity?: number;
  readonly sellQuantity?: number;
  readonly open?: number;
  readonly high?: number;
  readonly low?: number;
  readonly close?: number;
  /** Indices only: last price minus close. */
  readonly priceChange?: number;
  readonly lastTradeTime?: number;
  readonly openInterest?: number;
  readonly openInterestHigh?: number;
  readonly openInterestLow?: number;
  readonly exchangeTime?: number;
  /** Up to five, best first. */
  readonly bids?: readonly WireLevel[];
  readonly asks?: readonly WireLevel[];
}

/** Bytes of each kind of packet. */
export const packetBytes = { ltp: 8, quote: 44, full: 184, indexQuote: 28, indexFull: 32 } as const;
export type PacketKind = keyof typeof packetBytes;

/** What a connection sends when it has nothing else to say: one byte. */
export const heartbeat: Uint8Array = Uint8Array.of(0);

/** Price units a rupee, by the low byte of the token: 10,000,000 for CDS, 10,000 for BCD, else 100. */
export function wireDivisor(token: number): number {
  const segment = token & 0xff;
  return segment === 3 ? 10_000_000 : segment === 6 ? 10_000 : 100;
}

/** One packet without its length prefix. */
export function encodePacket(kind: PacketKind, fields: WireFields): Uint8Array {
  const bytes = new Uint8Array(packetBytes[kind]);
  writePacket(new DataView(bytes.buffer), 0, kind, fields);
  return bytes;
}

const depthLevels = 5;
const levelBytes = 12;

function writePacket(view: DataView, at: number, kind: PacketKind, f: WireFields): void {
  view.setInt32(at, f.token);
  view.setInt32(at + 4, f.lastPrice ?? 0);
  if (kind === 'ltp') return;
  if (kind === 'indexQuote' || kind === 'indexFull') {
    view.setInt32(at + 8, f.high ?? 0);
    view.setInt32(at + 12, f.low ?? 0);
    view.setInt32(at + 16, f.open ?? 0);
    view.setInt32(at + 20, f.close ?? 0);
    view.setInt32(at + 24, f.priceChange ?? 0);
    if (kind === 'indexFull') view.setInt32(at + 28, f.exchangeTime ?? 0);
    return;
  }
  view.setInt32(at + 8, f.lastQuantity ?? 0);
  view.setInt32(at + 12, f.averagePrice ?? 0);
  view.setInt32(at + 16, f.volume ?? 0);
  view.setInt32(at + 20, f.buyQuantity ?? 0);
  view.setInt32(at + 24, f.sellQuantity ?? 0);
  view.setInt32(at + 28, f.open ?? 0);
  view.setInt32(at + 32, f.high ?? 0);
  view.setInt32(at + 36, f.low ?? 0);
  view.setInt32(at + 40, f.close ?? 0);
  if (kind === 'quote') return;
  view.setInt32(at + 44, f.lastTradeTime ?? 0);
  view.setInt32(at + 48, f.openInterest ?? 0);
  view.setInt32(at + 52, f.openInterestHigh ?? 0);
  view.setInt32(at + 56, f.openInterestLow ?? 0);
  view.setInt32(at + 60, f.exchangeTime ?? 0);
  writeLevels(view, at + 64, f.bids);
  writeLevels(view, at + 64 + depthLevels * levelBytes, f.asks);
}

function writeLevels(view: DataView, at: number, levels: readonly WireLevel[] | undefined): void {
  for (let index = 0; index < depthLevels; index++) {
    const level = levels?.[index];
    const offset = at + index * levelBytes;
    view.setInt32(offset, level?.quantity ?? 0);
    view.setInt32(offset + 4, level?.price ?? 0);
    view.setInt16(offset + 8, level?.orders ?? 0);
    view.setInt16(offset + 10, 0);
  }
}

/** The number of packets is 16 bits, which some clients read as signed. */
const mostPackets = 0x7fff;

/**
 * Gathers packets into one frame in a buffer that is reused.
 *
 * @example
 * const frame = new FrameEncoder(64 * 1024);
 * if (!frame.add('full', fields)) { socket.send(frame.take()); frame.add('full', fields); }
 */
export class FrameEncoder {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #length = 2;
  #count = 0;

  /** @param capacity bytes of the largest frame */
  constructor(capacity: number) {
    if (capacity < 2 + 2 + packetBytes.full) throw new RangeError(`a frame of ${capacity} bytes holds no full packet`);
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Packets since the last {@link take}. */
  get count(): number {
    return this.#count;
  }

  /** Appends a packet; false, and nothing is written, when there is no room for it. */
  add(kind: PacketKind, fields: WireFields): boolean {
    const bytes = packetBytes[kind];
    if (this.#count === mostPackets || this.#length + 2 + bytes > this.#bytes.length) return false;
    this.#view.setInt16(this.#length, bytes);
    writePacket(this.#view, this.#length + 2, kind, fields);
    this.#length += 2 + bytes;
    this.#count += 1;
    return true;
  }

  /** A copy of the frame; the encoder is empty afterwards. */
  take(): Uint8Array<ArrayBuffer> {
    this.#view.setInt16(0, this.#count);
    const frame = this.#bytes.slice(0, this.#length);
    this.#length = 2;
    this.#count = 0;
    return frame as Uint8Array<ArrayBuffer>;
  }
}
