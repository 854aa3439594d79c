import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Packet } from '../tick-columns.ts';
import type { GatheredBatch } from './gathered-batch.ts';
import { createAccountPipeline } from './pipeline.ts';
import { kolkata, RowConnection, second, sliceSet, sliceSpec, type TickRow, tenOClock } from './ticks.testing.ts';

const row: fc.Arbitrary<TickRow> = fc.record({
  token: fc.integer({ min: 1, max: 9 }),
  packet: fc.constantFrom(Packet.full, Packet.quote, Packet.ltp),
  // One that is refused, so that a frame may end in rows that nobody takes.
  lastPrice: fc.constantFrom(100, 100.05, 101, -1),
  exchangeTime: fc.constantFrom(tenOClock, tenOClock - second),
});
const settings = fc.record({
  maxTicks: fc.constantFrom(1, 2, 5, 1000),
  window: fc.constantFrom(0, 100, 3000),
  conflate: fc.boolean(),
  others: fc.nat(1),
});

function slice(maxTicks: number, window: number, conflate: boolean, others: number) {
  const delivery = { ...sliceSet('a').delivery, maxTicks, window, conflate, latest: true };
  // No rule is about what came before: what is refused is seen in the row.
  const validation = {
    action: 'enforce' as const,
    rules: { timeMovedBack: 'off' as const, priceJump: 'off' as const },
  };
  const sets = [sliceSet('a', { delivery, validation, greeks: kolkata }), ...(others > 0 ? [sliceSet('b')] : [])];
  const made = createAccountPipeline().slice('s');
  const instruments = Array.from({ length: 8 }, (_, i) => ({
    token: i + 1,
    symbol: `S${i + 1}`,
    strike: 100,
    type: 'CE' as const,
  }));
  made.configure(sliceSpec(sets, [{ exchange: 'NFO', mode: 'full', sets: [0], expiry: '2026-01-08', instruments }]));
  return made;
}

/** What a sink has of latest values: an older time never replaces a newer. */
function keep(latest: Map<string, { time: number; json: string }>, batches: readonly GatheredBatch[]): void {
  for (const { latest: values } of batches) {
    for (const { instrument, time, json } of values) {
      if ((latest.get(instrument)?.time ?? 0) <= time) latest.set(instrument, { time, json });
    }
  }
}

test('law: once nothing waits, latest values are the newest row of each instrument', () => {
  fc.assert(
    fc.property(fc.array(fc.array(row, { maxLength: 12 }), { maxLength: 6 }), settings, (frames, how) => {
      const { maxTicks, window, conflate, others } = how;
      const tested = slice(maxTicks, window, conflate, others);
      // The same market in a batch for each row: every row writes its latest value.
      const plain = slice(1, 0, false, 0);
      const [expected, got] = [new Map(), new Map()];
      const connection = new RowConnection();
      frames.forEach((rows, i) => {
        const received = tenOClock + i * second;
        tested.frame(connection, connection.frameOf(rows), received);
        keep(got, tested.take(received / 1000));
        plain.frame(connection, connection.frameOf(rows), received);
        keep(expected, plain.take(received / 1000, true));
      });
      // What is due has been taken when its window has ended: no tick need follow.
      keep(got, tested.take((tenOClock + frames.length * second) / 1000 + window));
      expect(got).toEqual(expected);
      expect(tested.nextDue()).toBe(Number.POSITIVE_INFINITY);
    }),
    { numRuns: 500 },
  );
});

test('batches that fill up within a window write each instrument once, at its end', () => {
  const tested = slice(10, 100, false, 0);
  const connection = new RowConnection();
  const rows = Array.from({ length: 64 }, (_, i) => ({ token: 1 + (i % 8), packet: Packet.quote, lastPrice: 100 }));
  const batches: GatheredBatch[] = [];
  for (let i = 0; i < 10; i++) {
    tested.frame(connection, connection.frameOf(rows), tenOClock + 20_000 * i);
    batches.push(...tested.take(tenOClock / 1000 + 20 * i));
  }
  batches.push(...tested.take(tenOClock / 1000 + 400));
  const written = batches.map(({ latest }) => latest.length).filter((count) => count > 0);
  expect(batches.length).toBeGreaterThanOrEqual(64);
  expect(batches.reduce((sum, { count }) => sum + count, 0)).toBe(640);
  expect(written.length).toBeLessThanOrEqual(4);
  expect(written.every((count) => count <= 8)).toBe(true);
});
