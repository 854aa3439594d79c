import fc from 'fast-check';
import { KiteTicker } from 'kiteconnect';
import { describe, expect, it } from 'vitest';
import { encodePacket, FrameEncoder, type PacketKind, packetBytes, type WireFields, wireDivisor } from './encoder.ts';

interface Parsed {
  readonly instrument_token: number;
  readonly mode: string;
  readonly tradable: boolean;
  readonly last_price: number;
  readonly depth?: { readonly buy: readonly object[]; readonly sell: readonly object[] };
  readonly exchange_timestamp?: Date | null;
}

/** The official parser, though its types do not list it. */
function parse(frame: Uint8Array<ArrayBuffer>): Parsed[] {
  const ticker: object = new KiteTicker({ api_key: 'key', access_token: 'token' });
  if (!('parseBinary' in ticker) || typeof ticker.parseBinary !== 'function') throw new Error('no parser');
  return ticker.parseBinary(frame.buffer);
}

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const level = fc.record({ quantity: int32, price: int32, orders: fc.integer({ min: 0, max: 0xffff }) });
const side = fc.array(level, { minLength: 5, maxLength: 5 });
const segments = [1, 2, 3, 4, 5, 6, 7, 8];
const tokens = fc.tuple(fc.nat(2 ** 23 - 1), fc.constantFrom(...segments)).map(([number, low]) => number * 256 + low);
const seconds = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const fields: fc.Arbitrary<WireFields> = fc.record({
  token: tokens,
  lastPrice: int32,
  lastQuantity: int32,
  averagePrice: int32,
  volume: int32,
  buyQuantity: int32,
  sellQuantity: int32,
  open: int32,
  high: int32,
  low: int32,
  close: int32,
  lastTradeTime: seconds,
  openInterest: int32,
  openInterestHigh: int32,
  openInterestLow: int32,
  exchangeTime: seconds,
  bids: side,
  asks: side,
});

describe('the official parser', () => {
  it('reads what was written, in full packets of every segment', () => {
    fc.assert(
      fc.property(fc.array(fields, { minLength: 1, maxLength: 20 }), (packets) => {
        const frame = new FrameEncoder(64 * 1024);
        for (const packet of packets) expect(frame.add('full', packet)).toBe(true);
        const ticks = parse(frame.take());
        expect(ticks).toHaveLength(packets.length);
        packets.forEach((packet, index) => {
          const divisor = wireDivisor(packet.token);
          const levels = (each: typeof packet.bids): object[] =>
            each!.map(({ quantity, price, orders }) => ({ quantity, price: price / divisor, orders }));
          expect(ticks[index]).toMatchObject({
            instrument_token: packet.token,
            mode: 'full',
            tradable: true,
            last_price: packet.lastPrice! / divisor,
            last_traded_quantity: packet.lastQuantity,
            average_traded_price: packet.averagePrice! / divisor,
            volume_traded: packet.volume,
            total_buy_quantity: packet.buyQuantity,
            total_sell_quantity: packet.sellQuantity,
            ohlc: {
              open: packet.open! / divisor,
              high: packet.high! / divisor,
              low: packet.low! / divisor,
              close: packet.close! / divisor,
            },
            last_trade_time: packet.lastTradeTime === 0 ? null : new Date(packet.lastTradeTime! * 1000),
            exchange_timestamp: packet.exchangeTime === 0 ? null : new Date(packet.exchangeTime! * 1000),
            oi: packet.openInterest,
            oi_day_high: packet.openInterestHigh,
            oi_day_low: packet.openInterestLow,
            depth: { buy: levels(packet.bids), sell: levels(packet.asks) },
          });
        });
      }),
      { numRuns: 200 },
    );
  });

  it('tells the modes apart, and indices by their own packets', () => {
    const frame = new FrameEncoder(4096);
    const prices = { lastPrice: 2_435_035, open: 1, high: 2, low: 3, close: 4 };
    const index = { token: 256265, ...prices, priceChange: -5, exchangeTime: 1_795_467_000 };
    for (const kind of ['ltp', 'quote', 'full'] as const) frame.add(kind, { token: 738561, ...prices });
    for (const kind of ['ltp', 'indexQuote', 'indexFull'] as const) frame.add(kind, index);
    const ticks = parse(frame.take());
    expect(ticks.map(({ mode, tradable }) => [mode, tradable])).toEqual([
      ['ltp', true],
      ['quote', true],
      ['full', true],
      ['ltp', false],
      ['quote', false],
      ['full', false],
    ]);
    expect(ticks[5]).toMatchObject({
      last_price: 24_350.35,
      ohlc: { open: 0.01, high: 0.02, low: 0.03, close: 0.04 },
      exchange_timestamp: new Date(1_795_467_000_000),
    });
    expect(ticks[5]!.depth).toBeUndefined();
  });
});

describe('the encoder', () => {
  it('writes packets of the documented lengths', () => {
    for (const [kind, bytes] of Object.entries(packetBytes)) {
      expect(encodePacket(kind as PacketKind, { token: 1 })).toHaveLength(bytes);
    }
  });

  it('says when a frame is full, and starts anew after it was taken', () => {
    const frame = new FrameEncoder(2 + 3 * (2 + packetBytes.full));
    const added = [1, 2, 3, 4].map((token) => frame.add('full', { token }));
    expect(added).toEqual([true, true, true, false]);
    expect(parse(frame.take()).map(({ instrument_token }) => instrument_token)).toEqual([1, 2, 3]);
    expect(frame.count).toBe(0);
    frame.add('ltp', { token: 5 });
    expect(parse(frame.take()).map(({ instrument_token }) => instrument_token)).toEqual([5]);
  });
});
