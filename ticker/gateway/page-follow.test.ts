import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BatchHeader } from '../delivery.ts';
import { BatchSequence } from './batch-sequence.ts';

const { follow, freshStream } = await import(new URL('page/follow.js', import.meta.url).href);

const header = fc.record({
  epoch: fc.integer({ min: 1, max: 3 }),
  claim: fc.integer({ min: 1, max: 2 }),
  seq: fc.integer({ min: 0, max: 6 }),
  count: fc.integer({ min: 0, max: 2 }),
  slice: fc.constantFrom('default/a', 'default/b'),
  prev: fc.option(
    fc.record({ epoch: fc.integer({ min: 1, max: 3 }), claim: fc.constant(1), seq: fc.integer({ min: 1, max: 6 }) }),
  ),
  told: fc.boolean(),
  late: fc.boolean(),
});

test('the page counts what every reader counts, whatever arrives (law)', () => {
  fc.assert(
    fc.property(fc.array(header, { maxLength: 30 }), (drawn) => {
      const sequence = new BatchSequence();
      const stream = freshStream();
      for (const { told, late, prev, ...fields } of drawn) {
        const each: BatchHeader = {
          v: 1,
          set: 'default/set',
          shard: 'shard-0',
          time: 0,
          ...fields,
          ...(fields.seq === 1 && { prev }),
          ...(told && fields.count > 0 && { gap: { from: 0, to: 1, why: 'reconnect' as const } }),
          ...(late && { late: true as const }),
        };
        expect(follow(stream, each)).toBe(sequence.check(each).take);
      }
      const { batches, ticks, missing, unproven, told } = sequence.totals;
      expect(stream).toMatchObject({ batches, ticks, missing, unproven, told });
    }),
    { numRuns: 2000, seed: 9 },
  );
});
