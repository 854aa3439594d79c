import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Packet } from '../tick-columns.ts';
import { stamp } from './format/encoders.ts';
import { parsePayload } from './format/read-arrow.ts';
import { createAccountPipeline } from './pipeline.ts';
import { kolkata, RowConnection, second, sliceSet, sliceSpec, type TickRow, tenOClock } from './ticks.testing.ts';

const row: fc.Arbitrary<TickRow> = fc.record({
  // 1: an underlying that no set wants; 2 to 5: of the set; 9: not of the slice.
  token: fc.constantFrom(1, 2, 3, 4, 5, 9),
  packet: fc.constantFrom(...Object.values(Packet)),
  lastPrice: fc.constantFrom(100, 100.05, 101, -1, Number.NaN),
  volume: fc.constantFrom(0, 1000, 2000),
  bidQuantity: fc.array(fc.nat(2 ** 31 - 1), { minLength: 5, maxLength: 5 }),
});
const frames = fc.array(fc.array(row, { maxLength: 90 }), { maxLength: 8 });
const how = fc.record({
  format: fc.constantFrom('json' as const, 'arrow' as const),
  maxTicks: fc.constantFrom(1, 7, 64, 65, 1000),
  window: fc.constantFrom(0, 100),
  latest: fc.boolean(),
  action: fc.constantFrom('enforce' as const, 'off' as const),
});

/** What a set gets; where it is the slice's only one its rows are decoded into its batch. */
function delivered(
  only: boolean,
  list: readonly (readonly TickRow[])[],
  settings: typeof how extends fc.Arbitrary<infer T> ? T : never,
) {
  const { action, ...delivery } = settings;
  const changes = { validation: { action }, greeks: kolkata };
  const set = sliceSet('a', { ...changes, delivery: { ...sliceSet('a').delivery, ...delivery } });
  const slice = createAccountPipeline().slice('s');
  const instruments = [2, 3, 4, 5].map((token) => ({
    token,
    symbol: `S${token}`,
    ...(token < 4 && { strike: 95 + token, type: 'CE' as const }),
  }));
  slice.configure(
    sliceSpec(only ? [set] : [set, sliceSet('b')], [
      { exchange: 'NFO', mode: 'full', sets: [0], expiry: '2026-01-08', underlying: 1, instruments },
      { exchange: 'NSE', mode: 'full', sets: [], instruments: [{ token: 1, symbol: 'INDEX' }] },
    ]),
  );
  const connection = new RowConnection();
  const batches = list.flatMap((rows, i) => {
    const received = tenOClock + i * second;
    slice.frame(connection, connection.frameOf(rows), received);
    return slice.take(received / 1000 + 100);
  });
  const header = { v: 1, set: 's', slice: 's', shard: 's', epoch: 1, claim: 1, seq: 1, time: 0 } as const;
  const read = batches.map(({ body, count, release: _, ...rest }) => ({
    ...rest,
    ...parsePayload(stamp({ ...header, count }, body)),
  }));
  return { read, counters: slice.counters };
}

test('law: rows that are decoded into the batch of the only set are those that it gets beside another', () => {
  fc.assert(
    fc.property(frames, how, (list, settings) => {
      expect(delivered(true, list, settings)).toEqual(delivered(false, list, settings));
    }),
    { numRuns: 300 },
  );
});
