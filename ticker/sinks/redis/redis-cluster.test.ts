import { afterAll, beforeAll, expect, test } from 'vitest';
import { sleep, systemClock } from '../../../runtime/clock.ts';
import { silentLogger } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { batch, call } from '../batches.testing.ts';
import { isSharded, sliceChannel } from '../channels.ts';
import { describeSink } from '../sink.contract.ts';
import { keySlot } from './key-slot.ts';
import { fenceKey } from './keys.ts';
import { type ClusterNode, eventually, type RedisCluster, startRedisCluster } from './redis-cluster.testing.ts';
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

const options = () => ({
  ...cluster.access,
  clock: systemClock,
  random: new SeededRandom(2),
  log: silentLogger,
});

/** Counts what a server hears on a channel, subscribed by a client that is not ours. */
async function hear(node: ClusterNode, channel: string): Promise<{ heard: number; end: () => void }> {
  const client = node.admin.duplicate();
  const result = { heard: 0, end: () => client.disconnect() };
  const count = (): void => {
    result.heard++;
  };
  client.on('message', count);
  client.on('smessage', count);
  try {
    await (isSharded(channel) ? client.ssubscribe(channel) : client.subscribe(channel));
  } catch (error) {
    client.disconnect();
    throw error;
  }
  return result;
}

test('what is published on the channel of a set is heard on every server; on that of a slice on its own alone', async () => {
  const sink = new RedisSink(options());
  const plain = 'ticks:default:everywhere';
  const sharded = sliceChannel(plain, 'shard-me');
  const answer = await sink.claim({ sliceUid: 'shard-me', epoch: 1, above: 0, setUids: ['set'] });
  if (answer.kind !== 'claimed') throw new Error(answer.kind);
  const { token } = answer;
  const owner = await cluster.masterOf(keySlot(sharded));
  const everywhere = await Promise.all(cluster.nodes.map((node) => hear(node, plain)));
  const own = await hear(owner, sharded);
  for (const node of cluster.nodes.slice(0, 3)) {
    if (node !== owner) await expect(hear(node, sharded)).rejects.toThrow(/MOVED/);
  }
  for (let n = 1; n <= 10; n++) {
    const channel = n % 2 === 0 ? plain : sharded;
    expect(await sink.send(call('shard-me', token, n, batch('set', token, n, { channel })))).toEqual({
      kind: 'written',
    });
  }
  await expect.poll(() => everywhere.map(({ heard }) => heard), { timeout: 10_000 }).toEqual(Array(6).fill(5));
  await expect.poll(() => own.heard, { timeout: 10_000 }).toBe(5);
  for (const { end } of [...everywhere, own]) end();
  await sink.close();
});

test('a reader follows a sharded channel to the server that gets its slot, and back', async () => {
  const [sink, reader] = [new RedisSink(options()), new RedisReader(options())];
  const channel = sliceChannel('ticks:default:moving', 'moving');
  const answer = await sink.claim({ sliceUid: 'moving', epoch: 1, above: 0, setUids: ['set'] });
  if (answer.kind !== 'claimed') throw new Error(answer.kind);
  const { token } = answer;
  let heard = 0;
  await reader.subscribe(channel, () => heard++);
  const slot = keySlot(channel);
  const home = await cluster.masterOf(slot);
  const other = cluster.nodes.slice(0, 3).find((node) => node !== home)!;
  let n = 0;
  const untilHeard = async (): Promise<void> => {
    const before = heard;
    for (const until = performance.now() + 15_000; heard === before && performance.now() < until; ) {
      n++;
      const sent = call('moving', token, n, batch('set', token, n, { channel }));
      expect(['written', 'already']).toContain((await eventually(() => sink.send(sent))).kind);
      await sleep(systemClock, 20);
    }
    expect(heard).toBeGreaterThan(before);
  };
  await untilHeard();
  for (const to of [other, home]) {
    await cluster.migrate(slot, to);
    await untilHeard();
  }
  expect((await reader.range('moving', 'set', '0', 10_000)).length).toBe(n);
  await Promise.all([sink.close(), reader.close()]);
});

test('the server dies on which a reader hears the channel of a set: it hears it on another', async () => {
  const [sink, reader] = [new RedisSink(options()), new RedisReader(options())];
  const channel = 'ticks:default:listening';
  let heard = 0;
  await reader.subscribe(channel, () => heard++);
  const listening = await Promise.all(cluster.nodes.map(({ admin }) => admin.pubsub('NUMSUB', channel)));
  const home = cluster.nodes[listening.findIndex(([, count]) => Number(count) > 0)]!;
  const slot = await slotElsewhere(home);
  const answer = await sink.claim({ sliceUid: slot, epoch: 1, above: 0, setUids: ['set'] });
  if (answer.kind !== 'claimed') throw new Error(answer.kind);
  await home.server.kill();
  for (let n = 1; heard === 0 && n < 1500; n++) {
    const sent = call(slot, answer.token, n, batch('set', answer.token, n, { channel }));
    await eventually(() => sink.send(sent));
    await sleep(systemClock, 20);
  }
  expect(heard).toBeGreaterThan(0);
  await home.server.restart();
  await Promise.all([sink.close(), reader.close()]);
}, 60_000);

/** UID of a slice that lies on another master. */
async function slotElsewhere(node: ClusterNode): Promise<string> {
  for (let i = 0; ; i++) if ((await cluster.masterOf(keySlot(fenceKey(`slice-${i}`)))) !== node) return `slice-${i}`;
}

test('a slot is computed as Redis computes it', async () => {
  const [{ admin }] = cluster.nodes as [(typeof cluster.nodes)[number]];
  for (const key of ['', 'a', 'ticks:{slice-1}:fence', 'ticks:{slice-1}:set:stream', '{}x', '{a', 'a}{b}{c}', '₹{₹}']) {
    expect([key, keySlot(key)]).toEqual([key, await admin.call('CLUSTER', 'KEYSLOT', key)]);
  }
});
