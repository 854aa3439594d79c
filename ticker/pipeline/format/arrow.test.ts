import { tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BatchHeader, deliveryVersion } from '../../delivery.ts';
import { Packet } from '../../tick-columns.ts';
import { instrumentRecord } from '../instrument-table.ts';
import { RowBatch } from '../row-batch.ts';
import { second, type TickRow, tenOClock, ticksOf } from '../ticks.testing.ts';
import { ArrowEncoder } from './arrow.ts';
import { arrowHeaderText, stampArrow } from './arrow-stream.ts';
import { type ArrowType, arrowType, columns } from './columns.ts';
import { emptyBody, stamp } from './encoders.ts';
import { assemble, JsonEncoder } from './json.ts';
import { parseBatch } from './read.ts';
import { parseArrow, parsePayload } from './read-arrow.ts';

const header = (count: number, more: Partial<BatchHeader> = {}): BatchHeader => ({
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
  ...more,
});
const greeks = Float64Array.of(0.1234, 0.5, 0.001, -12.5, 8.25, 3.5);
const records = Array.from({ length: 10 }, (_, token) =>
  instrumentRecord(token, 'NSE', `S${token}${token === 8 ? '₹' : ''}`),
);

interface Sample extends TickRow {
  cached?: boolean;
  greeks?: boolean;
}

function batchOf(list: readonly Sample[]): RowBatch {
  const ticks = ticksOf(list);
  const batch = new RowBatch(5000);
  list.forEach((row, at) => {
    batch.append(ticks, at, records[row.token]!, row.cached ?? false, row.greeks ? greeks : undefined);
  });
  return batch;
}

const number = fc.oneof(
  fc.constantFrom(0, -1, 100.05, 24_500.1, 2 ** 31, 2 ** 32 + 7, 2 ** 53 - 1),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY),
);
const whole = fc.oneof(fc.constantFrom(0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1), fc.maxSafeNat());
const sample: fc.Arbitrary<Sample> = fc.record({
  token: fc.integer({ min: 1, max: 9 }),
  packet: fc.constantFrom(...Object.values(Packet)),
  lastPrice: number,
  volume: whole,
  openInterest: whole,
  buyQuantity: whole,
  exchangeTime: fc.constantFrom(0, tenOClock - 1, tenOClock + second),
  bidQuantity: fc.array(whole, { minLength: 5, maxLength: 5 }),
  bidOrders: fc.array(fc.nat(65_535), { minLength: 5, maxLength: 5 }),
  cached: fc.boolean(),
  greeks: fc.boolean(),
});

/** What the library calls them. */
const texts: Readonly<Record<ArrowType, string>> = {
  uint16: 'Uint16',
  uint32: 'Uint32',
  int32: 'Int32',
  int64: 'Int64',
  double: 'Float64',
  bool: 'Bool',
  'timestamp[us, UTC]': 'Timestamp<MICROSECOND, UTC>',
  'dictionary<int32, string>': 'Dictionary<Int32, Utf8>',
  'dictionary<int8, string>': 'Dictionary<Int8, Utf8>',
};

describe('a batch in Arrow', () => {
  test('law: it says exactly what the same batch says in JSON', () => {
    const arrow = new ArrowEncoder();
    const json = new JsonEncoder();
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 40 }), (list) => {
        const batch = batchOf(list);
        const read = parseArrow(stampArrow(JSON.stringify(header(list.length)), arrow.columns(batch)));
        expect(read).toEqual(parseBatch(assemble(header(list.length), json.columns(batch))));
      }),
      { numRuns: 500, seed: 5 },
    );
  });

  test('has the types that are promised, and no null bitmap of its own where every row has a value', () => {
    const list = Array.from({ length: 20 }, (_, i) => ({
      token: 1 + (i % 9),
      packet: Packet.full,
      lastPrice: 5,
      greeks: true,
      cached: true,
    }));
    const table = tableFromIPC(stampArrow(JSON.stringify(header(20)), new ArrowEncoder().columns(batchOf(list))));
    const own = table.schema.fields.map(({ name, type, nullable }) => [name, String(type), nullable]);
    expect(own).toEqual(
      columns.map((column) => {
        const { type, list } = arrowType(column);
        const always = ['token', 'symbol', 'packet'].includes(column.name);
        return [column.name, list ? `FixedSizeList[5]<${texts[type]}>` : texts[type], !always];
      }),
    );
    expect(table.schema.fields.map(({ name }) => name)).toEqual(columns.map(({ name }) => name));
    expect(table.batches).toHaveLength(1);
    expect(table.batches[0]!.nullCount).toBe(0);
  });

  test('a column that no row has is left out', () => {
    const bytes = new ArrowEncoder().columns(batchOf([{ token: 1, packet: Packet.ltp, lastPrice: 7 }]));
    const { columns: read } = parseArrow(stamp(header(1), bytes) as Uint8Array);
    expect(read).toEqual({
      token: [1],
      symbol: ['NSE:S1'],
      packet: ['ltp'],
      last_price: [7],
      receive_time: [tenOClock],
    });
  });

  test('what an earlier batch left in reused arrays is in no later one', () => {
    const batch = batchOf([{ token: 1, packet: Packet.full, lastPrice: 7, volume: 123_456_789 }]);
    batch.clear();
    const ticks = ticksOf([
      { token: 1, packet: Packet.ltp, lastPrice: 7 },
      { token: 1, packet: Packet.quote, lastPrice: 7, volume: 5 },
    ]);
    for (const row of [0, 1]) batch.append(ticks, row, records[1]!, false);
    const table = tableFromIPC(stampArrow(JSON.stringify(header(2)), new ArrowEncoder().columns(batch)));
    expect([...(table.getChild('volume')!.data[0]!.values as BigInt64Array)]).toEqual([0n, 5n]);
  });
});

describe('the header', () => {
  const body = (): Uint8Array =>
    new ArrowEncoder().columns(batchOf([{ token: 1, packet: Packet.quote, lastPrice: 7 }]));

  test('the first is written in place, the next into a copy that leaves the first as it is', () => {
    const bytes = body();
    const first = stamp(header(1), bytes) as Uint8Array;
    expect(first).toBe(bytes);
    const again = stamp(header(1, { epoch: 4, seq: 1, overlap: true }), bytes) as Uint8Array;
    const third = stamp(header(1, { epoch: 5, late: true }), again) as Uint8Array;
    expect(parseArrow(first).header).toEqual(header(1));
    expect(parseArrow(again).header).toEqual(header(1, { epoch: 4, seq: 1, overlap: true }));
    expect(parseArrow(third).header).toEqual(header(1, { epoch: 5, late: true }));
    expect(parseArrow(third).columns).toEqual(parseArrow(first).columns);
  });

  test('law: whatever its length, a reader gets it and the columns back', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 900, unit: 'binary' }), { minLength: 1, maxLength: 4 }), (names) => {
        const bytes = body();
        for (const set of names) {
          const read = parseArrow(stamp(header(1, { set }), bytes) as Uint8Array);
          expect(read.header.set).toBe(set);
          expect(read.columns['last_price']).toEqual([7]);
        }
      }),
      { numRuns: 100, seed: 2 },
    );
  });

  test('a heartbeat is a table without rows or columns', () => {
    const payload = stamp(header(0), emptyBody('arrow')) as Uint8Array;
    expect(parseArrow(payload)).toEqual({ header: header(0), columns: {} });
    expect(parsePayload(stamp(header(0), emptyBody('json')))).toEqual({ header: header(0), columns: {} });
    expect(payload.length).toBeLessThan(1024);
  });
});

describe('what is no batch is refused', () => {
  const good = (): Uint8Array =>
    stampArrow(
      JSON.stringify(header(1)),
      new ArrowEncoder().columns(batchOf([{ token: 1, packet: Packet.full, lastPrice: 7 }])),
    );
  test.each([
    ['nothing', new Uint8Array()],
    ['text', Buffer.from('hello, world: this is no Arrow stream')],
    ['a body that was never stamped', new ArrowEncoder().empty()],
    ['another version', stampArrow(JSON.stringify({ ...header(0), v: 2 }), new ArrowEncoder().empty())],
    ['a wrong count', stampArrow(JSON.stringify(header(2)), good())],
  ])('%s', (_, bytes) => {
    expect(() => parseArrow(bytes)).toThrow(expect.objectContaining({ code: 'BATCH_MALFORMED' }));
  });

  test('law: cut off or changed anywhere, the header is read or refused, never a crash', () => {
    const whole = good();
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(2000), fc.nat(255), (cut, at, value) => {
        const bytes = Uint8Array.from(whole.subarray(0, cut));
        if (at < bytes.length) bytes[at] = value;
        try {
          expect(typeof arrowHeaderText(bytes)).toBe('string');
        } catch (error) {
          expect(error).toMatchObject({ code: 'BATCH_MALFORMED' });
        }
      }),
      { numRuns: 2000, seed: 3 },
    );
  });
});
