import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { batch, call } from './batches.testing.ts';
import { SinkBench, type SinkFixture, set } from './contract/bench.ts';
import { describeClaims } from './contract/claim.ts';
import { describeDelivery } from './contract/delivery.ts';
import { describeLate } from './contract/late.ts';
import { describeMarkAndEnd } from './contract/mark-and-end.ts';
import { describeSending } from './contract/send.ts';

export type { SinkFixture } from './contract/bench.ts';

/** What every {@link Sink} with its {@link SinkReader} must do (the ownership protocol, sections 1, 2 and 7). */
export function describeSink(name: string, make: () => Promise<SinkFixture>): void {
  describe(`${name} keeps the contract of a sink`, () => {
    const bench = new SinkBench();

    beforeEach(async () => bench.open(await make()));
    afterEach(() => bench.close());

    describeClaims(bench);
    describeSending(bench);
    describeDelivery(bench);
    describeLate(bench);
    describeMarkAndEnd(bench);

    test('ping resolves', async () => {
      await bench.sink.ping();
    });

    test('whatever fails and is sent again: each call once, in order (law)', async () => {
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.integer({ min: -3, max: 2 }), { minLength: 1, maxLength: 25 }), async (jumps) => {
          const sliceUid = `law-${round++}`;
          const answer = await bench.sink.claim({ sliceUid, epoch: 1, above: 0, setUids: [set] });
          if (answer.kind !== 'claimed') throw new Error(answer.kind);
          let last = 0;
          for (const jump of jumps) {
            const n = Math.max(1, last + jump);
            const { kind } = await bench.sink.send(call(sliceUid, answer.token, n, batch(set, answer.token, n)));
            expect(kind).toBe(n <= last ? 'already' : n === last + 1 ? 'written' : 'gap');
            if (kind === 'written') last = n;
          }
          const sequence = (await bench.streamed(set, sliceUid)).map((text) => JSON.parse(String(text)).seq);
          expect(sequence).toEqual(Array.from({ length: last }, (_, i) => i + 1));
        }),
        { numRuns: 25, seed: 7 },
      );
    });
  });
}
