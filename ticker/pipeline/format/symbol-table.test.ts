import fc from 'fast-check';
import { expect, test } from 'vitest';
import { instrumentRecord } from '../instrument-table.ts';
import { AsciiWriter } from './ascii-writer.ts';
import { SymbolTable } from './symbol-table.ts';

const records = Array.from({ length: 600 }, (_, i) => instrumentRecord(i, 'NFO', `S${i}${i % 50 === 0 ? '₹' : ''}`));

/** The symbol of each row, as a reader finds it. */
function readBack(table: SymbolTable, slots: readonly number[], which: readonly number[]): string[] {
  table.collect(
    Int32Array.from(slots),
    which.map((i) => records[i]!),
    which.length,
  );
  const out = Buffer.alloc(table.bytes + 3);
  const offsets = new Int32Array(table.count + 1);
  table.write(out, offsets, 3);
  expect(offsets[0]).toBe(0);
  expect(offsets[table.count]).toBe(table.bytes);
  return which.map((_, row) => {
    const index = table.indexes[row]!;
    return out.toString('utf8', 3 + offsets[index]!, 3 + offsets[index + 1]!);
  });
}

test('law: every row finds its symbol, whoever had its slot before and however many were expected', () => {
  const rows = fc.array(fc.record({ slot: fc.integer({ min: -1, max: 400 }), record: fc.nat(599) }), {
    maxLength: 700,
  });
  fc.assert(
    fc.property(fc.array(rows, { maxLength: 5 }), fc.nat(900), (batches, expected) => {
      const table = new SymbolTable();
      table.expect(expected, expected);
      for (const batch of batches) {
        const which = batch.map(({ record }) => record);
        expect(
          readBack(
            table,
            batch.map(({ slot }) => slot),
            which,
          ),
        ).toEqual(which.map((i) => records[i]!.name));
      }
    }),
  );
});

test('a batch with few of the instruments carries only theirs, one with most of them all', () => {
  const table = new SymbolTable();
  const all = Array.from({ length: 100 }, (_, i) => i + 1);
  readBack(table, all, all);
  readBack(table, [7, 9, 7], [7, 9, 7]);
  expect(table.count).toBe(2);
  expect([...table.indexes.subarray(0, 3)]).toEqual([0, 1, 0]);
  readBack(table, all.slice(40), all.slice(40));
  expect(table.count).toBe(100);
});

test('what went long ago is forgotten', () => {
  const table = new SymbolTable();
  for (let round = 0; round < 40; round++) {
    const slots = Array.from({ length: 600 }, (_, i) => i);
    const which = slots.map((i) => (i + round) % 600);
    expect(readBack(table, slots, which)).toEqual(which.map((i) => records[i]!.name));
    expect(table.count).toBeLessThanOrEqual(17_000);
  }
});

test('a set whose format changes has its names in the other form', () => {
  const table = new SymbolTable();
  table.expect(400, 600);
  const writer = new AsciiWriter();
  for (const from of [1, 20, 150]) {
    const which = Array.from({ length: 400 }, (_, i) => from + i);
    expect(readBack(table, which, which)).toEqual(which.map((i) => records[i]!.name));
    writer.clear();
    const instruments = which.map((i) => records[i]!);
    table.writeItems(writer, Int32Array.from(which), instruments, which.length);
    expect(JSON.parse(`[${writer.text().slice(0, -1)}]`)).toEqual(instruments.map(({ name }) => name));
  }
});
