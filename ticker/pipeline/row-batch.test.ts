import { expect, test } from 'vitest';
import { Packet } from '../tick-columns.ts';
import { instrumentRecord } from './instrument-table.ts';
import { RowBatch } from './row-batch.ts';
import { ticksOf } from './ticks.testing.ts';

const greeks = Float64Array.of(0.2, 0.5, 0.001, -3, 4, 5);
const record = instrumentRecord(1, 'NFO', 'X');
const ticks = ticksOf([{ token: 1, packet: Packet.ltp, lastPrice: 1 }]);

test("the first row with Greeks may replace one in the middle: what stood in the columns before is nobody else's", () => {
  const batch = new RowBatch(8);
  for (let row = 0; row < 3; row++) batch.append(ticks, 0, record, false, greeks);
  batch.clear();
  for (let row = 0; row < 3; row++) batch.append(ticks, 0, record, false);
  expect(batch.enriched).toBe(false);
  batch.replace(1, ticks, 0, record, false, greeks);
  expect(batch.enriched).toBe(true);
  expect([...batch.columns.impliedVolatility.subarray(0, 3)]).toEqual([Number.NaN, 0.2, Number.NaN]);
});

test('room that a burst made goes again, down to what batches need', () => {
  const batch = new RowBatch(1000);
  const fill = (rows: number): void => {
    batch.clear();
    for (let row = 0; row < rows; row++) batch.append(ticks, 0, record, false);
  };
  fill(1000);
  expect(batch.columns.capacity).toBe(1000);
  for (let time = 0; time < 1000; time++) {
    fill(70);
    expect(batch.length).toBe(70);
    expect(batch.instruments[69]).toBe(record);
  }
  expect(batch.columns.capacity).toBe(250);
  expect(batch.cached).toHaveLength(250);
  expect(batch.instruments.length).toBeLessThanOrEqual(250);
  fill(1000);
  expect(batch.length).toBe(1000);
  expect(batch.columns.lastPrice[999]).toBe(1);
});
