import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withoutRedis } from '../failover/faults.ts';
import { measure } from '../failover/measure.ts';
import { applyDesk, clearDesk, waitCondition } from '../lab/desk.ts';
import { list } from '../lab/kubectl.ts';
import { desk } from '../lab/lab.ts';

beforeAll(applyDesk);
afterAll(clearDesk);

const kinds = 'instrumentset,tickeraccount,subscriptionslice';
/** Which version of each object the API server has. */
async function versions(): Promise<string[]> {
  return (await list(kinds, desk)).map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`);
}

it('while Redis is away sets say that nothing is delivered, once; every tick is accounted for', async () => {
  const { untold, stale } = await measure({
    name: 'redis-away',
    happen: () =>
      withoutRedis(async () => {
        for (const set of ['left', 'right']) await waitCondition('instrumentset', set, 'Ready', 'False', /sink/i);
        // Each shard says it once, at its own pace.
        await delay(3000);
        const said = await versions();
        await delay(10_000);
        expect(await versions()).toEqual(said);
      }),
  });
  expect({ untold, stale }).toEqual({ untold: 0, stale: 0 });
});
