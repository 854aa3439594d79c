import fc from 'fast-check';
import { KiteTicker } from 'kiteconnect';
import { describe, expect, it } from 'vitest';
import { hasCode } from '../../../runtime/errors.ts';
import { type Random, SeededRandom } from '../../../runtime/random.ts';
import { depthLevels, Packet, TickColumns } from '../../tick-columns.ts';
import { KiteDecoder, maxFrameBytes, packetBytes } from './decoder.ts';
import { FrameEncoder } from './simulator/encoder.ts';

const lengths = Object.values(packetBytes);
const extremes = [0, 1, -1, 0x7fffffff, -0x80000000, 0xffff, 100, -100];

/** A frame from packets given as bytes. */
function frameOf(packets: readonly Uint8Array[], count = packets.length): Uint8Array {
  const frame = new Uint8Array(2 + packets.reduce((sum, packet) => sum + 2 + packet.length, 0));
  const view = new DataView(frame.buffer);
  view.setUint16(0, count);
  let at = 2;
  for (const packet of packets) {
    view.setUint16(at, packet.length);
    frame.set(packet, at + 2);
    at += 2 + packet.length;
  }
  return frame;
}

/** A packet whose words are anything a wire can carry, extremes often. */
function packetOf(random: Random, length: number, segment: number): Uint8Array {
  const packet = new Uint8Array(length);
  const view = new DataView(packet.buffer);
  for (let at = 0; at + 4 <= length; at += 4) {
    const kind = random.integer(4);
    const word =
      kind === 0
        ? extremes[random.integer(extremes.length)]!
        : kind === 1
          ? random.integer(10_000_000)
          : random.integer(0x1_0000_0000);
    view.setInt32(at, word | 0);
  }
  view.setUint32(0, random.integer(0x100_0000) * 256 + segment);
  return packet;
}

interface OfficialTick {
  mode: string;
  instrument_token: number;
  [field: string]: unknown;
}

/** Row `i` in the shape that the official client makes of it, without what is computed (`change`, `tradable`). */
function asOfficial(columns: TickColumns, i: number): OfficialTick {
  const packet = columns.packet[i]!;
  const date = (micros: number): Date | null => (micros === 0 ? null : new Date(micros / 1000));
  const tick: OfficialTick = {
    mode: packet === Packet.ltp ? 'ltp' : packet === Packet.full || packet === Packet.indexFull ? 'full' : 'quote',
    instrument_token: columns.token[i]! | 0,
    last_price: columns.lastPrice[i],
  };
  if (packet === Packet.ltp) return tick;
  tick['ohlc'] = {
    open: columns.open[i],
    high: columns.high[i],
    low: columns.low[i],
    close: columns.close[i],
  };
  if (packet === Packet.indexFull) tick['exchange_timestamp'] = date(columns.exchangeTime[i]!);
  if (packet === Packet.indexFull || packet === Packet.indexQuote) return tick;
  tick['last_traded_quantity'] = columns.lastQuantity[i];
  tick['average_traded_price'] = columns.averagePrice[i];
  tick['volume_traded'] = columns.volume[i];
  tick['total_buy_quantity'] = columns.buyQuantity[i];
  tick['total_sell_quantity'] = columns.sellQuantity[i];
  if (packet === Packet.quote) return tick;
  tick['last_trade_time'] = date(columns.lastTradeTime[i]!);
  tick['exchange_timestamp'] = date(columns.exchangeTime[i]!);
  tick['oi'] = columns.openInterest[i];
  tick['oi_day_high'] = columns.openInterestHigh[i];
  tick['oi_day_low'] = columns.openInterestLow[i];
  const side = (price: Float64Array, quantity: Float64Array, orders: Uint16Array) =>
    Array.from({ length: depthLevels }, (_, level) => ({
      quantity: quantity[i * depthLevels + level],
      price: price[i * depthLevels + level],
      orders: orders[i * depthLevels + level],
    }));
  tick['depth'] = {
    buy: side(columns.bidPrice, columns.bidQuantity, columns.bidOrders),
    sell: side(columns.askPrice, columns.askQuantity, columns.askOrders),
  };
  return tick;
}

/** The official client's parser; its type declarations leave it out. */
function officialParser(): (frame: ArrayBuffer) => OfficialTick[] {
  const ticker: object = new KiteTicker({ api_key: 'key', access_token: 'token' });
  const parse: unknown = Reflect.get(ticker, 'parseBinary');
  if (typeof parse !== 'function') throw new Error('the official client has no parseBinary');
  return (frame) => parse.call(ticker, frame);
}

/** Compares without the cost of `toEqual` on a hundred thousand objects; JSON tells -0 from 0 no more than the wire does. */
function canonical(tick: OfficialTick): string {
  const { change: _change, tradable: _tradable, ...fields } = tick;
  return JSON.stringify(fields, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

function decodeAll(frame: Uint8Array, decoder = new KiteDecoder(), capacity = 256): TickColumns {
  const columns = new TickColumns(capacity);
  expect(decoder.decode(frame, 0, 1_000_000, columns)).toBe(-1);
  return columns;
}

describe('the official client is the referee for numbers', () => {
  it('agrees on 102,000 packets of every kind and segment', () => {
    const random = new SeededRandom(20260105);
    const parse = officialParser();
    const decoder = new KiteDecoder();
    const columns = new TickColumns(200);
    const seen = new Map<string, number>();
    let compared = 0;
    for (let round = 0; round < 510; round++) {
      const packets = Array.from({ length: 200 }, (_, n) => {
        const length = lengths[(round + n) % lengths.length]!;
        const segment = random.integer(20) === 0 ? random.integer(256) : 1 + random.integer(9);
        const name = `${length}/${segment}`;
        seen.set(name, (seen.get(name) ?? 0) + 1);
        return packetOf(random, length, segment);
      });
      const frame = frameOf(packets);
      const official = parse(frame.slice().buffer as ArrayBuffer);
      columns.clear();
      expect(decoder.decode(frame, 0, 0, columns)).toBe(-1);
      expect(columns.length).toBe(official.length);
      for (let i = 0; i < official.length; i++) {
        const theirs = canonical(official[i]!);
        const ours = canonical(asOfficial(columns, i));
        if (theirs !== ours) expect(ours).toBe(theirs);
        compared++;
      }
    }
    expect(compared).toBe(102_000);
    for (const length of lengths) {
      for (let segment = 1; segment <= 9; segment++) expect(seen.get(`${length}/${segment}`)).toBeGreaterThan(1000);
    }
  }, 60_000);

  it('agrees on a full packet that was written down by hand', () => {
    const packet = new Uint8Array(packetBytes.full);
    const view = new DataView(packet.buffer);
    view.setUint32(0, 738561);
    view.setInt32(4, 294070);
    view.setInt32(12, 293355);
    view.setInt32(44, 1_718_176_569);
    view.setInt32(60, 1_718_176_570);
    view.setInt32(64, 75);
    view.setInt32(68, 294065);
    view.setUint16(72, 65_535);
    view.setInt32(124 + 48 + 4, 294100);
    const columns = decodeAll(frameOf([packet]));
    expect(columns.token[0]).toBe(738561);
    expect(columns.lastPrice[0]).toBe(2940.7);
    expect(columns.averagePrice[0]).toBe(2933.55);
    expect(columns.lastTradeTime[0]).toBe(1_718_176_569_000_000);
    expect(columns.exchangeTime[0]).toBe(1_718_176_570_000_000);
    expect([columns.bidQuantity[0], columns.bidPrice[0], columns.bidOrders[0]]).toEqual([75, 2940.65, 65_535]);
    expect(columns.askPrice[4]).toBe(2941);
  });
});

describe('the simulated broker', () => {
  it('is read back field by field', () => {
    const encoder = new FrameEncoder(4096);
    const level = (n: number) => ({ quantity: 10 * n, price: 100_000 - n, orders: n });
    const levels = [1, 2, 3, 4, 5].map(level);
    const ohlc = { open: 101, high: 102, low: 103, close: 104 };
    const traded = { lastQuantity: 3, averagePrice: 4, volume: 5, buyQuantity: 6, sellQuantity: 7, ...ohlc };
    const rest = { lastTradeTime: 8, openInterest: 9, openInterestHigh: 10, openInterestLow: 11, exchangeTime: 12 };
    encoder.add('ltp', { token: 257, lastPrice: 5 });
    encoder.add('quote', { token: 258, lastPrice: 6, ...traded });
    encoder.add('full', { token: 259, lastPrice: 2_000_000_000, ...traded, ...rest, bids: levels, asks: levels });
    encoder.add('indexQuote', { token: 265, lastPrice: 7, ...ohlc });
    encoder.add('indexFull', { token: 265, lastPrice: 8, ...ohlc, exchangeTime: 13 });
    const columns = decodeAll(encoder.take());
    const of = (column: ArrayLike<number>): number[] => Array.from(column).slice(0, 5);
    expect(of(columns.packet)).toEqual([Packet.ltp, Packet.quote, Packet.full, Packet.indexQuote, Packet.indexFull]);
    expect(of(columns.token)).toEqual([257, 258, 259, 265, 265]);
    expect(of(columns.lastPrice)).toEqual([0.05, 0.06, 200, 0.07, 0.08]);
    expect(of(columns.volume)).toEqual([0, 5, 5, 0, 0]);
    expect(of(columns.open)).toEqual([0, 1.01, 0.0000101, 1.01, 1.01]);
    expect(of(columns.high)).toEqual([0, 1.02, 0.0000102, 1.02, 1.02]);
    expect(of(columns.low)).toEqual([0, 1.03, 0.0000103, 1.03, 1.03]);
    expect(of(columns.close)).toEqual([0, 1.04, 0.0000104, 1.04, 1.04]);
    expect(of(columns.exchangeTime)).toEqual([0, 0, 12_000_000, 0, 13_000_000]);
    expect(of(columns.openInterestLow)).toEqual([0, 0, 11, 0, 0]);
    const third = (column: ArrayLike<number>): number[] => Array.from(column).slice(2 * depthLevels, 3 * depthLevels);
    expect(third(columns.bidQuantity)).toEqual([10, 20, 30, 40, 50]);
    expect(third(columns.askPrice)).toEqual(levels.map(({ price }) => price / 10_000_000));
    expect(third(columns.askOrders)).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('columns', () => {
  it('clears what a packet does not carry from rows that held another one', () => {
    const random = new SeededRandom(7);
    const columns = new TickColumns(4);
    const decoder = new KiteDecoder();
    const decode = (length: number): void => {
      columns.clear();
      decoder.decode(frameOf([packetOf(random, length, 1)]), 0, 5, columns);
    };
    for (const length of lengths) {
      decode(packetBytes.full);
      columns.slot[0] = 3;
      columns.delta[0] = 0.5;
      decode(length);
      const fresh = new TickColumns(4);
      expect(columns.slot[0]).toBe(-1);
      expect(columns.receiveTime[0]).toBe(5);
      expect(columns.delta[0]).toBeNaN();
      if (length === packetBytes.full) continue;
      expect(columns.bidPrice).toEqual(fresh.bidPrice);
      expect(columns.askOrders).toEqual(fresh.askOrders);
      expect([columns.openInterest[0], columns.lastTradeTime[0]]).toEqual([0, 0]);
      if (length !== packetBytes.quote) expect([columns.volume[0], columns.averagePrice[0]]).toEqual([0, 0]);
      if (length === packetBytes.ltp) expect([columns.open[0], columns.close[0]]).toEqual([0, 0]);
    }
  });

  it('goes on from the offset when the columns were full, whatever their capacity', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 0, max: 20 }),
        (seed, room, count) => {
          const random = new SeededRandom(seed);
          const frame = frameOf(
            Array.from({ length: count }, () => packetOf(random, [...lengths, 5][random.integer(6)]!, 1)),
          );
          const whole = decodeAll(frame);
          const decoder = new KiteDecoder();
          const tokens: number[] = [];
          const part = new TickColumns(room);
          for (let offset = 0; offset >= 0; ) {
            part.clear();
            offset = decoder.decode(frame, offset, 0, part);
            tokens.push(...part.token.subarray(0, part.length));
          }
          expect(tokens).toEqual([...whole.token.subarray(0, whole.length)]);
        },
      ),
    );
  });
});

describe('frames that are not what they should be', () => {
  const random = new SeededRandom(3);
  const quote = packetOf(random, packetBytes.quote, 1);
  const fault = (frame: Uint8Array): [TickColumns, unknown] => {
    const columns = new TickColumns(16);
    try {
      new KiteDecoder().decode(frame, 0, 0, columns);
    } catch (error) {
      return [columns, error];
    }
    return [columns, undefined];
  };

  it('takes a heartbeat and an empty frame for no ticks', () => {
    for (const frame of [new Uint8Array(0), new Uint8Array(1), new Uint8Array(2)]) {
      expect(decodeAll(frame).length).toBe(0);
    }
  });

  it('keeps the rows before the place where a frame ends too soon', () => {
    const frame = frameOf([quote, quote, quote]);
    for (let size = 2; size < frame.length; size++) {
      const [columns, error] = fault(frame.slice(0, size));
      expect(hasCode(error, 'PROVIDER_MALFORMED_FRAME')).toBe(true);
      expect(columns.length).toBe(Math.floor((size - 2) / (2 + quote.length)));
    }
  });

  it('says where a packet overruns the frame', () => {
    const frame = frameOf([quote, quote]);
    new DataView(frame.buffer).setUint16(2 + 2 + quote.length, 60_000);
    const [columns, error] = fault(frame);
    expect(columns.length).toBe(1);
    expect(String(error)).toContain('packet 2 of 2, which needs 60002 bytes from byte 48');
  });

  it('skips packets of unknown length by their length, and counts them', () => {
    const decoder = new KiteDecoder();
    const frame = frameOf([new Uint8Array(0), quote, new Uint8Array(185), new Uint8Array(7), quote]);
    const columns = decodeAll(frame, decoder);
    expect(columns.length).toBe(2);
    expect([...columns.token.subarray(0, 2)]).toEqual([columns.token[0], columns.token[0]]);
    expect(decoder.unknownPackets).toBe(3);
    expect(decoder.lastUnknownLength).toBe(7);
  });

  it('leaves bytes after the last packet alone, as the official client does', () => {
    expect(decodeAll(frameOf([quote, quote], 1)).length).toBe(1);
  });

  it('refuses an offset that is not the start of a packet', () => {
    expect(() => new KiteDecoder().decode(frameOf([quote]), 3, 0, new TickColumns(1))).toThrow(RangeError);
  });

  it('ends on each of 120,000 mutated frames with whole rows or a coded error', () => {
    const fuzz = new SeededRandom(99);
    const columns = new TickColumns(8);
    const decoder = new KiteDecoder();
    let refused = 0;
    for (let n = 0; n < 120_000; n++) {
      const packets = Array.from({ length: fuzz.integer(4) }, () => packetOf(fuzz, lengths[fuzz.integer(5)]!, 1));
      let frame = frameOf(packets);
      for (let flips = fuzz.integer(4); flips > 0 && frame.length > 0; flips--) {
        const structural = fuzz.integer(2) === 0 ? Math.min(4, frame.length) : frame.length;
        frame[fuzz.integer(structural)] = fuzz.integer(256);
      }
      if (fuzz.integer(3) === 0) frame = frame.subarray(0, fuzz.integer(frame.length + 1));
      columns.clear();
      try {
        for (let offset = 0; offset >= 0; ) {
          const next = decoder.decode(frame, offset, 0, columns);
          if (next >= 0 && (next <= offset || columns.length !== columns.capacity)) throw new Error('no progress');
          offset = next;
          if (offset >= 0) columns.clear();
        }
      } catch (error) {
        if (!hasCode(error, 'PROVIDER_MALFORMED_FRAME')) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(10_000);
  }, 30_000);

  it('knows the largest frame', () => {
    expect(maxFrameBytes).toBe(12_189_512);
  });
});
