import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasCode } from '../../../runtime/errors.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { depthLevels, Packet, TickColumns } from '../../tick-columns.ts';
import { KiteDecoder } from './decoder.ts';
import { maxFrameBytes, packetBytes } from './packet-layout.ts';
import { frameOf, lengths, packetOf } from './packets.testing.ts';
import { FrameEncoder } from './simulator/encoder.ts';

function decodeAll(frame: Uint8Array, decoder = new KiteDecoder(), capacity = 256): TickColumns {
  const columns = new TickColumns(capacity);
  expect(decoder.decode(frame, 0, 1_000_000, columns)).toBe(-1);
  return columns;
}

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
  it('hold a full packet that was written down by hand', () => {
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
      expect(columns.receiveTime[0]).toBe(5);
      // These are not a decoder's.
      expect([columns.slot[0], columns.delta[0]]).toEqual([3, 0.5]);
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

  it('ends on each of 500,000 mutated frames with whole rows or a coded error', () => {
    const fuzz = new SeededRandom(99);
    const columns = new TickColumns(8);
    const decoder = new KiteDecoder();
    let refused = 0;
    for (let n = 0; n < 500_000; n++) {
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
  }, 120_000);

  it('knows the largest frame', () => {
    expect(maxFrameBytes).toBe(12_189_512);
  });
});
