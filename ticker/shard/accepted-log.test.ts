import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Gap } from '../delivery.ts';
import { AcceptedLog, acceptedCallsRemembered } from './accepted-log.ts';
import type { HeldBatch } from './backlog.ts';

type Sample = readonly [set: string, count: number];

function held([uid, count]: Sample, at: number): HeldBatch {
  const batch = { setUid: uid, count, body: '', latest: [], firstReceived: at, lastReceived: at + 1 };
  const set = { uid } as HeldBatch['set'];
  return { id: at, batch, set, bytes: 0, gap: undefined, mayRepeat: false };
}

const call = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 9 })), { maxLength: 5 });

test('law: what is lost after a call is the sum of all that was accepted after it, by set', () => {
  fc.assert(
    fc.property(fc.array(call, { maxLength: 20 }), fc.nat(20), (calls, last) => {
      const log = new AcceptedLog();
      const lost = new Map<string, Gap>();
      let at = 0;
      calls.forEach((samples, index) => {
        log.add(
          index + 1,
          samples.map((sample) => {
            at += 10;
            const gap = lost.get(sample[0]);
            if (index + 1 > last) {
              const ticks = (gap?.ticks ?? 0) + sample[1];
              lost.set(sample[0], { from: gap?.from ?? at, to: at + 1, why: 'redis', ticks });
            }
            return held(sample, at);
          }),
        );
      });
      expect(log.after(last)).toEqual(lost);
    }),
    { numRuns: 300, seed: 1 },
  );
});

test('of calls that are no longer remembered it says from when, not how much', () => {
  const log = new AcceptedLog();
  const calls = 2 * acceptedCallsRemembered + 5;
  for (let n = 1; n <= calls; n++) log.add(n, n % 2 === 0 ? [] : [held(['a', 2], 10 * n)]);
  expect(log.after(calls)).toEqual(new Map());
  expect(log.after(calls - 2)).toEqual(
    new Map([['a', { from: 10 * calls, to: 10 * calls + 1, why: 'redis', ticks: 2 }]]),
  );
  expect(log.after(1).get('a')).not.toHaveProperty('ticks');
  expect(log.after(1).get('a')?.to).toBe(10 * calls + 1);
});
