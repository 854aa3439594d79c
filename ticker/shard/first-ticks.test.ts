import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { World } from './shard.testing.ts';

const a = { shard: 'shard-0', uid: 'pod-0' };
const b = { shard: 'shard-1', uid: 'pod-1' };

let world: World;

beforeEach(async () => {
  world = new World();
  await world.reader.follow(world.memory.reader());
  world.login();
  await world.start(a);
  await world.start(b);
  world.put({ owner: a });
  await world.run(2_000, 50);
  // The answer to a subscription takes its time from now on.
  world.broker.later = () => {};
  world.reader.headers.length = 0;
});
afterEach(() => world.stop());

const publishers = (): string[] => world.reader.batches.map(({ shard }) => shard);

/** Time goes by, and ticks come on the first connections only. */
async function trade(milliseconds: number, connections: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 50) {
    await world.clock.advance(50);
    for (const connection of world.broker.connections.slice(0, connections)) connection.tick();
  }
}

describe('an owner that lives, and was taken for dead', () => {
  test('streams on until its successor has ticks, which come at once then', async () => {
    world.put({ owner: b, epoch: 2 });
    await trade(300, 1);
    expect(world.broker.live).toHaveLength(2);
    expect(new Set(publishers())).toEqual(new Set(['shard-0']));
    const before = world.reader.batches.at(-1);
    await trade(50, 2);
    await world.clock.advance(1);
    const first = world.reader.batches.find(({ shard }) => shard === 'shard-1');
    expect(first).toMatchObject({ epoch: 2, claim: 1, overlap: true, prev: { epoch: 1 } });
    expect((first?.time ?? 0) - (before?.time ?? 0)).toBeLessThanOrEqual(100_000);
    await trade(1_000, 2);
    expect(world.broker.live).toHaveLength(1);
    expect(publishers().at(-1)).toBe('shard-1');
    expect(world.reader.sequence.totals).toMatchObject({ missing: 0, duplicates: 0 });
  });

  test('is not waited for in a quiet market', async () => {
    world.put({ owner: b, epoch: 2 });
    await trade(450, 0);
    expect(world.status('shard-1')?.token).toBeUndefined();
    await trade(1_500, 0);
    expect(world.status('shard-1')).toMatchObject({ token: { epoch: 2, claim: 1 } });
    expect(world.broker.live).toHaveLength(1);
  });
});
