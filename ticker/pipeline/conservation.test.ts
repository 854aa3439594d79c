import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Packet } from '../tick-columns.ts';
import type { GatheredBatch } from './gathered-batch.ts';
import { createAccountPipeline } from './pipeline.ts';
import { kolkata, RowConnection, sliceSet, sliceSpec, type TickRow, tenOClock } from './ticks.testing.ts';

const tokens = fc.integer({ min: 1, max: 6 });
const price = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(100, 100.05, 150) }, fc.constantFrom(0, -1, Number.NaN));
const row: fc.Arbitrary<TickRow> = fc.record({
  token: tokens,
  packet: fc.constantFrom(...Object.values(Packet)),
  lastPrice: price,
  volume: fc.constantFrom(0, 1000, 2000),
  exchangeTime: fc.constantFrom(tenOClock, tenOClock - 1e6, tenOClock + 60e6, 0),
});
const action = fc.constantFrom('enforce' as const, 'report' as const, 'off' as const);
const sets = fc.array(
  fc.record({
    uid: fc.constantFrom('a', 'b', 'c'),
    action,
    greeks: fc.boolean(),
    maxTicks: fc.constantFrom(1, 3, 1000),
  }),
  { maxLength: 3 },
);
const spec = sets.chain((list) => {
  const unique = list.filter(({ uid }, at) => list.findIndex((other) => other.uid === uid) === at);
  const some = fc.subarray(unique.map((_, at) => at));
  return fc.array(fc.record({ token: tokens, sets: some, option: fc.boolean() }), { maxLength: 6 }).map((instruments) =>
    sliceSpec(
      unique.map(({ uid, action, greeks, maxTicks }) => {
        const set = sliceSet(uid, { validation: { action }, delivery: { ...sliceSet(uid).delivery, maxTicks } });
        return greeks ? { ...set, greeks: kolkata } : set;
      }),
      instruments
        .filter(({ token }, at) => instruments.findIndex((other) => other.token === token) === at)
        .map(({ token, sets, option }) => ({
          exchange: 'NFO',
          mode: 'full' as const,
          sets,
          ...(option ? { expiry: '2026-01-08', underlying: 1 } : {}),
          instruments: [{ token, symbol: `S${token}`, ...(option ? { strike: 100, type: 'CE' as const } : {}) }],
        })),
    ),
  );
});
const step = fc.oneof(
  { weight: 1, arbitrary: spec.map((value) => ({ kind: 'configure' as const, value })) },
  { weight: 4, arbitrary: fc.array(row, { maxLength: 12 }).map((value) => ({ kind: 'frame' as const, value })) },
  { weight: 1, arbitrary: fc.constant({ kind: 'take' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reconnect' as const }) },
);

test('law: every received tick is counted once, and every batched one is delivered, in order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const account = createAccountPipeline();
      const slice = account.slice('a');
      let connection = new RowConnection();
      let now = tenOClock;
      let fed = 0;
      const taken: GatheredBatch[] = [];
      for (const one of steps) {
        now += 30_000;
        if (one.kind === 'configure') slice.configure(one.value);
        else if (one.kind === 'reconnect') connection = new RowConnection();
        else if (one.kind === 'take') taken.push(...slice.take(now / 1000));
        else {
          fed += one.value.length;
          slice.frame(connection, connection.frameOf(one.value), now);
        }
        const { received, invalid, unknown, unrouted, routed } = slice.counters;
        expect(received).toBe(fed);
        expect(invalid + unknown + unrouted + routed).toBe(received);
      }
      taken.push(...slice.take(0, true));
      expect(taken.reduce((sum, { count }) => sum + count, 0)).toBe(slice.counters.batched);
      expect(slice.counters.dropped).toBe(0);
      for (const uid of ['uid-a', 'uid-b', 'uid-c']) {
        const times = taken.filter(({ setUid }) => setUid === uid).flatMap((b) => [b.firstReceived, b.lastReceived]);
        expect(times).toEqual([...times].sort((a, b) => a - b));
      }
      for (const { body, count } of taken) {
        const columns = JSON.parse(body as string) as Record<string, unknown[]>;
        for (const cells of Object.values(columns)) expect(cells).toHaveLength(count);
      }
      expect(slice.nextDue()).toBe(Number.POSITIVE_INFINITY);
    }),
    { numRuns: 400, seed: 1 },
  );
});
