import { afterEach, beforeEach, expect, test } from 'vitest';
import { subscriptionSlices } from '../../cluster/resources.ts';
import type { SliceShardStatus } from '../../crds/index.ts';
import { silentLogger } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { slice, sliceName, sliceUid } from './shard.testing.ts';
import { StatusWriter } from './status-writer.ts';
import { TestCluster } from './test-cluster.testing.ts';

const interval = 1_000;
const streaming: SliceShardStatus = {
  shard: 'shard-0',
  uid: 'pod-0',
  observedGeneration: 1,
  phase: 'Streaming',
  subscribed: 3,
  ticking: 0,
};
let clock: VirtualClock;
let cluster: TestCluster;
let writer: StatusWriter;
let stop: () => Promise<void>;

beforeEach(() => {
  clock = new VirtualClock();
  cluster = new TestCluster();
  cluster.put(subscriptionSlices, slice({}));
  const where = { ...sliceName, uid: sliceUid };
  const random = new SeededRandom(1);
  writer = new StatusWriter({
    cluster,
    clock,
    random,
    log: silentLogger,
    slice: where,
    fieldManager: 'test',
    interval,
  });
  const ending = new AbortController();
  const ended = writer.run(ending.signal);
  stop = async () => {
    ending.abort();
    await ended;
  };
});
afterEach(() => stop());

const writes = (): number => cluster.statusWrites.length;
const written = (): SliceShardStatus | undefined => cluster.statusWrites.at(-1)?.status?.shards?.[0];

test('counts go out once in an interval, the newest of them', async () => {
  for (let ticking = 1; ticking <= 100; ticking++) {
    writer.offer({ ...streaming, ticking });
    await clock.advance(100);
  }
  expect(writes()).toBe(11);
  await clock.advance(interval);
  expect(written()).toMatchObject({ ticking: 100 });
  const before = writes();
  writer.offer({ ...streaming, ticking: 100 });
  await clock.advance(60_000);
  expect(writes()).toBe(before);
});

test.each<[string, Partial<SliceShardStatus>]>([
  ['the phase', { phase: 'Refused' }],
  ['the generation that it is said of', { observedGeneration: 2 }],
  ['the token', { token: { epoch: 2, claim: 1 } }],
  ['who has beaten it', { beatenBy: { epoch: 2, claim: 1 } }],
  ['the generation that streams', { streaming: 1 }],
])('%s goes out at once, with whatever else has changed', async (_, change) => {
  writer.offer(streaming);
  await clock.advance(10);
  writer.offer({ ...streaming, ticking: 3 });
  await clock.advance(10);
  expect(writes()).toBe(1);
  writer.offer({ ...streaming, ticking: 3, ...change });
  await clock.advance(1);
  expect(writes()).toBe(2);
  expect(written()).toMatchObject({ ticking: 3, ...change });
});

test('what goes back and forth is written a few times at once, then at the interval, and in the end as it is', async () => {
  const seconds = 60;
  for (let i = 0; i < seconds * 20; i++) {
    writer.offer({ ...streaming, phase: i % 2 === 0 ? 'Connecting' : 'Streaming' });
    await clock.advance(50);
  }
  expect(writes()).toBeGreaterThanOrEqual(seconds);
  expect(writes()).toBeLessThanOrEqual(2 * seconds + 5);
  writer.offer({ ...streaming, phase: 'Resting' });
  await clock.advance(interval);
  expect(written()).toMatchObject({ phase: 'Resting' });
});

test('what is taken back goes out at once; what somebody removed, at the interval', async () => {
  writer.offer(streaming);
  await clock.advance(10);
  for (let i = 0; i < 20; i++) {
    writer.repeat();
    await clock.advance(interval / 10);
  }
  expect(writes()).toBe(3);
  writer.withdraw();
  await clock.advance(1);
  expect(writes()).toBe(4);
  expect(written()).toBeUndefined();
});

test('an API server that is away is asked with growing waits, however urgent it is', async () => {
  writer.offer(streaming);
  await clock.advance(10);
  cluster.goAway();
  const asked: number[] = [];
  const apply = cluster.applyStatus.bind(cluster);
  cluster.applyStatus = (resource, object) => {
    asked.push(clock.monotonic());
    return apply(resource, object);
  };
  for (let i = 0; i < 600; i++) {
    writer.offer({ ...streaming, phase: i % 2 === 0 ? 'Connecting' : 'Streaming', ticking: i });
    await clock.advance(100);
  }
  expect(asked.length).toBeLessThan(20);
  cluster.comeBack();
  await clock.advance(20_000);
  expect(written()).toMatchObject({ phase: 'Streaming', ticking: 599 });
});
