import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeededRandom } from '../../../runtime/random.ts';
import { type BatchHeader, deliveryVersion } from '../../delivery.ts';
import { Packet } from '../../tick-columns.ts';
import { instrumentRecord } from '../instrument-table.ts';
import { RowBatch } from '../row-batch.ts';
import { type TickRow, tenOClock, ticksOf } from '../ticks.testing.ts';
import { ArrowEncoder } from './arrow.ts';
import { stampArrow } from './arrow-stream.ts';
import { assemble, JsonEncoder } from './json.ts';
import { type Batch, parseBatch } from './read.ts';
import { parseArrow } from './read-arrow.ts';

/** Rows of a full batch: its body is long enough to be laid out. */
const limit = 250;
const records = Array.from({ length: 2000 }, (_, token) => instrumentRecord(token, 'NSE', `S${token}`));

interface Round {
  readonly kind: 'full' | 'unsolved' | 'untraded' | 'mixed' | 'quote' | 'cached';
  readonly rows: number;
  /** Instruments from here on: others than before have other names. */
  readonly from: number;
  readonly keep: boolean;
}

const header = (count: number): BatchHeader => ({
  ...{ v: deliveryVersion, set: 'default/nifty', slice: 'default/a-0', shard: 'shard-0', epoch: 3, claim: 1, seq: 7 },
  ...{ count, time: tenOClock, prev: null },
});

function fill(batch: RowBatch, { kind, rows, from }: Round, random: SeededRandom): void {
  const greeks = new Float64Array(6);
  for (let row = 0; row < rows; row++) {
    const mixed = [Packet.ltp, Packet.quote, Packet.full, Packet.indexFull][random.integer(4)]!;
    const price = 100 + random.integer(100_000) / 100;
    const one: TickRow = {
      token: from + random.integer(300),
      packet: kind === 'mixed' ? mixed : kind === 'quote' ? Packet.quote : Packet.full,
      lastPrice: price,
      volume: random.integer(2 ** 31),
      openInterest: 2 ** 31 + random.integer(2 ** 31),
      lastTradeTime: kind === 'untraded' && random.next() < 0.1 ? 0 : tenOClock - random.integer(1_000_000),
      askQuantity: [1, 2, 3, 4, random.integer(1_000_000)],
    };
    greeks.forEach((_, i) => {
      greeks[i] = kind === 'unsolved' && random.next() < 0.2 ? Number.NaN : random.integer(1_000_000) / 1_000_000;
    });
    const cached = kind === 'cached' && row === 0;
    batch.append(ticksOf([one]), 0, records[one.token]!, cached, kind === 'quote' ? undefined : greeks);
  }
}

const round: fc.Arbitrary<Round> = fc.record({
  kind: fc.constantFrom('full', 'full', 'full', 'unsolved', 'untraded', 'mixed', 'quote', 'cached'),
  rows: fc.constantFrom(limit, limit, limit, limit, limit - 1, 3),
  from: fc.constantFrom(0, 0, 0, 100, 1500),
  keep: fc.boolean(),
});

test('law: a batch that is gathered where its body will be says what it says in JSON, as long as it is not released', () => {
  let laidOut = 0;
  fc.assert(
    fc.property(fc.integer(), fc.array(round, { minLength: 8, maxLength: 24 }), (seed, rounds) => {
      const random = new SeededRandom(seed);
      const [arrow, json] = [new ArrowEncoder(), new JsonEncoder()];
      const batches = [new RowBatch(limit), new RowBatch(limit)] as const;
      const kept: [Uint8Array, Batch][] = [];
      const check = (): void => {
        for (const [payload, expected] of kept) expect(parseArrow(payload)).toEqual(expected);
      };
      rounds.forEach((each, index) => {
        const batch = batches[index % 5 === 4 ? 1 : 0];
        fill(batch, each, random);
        const expected = parseBatch(assemble(header(each.rows), json.columns(batch)));
        const memory = batch.columns.lastPrice.buffer;
        const body = arrow.columns(batch);
        if (body.buffer === memory) laidOut++;
        batch.clear();
        kept.push([stampArrow(JSON.stringify(header(each.rows)), body), expected]);
        if (!each.keep) {
          check();
          arrow.release(kept.pop()![0]);
        }
      });
      check();
    }),
    { numRuns: 25, seed: 11 },
  );
  expect(laidOut).toBeGreaterThan(50);
});

test('what others wrote into the memory between the columns is not sent', () => {
  const arrow = new ArrowEncoder();
  const batch = new RowBatch(limit);
  const random = new SeededRandom(3);
  const bodies: Uint8Array[] = [];
  for (let i = 0; i < 5; i++) {
    fill(batch, { kind: 'full', rows: limit, from: 0, keep: true }, random);
    const body = arrow.columns(batch);
    batch.clear();
    bodies.push(body);
    new Uint8Array(body.buffer).fill(0xaa);
    arrow.release(body);
  }
  fill(batch, { kind: 'full', rows: limit, from: 0, keep: true }, random);
  const memory = batch.columns.lastPrice.buffer;
  const body = arrow.columns(batch);
  expect(body.buffer).toBe(memory);
  // Numbers of this market have no such run of bytes.
  expect(Buffer.from(body).includes(Buffer.alloc(4, 0xaa))).toBe(false);
});
