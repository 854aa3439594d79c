import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLogger } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { VirtualClock } from '../../../runtime/virtual-clock.ts';
import { batch, call } from '../batches.testing.ts';
import { RedisReader } from './redis-reader.ts';
import { type RedisServer, startRedis } from './redis-server.testing.ts';
import { SetNames } from './set-names.ts';

let server: RedisServer;
let client: Redis;
let reader: RedisReader;
const clock = new VirtualClock();

beforeAll(async () => {
  server = await startRedis();
  client = new Redis(server.url);
  const { systemClock } = await import('../../../runtime/clock.ts');
  reader = new RedisReader({ url: server.url, clock: systemClock, random: new SeededRandom(1), log: silentLogger });
});
afterAll(async () => {
  await reader.close();
  client.disconnect();
  await server.stop();
});

const token = { epoch: 1, claim: 1 };
const of = (setUid: string, name: string, channel: string) => ({
  ...batch(setUid, token, 1, { header: { set: `desk/${name}` } }),
  channel,
});
const names = async () => (await reader.sets(clock.now())).map(({ name, channel }) => `${name} ${channel}`).sort();

test('whoever serves a set says its name, and takes it out when nobody serves it any more', async () => {
  const said = new SetNames((_key, act) => act(client), clock);
  await client.sadd('ticks:sets:u1', 's1');
  await client.sadd('ticks:sets:u2', 's1', 's2');
  const [one, two] = [of('u1', 'one', 'ticks:desk:one'), of('u2', 'two', 'ticks:desk:two')];
  expect(await said.refresh('s1', call('s1', token, 1, one, two).batches)).toEqual([]);
  expect(await names()).toEqual(['one ticks:desk:one', 'two ticks:desk:two']);

  // A changed channel is told at once.
  await said.refresh('s1', [of('u1', 'one', 'ticks:desk:renamed')]);
  expect(await names()).toEqual(['one ticks:desk:renamed', 'two ticks:desk:two']);

  // An outage of the sink is no silence of a set.
  await clock.advance(600_000);
  expect(await said.refresh('s1', [two])).toEqual([]);

  // A set that has left the slice.
  let left: readonly string[] = [];
  for (let second = 0; second < 40 && left.length === 0; second++) {
    await clock.advance(1000);
    left = await said.refresh('s1', [two]);
  }
  expect(left).toEqual(['u1']);
  await client.srem('ticks:sets:u1', 's1');
  await said.leave('s1', left);
  expect(await names()).toEqual(['two ticks:desk:two']);

  // A slice ended, and another serves the set still.
  await client.srem('ticks:sets:u2', 's1');
  await said.leave('s1', ['u2']);
  expect(await names()).toEqual(['two ticks:desk:two']);

  // What nobody says for a day is not listed.
  await clock.advance(25 * 3600 * 1000);
  expect(await names()).toEqual([]);
});
