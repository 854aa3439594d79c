import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withoutRedis } from '../failover/faults.ts';
import { measure } from '../failover/measure.ts';
import { applyDesk, balanced, clearDesk, waitCondition } from '../lab/desk.ts';
import { kubectl } from '../lab/kubectl.ts';
import { desk } from '../lab/lab.ts';

beforeAll(applyDesk);
afterAll(clearDesk);

const kinds = 'instrumentset,tickeraccount,subscriptionslice';
/** Every object as the API server has it, its version included. */
function objects(): Promise<string> {
  return kubectl(['get', kinds, '--namespace', desk, '-o', 'yaml']);
}

it('while Redis is away sets say that nothing is delivered, once; every tick is accounted for', async () => {
  // A move for balance that begins meanwhile would be a write of its own.
  await balanced(60_000);
  const { untold, stale } = await measure({
    name: 'redis-away',
    happen: () =>
      withoutRedis(async () => {
        for (const set of ['left', 'right']) await waitCondition('instrumentset', set, 'Ready', 'False', /sink/i);
        // Each shard says it once, at its own pace.
        await delay(3000);
        const said = await objects();
        await delay(10_000);
        expect(await objects()).toBe(said);
      }),
  });
  expect({ untold, stale }).toEqual({ untold: 0, stale: 0 });
});
