import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BatchHeader, deliveryVersion } from '../../delivery.ts';
import { Packet } from '../../tick-columns.ts';
import { instrumentRecord } from '../instrument-table.ts';
import { RowBatch } from '../row-batch.ts';
import { second, type TickRow, tenOClock, ticksOf } from '../ticks.testing.ts';
import { AsciiWriter, asciiJson } from './ascii-writer.ts';
import { assemble, JsonEncoder } from './json.ts';
import { parseBatch, rows } from './read.ts';

const header = (count: number): BatchHeader => ({
  v: deliveryVersion,
  set: 'default/nifty',
  slice: 'default/a-0',
  shard: 'shard-0',
  epoch: 3,
  claim: 1,
  seq: 7,
  count,
  time: tenOClock,
  prev: { epoch: 2, claim: 1, seq: 41 },
});
const greeks = Float64Array.of(0.1234, 0.5, 0.001, -12.5, 8.25, 3.5);

function batchOf(list: readonly TickRow[], withGreeks: readonly number[] = []): RowBatch {
  const ticks = ticksOf(list);
  const batch = new RowBatch(1000);
  list.forEach((row, at) => {
    const record = records[row.token] ?? instrumentRecord(row.token, 'NSE', `S${row.token}`);
    batch.append(ticks, at, record, row.token === 9, withGreeks.includes(at) ? greeks : undefined);
  });
  return batch;
}
const records = [1, 2, 3, 4, 5, 9].reduce<Record<number, ReturnType<typeof instrumentRecord>>>((all, token) => {
  all[token] = instrumentRecord(token, 'NSE', `S${token}`);
  return all;
}, {});

test('any text is quoted as JSON does, in ASCII', () => {
  const writer = new AsciiWriter();
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      writer.clear();
      writer.quoted(text);
      expect(writer.text()).toBe(asciiJson(text));
      expect(JSON.parse(writer.text())).toBe(text);
    }),
  );
  for (const text of ['NSE:M&M', 'NFO:A"B', 'a\\b', '\u007f', '~', '']) {
    writer.clear();
    writer.quoted(text);
    expect(writer.text()).toBe(asciiJson(text));
  }
});

describe('numbers', () => {
  const write = (value: number): string => {
    const writer = new AsciiWriter();
    writer.number(value);
    return writer.text();
  };
  test.each([
    0,
    -0,
    1,
    -1,
    10,
    999_999_999,
    1e9,
    1e9 + 5,
    1_767_587_400_000_000,
    2 ** 53 - 1,
    24_500.05,
    0.05,
    -0.1,
    83.4725,
    83.47251,
    1e-7,
    100.1,
    5e-324,
    1e300,
  ])('%d', (value) => {
    expect(Number(write(value))).toBe(value === 0 ? 0 : value);
  });
  test('no price gets longer than it need be', () => {
    expect(write(24_500.05)).toBe('24500.05');
    expect(write(24_500.5)).toBe('24500.5');
    expect(write(83.4725)).toBe('83.4725');
    expect(write(-7)).toBe('-7');
  });
  test('law: every finite double, and every wire price, reads back as itself', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          fc.integer({ min: -(2 ** 31), max: 2 ** 31 }).map((wire) => wire / 100),
          fc.integer({ min: -(2 ** 31), max: 2 ** 31 }).map((wire) => wire / 10_000),
          fc.integer({ min: -(2 ** 31), max: 2 ** 31 }).map((wire) => wire / 10_000_000),
          fc.maxSafeInteger(),
        ),
        (value) => {
          expect(JSON.parse(write(value))).toBe(value === 0 ? 0 : value);
        },
      ),
      { numRuns: 20_000, seed: 1 },
    );
  });
  test('strings are JSON in ASCII', () => {
    expect(asciiJson('NSE:M&M "é"')).toBe('"NSE:M&M \\"\\u00e9\\""');
    expect(JSON.parse(asciiJson('日本😀'))).toBe('日本😀');
  });
});

describe('a batch', () => {
  test('has its header first, then columns, and reads back', () => {
    const batch = batchOf(
      [
        { token: 1, packet: Packet.ltp, lastPrice: 100.05 },
        { token: 2, packet: Packet.full, lastPrice: 24_500.1, exchangeTime: tenOClock - second },
        { token: 3, packet: Packet.indexQuote, lastPrice: 24_490.35 },
      ],
      [1],
    );
    const text = String(assemble(header(3), new JsonEncoder().columns(batch)));
    expect(text.startsWith('{"v":1,"set":"default/nifty"')).toBe(true);
    const read = parseBatch(text);
    expect(read.header).toEqual(header(3));
    expect(read.columns['token']).toEqual([1, 2, 3]);
    expect(read.columns['symbol']).toEqual(['NSE:S1', 'NSE:S2', 'NSE:S3']);
    expect(read.columns['packet']).toEqual(['ltp', 'full', 'index_quote']);
    expect(read.columns['last_price']).toEqual([100.05, 24_500.1, 24_490.35]);
    expect(read.columns['exchange_time']).toEqual([null, tenOClock - second, null]);
    expect(read.columns['receive_time']).toEqual([tenOClock, tenOClock, tenOClock]);
    expect(read.columns['volume']).toEqual([null, 1000, null]);
    expect(read.columns['close']).toEqual([null, 24_500.1, 24_490.35]);
    expect(read.columns['bid_price']![0]).toBeNull();
    expect(read.columns['bid_price']![1]).toHaveLength(5);
    expect(read.columns['iv']).toEqual([null, 0.1234, null]);
    expect(read.columns['theta']).toEqual([null, -12.5, null]);
    expect([...rows(read)][2]).toMatchObject({ symbol: 'NSE:S3', last_price: 24_490.35, iv: null });
  });

  test('leaves out columns that are null in every row', () => {
    const read = parseBatch(
      assemble(header(1), new JsonEncoder().columns(batchOf([{ token: 1, packet: Packet.ltp, lastPrice: 5 }]))),
    );
    expect(Object.keys(read.columns)).toEqual(['token', 'symbol', 'packet', 'last_price', 'receive_time']);
  });

  test('marks cached rows, and writes a price of 0 as none', () => {
    const batch = batchOf([
      { token: 9, packet: Packet.quote, lastPrice: 0, volume: 0 },
      { token: 1, packet: Packet.quote, lastPrice: 5 },
    ]);
    const read = parseBatch(assemble(header(2), new JsonEncoder().columns(batch)));
    expect(read.columns['cached']).toEqual([true, null]);
    expect(read.columns['last_price']).toEqual([null, 5]);
  });

  test('a heartbeat has no columns', () => {
    expect(parseBatch(assemble({ ...header(0) })).columns).toEqual({});
  });

  test('grows and is used again without mixing rows', () => {
    const encoder = new JsonEncoder();
    const batch = batchOf(
      Array.from({ length: 300 }, (_, i) => ({ token: i + 1, packet: Packet.full, lastPrice: i + 1 })),
    );
    const first = parseBatch(assemble(header(300), encoder.columns(batch)));
    expect(first.columns['last_price']).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    batch.clear();
    batch.append(ticksOf([{ token: 2, packet: Packet.ltp, lastPrice: 3 }]), 0, records[2]!, false);
    expect(Object.keys(parseBatch(assemble(header(1), encoder.columns(batch))).columns)).not.toContain('volume');
  });
});

describe('latest values', () => {
  test('are the newest row of each instrument, with its exchange time', () => {
    const batch = batchOf(
      [
        { token: 1, packet: Packet.full, lastPrice: 1, exchangeTime: tenOClock - second },
        { token: 2, packet: Packet.ltp, lastPrice: 2 },
        { token: 1, packet: Packet.full, lastPrice: 3, exchangeTime: tenOClock },
        { token: 1, packet: Packet.full, lastPrice: 4, exchangeTime: tenOClock - 2 * second },
      ],
      [2],
    );
    const [one, two] = new JsonEncoder().latest(batch);
    expect(one).toMatchObject({ instrument: 'NSE:S1', time: tenOClock });
    expect(JSON.parse(one!.json)).toMatchObject({
      token: 1,
      symbol: 'NSE:S1',
      packet: 'full',
      last_price: 3,
      iv: 0.1234,
    });
    expect(two).toMatchObject({ instrument: 'NSE:S2', time: tenOClock });
    expect(JSON.parse(two!.json)).toEqual({
      token: 2,
      symbol: 'NSE:S2',
      packet: 'ltp',
      last_price: 2,
      receive_time: tenOClock,
    });
  });
});

describe('what is no batch is refused with the reason', () => {
  const good = JSON.parse(String(assemble(header(1), '{"token":[1]}'))) as Record<string, unknown>;
  const cases: [string, string, RegExp][] = [
    ['not JSON', '{', /not JSON/],
    ['not an object', '3', /not a JSON object/],
    ['another version', JSON.stringify({ ...good, v: 2 }), /version 2/],
    ['no set', JSON.stringify({ ...good, set: undefined }), /set is not a string/],
    ['a text for seq', JSON.stringify({ ...good, seq: '7' }), /seq is not a number/],
    ['no columns', JSON.stringify({ ...good, columns: undefined }), /no columns/],
    ['a short column', JSON.stringify({ ...good, count: 2 }), /column token/],
  ];
  test.each(cases)('%s', (_, text, message) => {
    expect(() => parseBatch(text)).toThrow(message);
  });
});
