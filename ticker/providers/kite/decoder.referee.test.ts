import { KiteTicker } from 'kiteconnect';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../runtime/random.ts';
import { depthLevels, Packet, TickColumns } from '../../tick-columns.ts';
import { KiteDecoder } from './decoder.ts';
import { frameOf, lengths, packetOf } from './packets.testing.ts';

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
  const side = (price: Float64Array, quantity: Int32Array, orders: Uint16Array) =>
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
});
