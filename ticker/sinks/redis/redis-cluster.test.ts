import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import { silentLogger } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { describeSink } from '../sink.contract.ts';
import { keySlot } from './key-slot.ts';
import { type RedisCluster, startRedisCluster } from './redis-cluster.testing.ts';
import { RedisReader } from './redis-reader.ts';
import { RedisSink } from './redis-sink.ts';

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster();
}, 60_000);
afterAll(() => cluster?.stop());

describeSink('RedisSink on a cluster with TLS', async () => {
  const options = { ...cluster.access, clock: systemClock, random: new SeededRandom(1), log: silentLogger };
  for (const { admin } of cluster.nodes.slice(0, 3)) await admin.flushall();
  const [sink, other, reader] = [new RedisSink(options), new RedisSink(options), new RedisReader(options)];
  await Promise.all([sink.ping(), other.ping()]);
  return {
    sink,
    other,
    reader,
    close: async () => {
      await Promise.all([sink.close(), other.close(), reader.close()]);
    },
  };
});

test('a slot is computed as Redis computes it', async () => {
  const [{ admin }] = cluster.nodes as [(typeof cluster.nodes)[number]];
  for (const key of ['', 'a', 'ticks:{slice-1}:fence', 'ticks:{slice-1}:set:stream', '{}x', '{a', 'a}{b}{c}', '₹{₹}']) {
    expect([key, keySlot(key)]).toEqual([key, await admin.call('CLUSTER', 'KEYSLOT', key)]);
  }
});
