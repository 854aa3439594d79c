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
