import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Packet } from '../tick-columns.ts';
import { stamp } from './format/encoders.ts';
import { rows } from './format/read.ts';
import { parsePayload } from './format/read-arrow.ts';
import type { GatheredBatch } from './gathered-batch.ts';
import { createAccountPipeline } from './pipeline.ts';
import { kolkata, RowConnection, sliceSet, sliceSpec, type TickRow, tenOClock } from './ticks.testing.ts';

const header = { v: 1, set: 's', slice: 's', shard: 's', epoch: 1, claim: 1, seq: 1, time: 0 } as const;
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
    window: fc.constantFrom(0, 100),
    conflate: fc.boolean(),
    format: fc.constantFrom('json' as const, 'arrow' as const),
  }),
  { maxLength: 3 },
);
const spec = sets.chain((list) => {
  const unique = list.filter(({ uid }, at) => list.findIndex((other) => other.uid === uid) === at);
  const some = fc.subarray(unique.map((_, at) => at));
  return fc.array(fc.record({ token: tokens, sets: some, option: fc.boolean() }), { maxLength: 6 }).map((instruments) =>
    sliceSpec(
      unique.map(({ uid, action, greeks, ...changes }) => {
        const set = sliceSet(uid, { validation: { action }, delivery: { ...sliceSet(uid).delivery, ...changes } });
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
      // `parsePayload` refuses columns whose length is not `count`.
      for (const { body, count } of taken) parsePayload(stamp({ ...header, count }, body));
      expect(slice.nextDue()).toBe(Number.POSITIVE_INFINITY);
    }),
    { numRuns: 400, seed: 1 },
  );
});

test('law: a set that conflates delivers the newest row of each instrument, and batched + conflated is every row it took', () => {
  fc.assert(
    fc.property(fc.array(fc.array(row, { maxLength: 8 }), { maxLength: 10 }), (frames) => {
      const slice = createAccountPipeline().slice('a');
      const off = { validation: { action: 'off' as const } };
      const conflated = { ...sliceSet('a').delivery, conflate: true };
      const instruments = [1, 2, 3].map((token) => ({ token, symbol: `S${token}` }));
      slice.configure(
        sliceSpec(
          [sliceSet('a', { ...off, delivery: conflated }), sliceSet('b', off)],
          [{ exchange: 'NSE', mode: 'full', sets: [0, 1], instruments }],
        ),
      );
      const connection = new RowConnection();
      frames.forEach((list, at) => {
        slice.frame(connection, connection.frameOf(list), tenOClock + at);
      });
      const taken = slice.take(0, true);
      const [few, all] = ['uid-a', 'uid-b'].map((uid) => taken.find(({ setUid }) => setUid === uid));
      const { batched, conflated: left } = slice.counters;
      expect(batched).toBe((few?.count ?? 0) + (all?.count ?? 0));
      expect(batched + left).toBe(2 * (all?.count ?? 0));
      if (few === undefined || all === undefined) return;
      expect([few.firstReceived, few.lastReceived]).toEqual([all.firstReceived, all.lastReceived]);
      // The newest by exchange time, as latest values are, of which the last that came.
      const newest = new Map(all.latest.map(({ instrument, json }) => [instrument, JSON.parse(json) as object]));
      const kept = rows(parsePayload(stamp({ ...header, count: few.count }, few.body)));
      const read = [...kept].map((tick) => Object.entries(tick).filter(([, value]) => value !== null));
      expect(read.map((entries) => Object.fromEntries(entries))).toEqual([...newest.values()]);
    }),
    { numRuns: 200, seed: 2 },
  );
});
