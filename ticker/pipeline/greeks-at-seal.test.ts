import { expect, test } from 'vitest';
import { Packet } from '../tick-columns.ts';
import type { GatheredBatch } from './gathered-batch.ts';
import { createAccountPipeline } from './pipeline.ts';
import { kolkata, RowConnection, sliceSet, sliceSpec, type TickRow, tenOClock } from './ticks.testing.ts';

const price = (token: number, lastPrice: number): TickRow => ({ token, packet: Packet.quote, lastPrice });
const frame = [price(1, 100), price(2, 4), price(2, 4.05), price(3, 3), price(2, 4.1), price(4, 50)];

function run(when: 'tick' | 'batch', others: boolean) {
  const slice = createAccountPipeline().slice('s');
  const set = sliceSet('a', { greeks: { ...kolkata, when } });
  const instruments = [2, 3].map((token) => ({ token, symbol: `O${token}`, strike: 100, type: 'CE' as const }));
  slice.configure(
    sliceSpec(others ? [set, sliceSet('b', { greeks: kolkata })] : [set], [
      { exchange: 'NFO', mode: 'full', sets: [0], expiry: '2026-01-29', underlying: 1, instruments },
      { exchange: 'NSE', mode: 'full', sets: [], instruments: [{ token: 1, symbol: 'INDEX' }] },
      { exchange: 'NSE', mode: 'full', sets: [0], instruments: [{ token: 4, symbol: 'SHARE' }] },
    ]),
  );
  const connection = new RowConnection();
  slice.frame(connection, connection.frameOf(frame), tenOClock);
  const batches = slice.take(0, true);
  slice.frame(connection, connection.frameOf(frame), tenOClock + 1);
  batches.push(...slice.take(0, true));
  return { counters: slice.counters, batches };
}

function volatilities({ body }: GatheredBatch): (number | null)[] {
  return (JSON.parse(Buffer.from(body as Uint8Array).toString()) as { iv: (number | null)[] }).iv;
}

test.each([false, true])(
  'one solution for each option and batch, of its last row (beside another set: %s)',
  (others) => {
    const { counters, batches } = run('batch', others);
    expect(batches.length).toBe(2);
    expect(counters.greeksSolved).toBe(4);
    const everyTick = run('tick', others);
    expect(everyTick.counters.greeksSolved).toBe(8);
    batches.forEach((batch, i) => {
      const all = volatilities(everyTick.batches[i]!);
      expect(volatilities(batch)).toEqual([null, null, all[2], all[3], null]);
      expect(all.slice(0, 4).every((iv) => iv !== null && iv > 0)).toBe(true);
    });
  },
);

test('latest values have the Greeks of the last row', () => {
  const { batches } = run('batch', false);
  const rows = batches[1]!.latest.map(({ json }) => JSON.parse(json) as { symbol: string; iv?: number });
  expect(rows.map(({ symbol, iv }) => [symbol, iv !== undefined])).toEqual([
    ['NFO:O2', true],
    ['NFO:O3', true],
    ['NSE:SHARE', false],
  ]);
});
