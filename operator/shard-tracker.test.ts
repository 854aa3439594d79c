import { beforeEach, expect, test } from 'vitest';
import { type ContainerStatus, drainingAnnotation, type Lease, type Pod, shardLabel } from '../cluster/resources.ts';
import { ShardTracker } from './shard-tracker.ts';

function lease(renewTime: number, { uid = 'u', draining = false, name = 'shard-0' } = {}): Lease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name,
      namespace: 'default',
      labels: { [shardLabel]: name },
      annotations: { [drainingAnnotation]: String(draining) },
    },
    spec: { holderIdentity: `${name}/${uid}`, renewTime: String(renewTime) },
  };
}

let tracker: ShardTracker;
const states = () => [...tracker.shards].map(([key, { state }]) => `${key} ${state}`);

beforeEach(() => {
  tracker = new ShardTracker();
});

/** Our own heartbeat comes back every half second. */
function watchLive(from: number, to: number): void {
  for (let now = from; now <= to; now += 500) tracker.heartbeat(now);
}

test('a renewal is no news; a new shard, draining and leaving are', () => {
  expect(tracker.observe(lease(1), false, 0)).toBe(true);
  expect(tracker.observe(lease(2), false, 1000)).toBe(false);
  expect(tracker.observe(lease(3, { draining: true }), false, 2000)).toBe(true);
  expect(states()).toEqual(['shard-0/u draining']);
  expect(tracker.observe(lease(3), true, 2500)).toBe(true);
  expect(states()).toEqual([]);
});

test('unrenewed for three seconds of live watching a shard is suspect, until it renews', () => {
  tracker.observe(lease(1), false, 0);
  watchLive(0, 2500);
  expect(states()).toEqual(['shard-0/u ready']);
  watchLive(3000, 3000);
  expect(states()).toEqual(['shard-0/u suspect']);
  tracker.observe(lease(2), false, 3200);
  expect(states()).toEqual(['shard-0/u ready']);
});

test('a blind watch raises no suspicion, and the wait starts anew after it', () => {
  tracker.observe(lease(1), false, 0);
  watchLive(0, 2000);
  watchLive(11_000, 13_500);
  expect(states()).toEqual(['shard-0/u ready']);
  watchLive(14_000, 14_000);
  expect(states()).toEqual(['shard-0/u suspect']);
});

test('a new pod takes the name over: the former identity is gone', () => {
  tracker.observe(lease(1, { uid: 'old' }), false, 0);
  expect(tracker.observe(lease(2, { uid: 'new' }), false, 100)).toBe(true);
  expect(states()).toEqual(['shard-0/new ready']);
});

test('other leases are none of our business', () => {
  const other = lease(1);
  expect(tracker.observe({ ...other, metadata: { name: 'node', namespace: 'kube-node-lease' } }, false, 0)).toBe(false);
});

function pod(state: ContainerStatus['state'], { uid = 'u', restartCount = 0, deleted = false } = {}): Pod {
  const deletion = deleted ? { deletionTimestamp: '2026-01-05T04:00:00Z' } : {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'shard-0', namespace: 'default', uid, ...deletion },
    status: { containerStatuses: [{ name: 'shard', restartCount, ...(state === undefined ? {} : { state }) }] },
  };
}

test("the kubelet's word that a container ended counts at once, and its next renewal ends the suspicion", () => {
  const backOff = { waiting: { reason: 'CrashLoopBackOff' } };
  tracker.observe(lease(1), false, 0);
  expect(tracker.observePod(pod({ running: {} }), false, 0)).toBe(false);
  expect(tracker.observePod(pod({ terminated: { exitCode: 137 } }), false, 500)).toBe(true);
  expect(states()).toEqual(['shard-0/u suspect']);
  tracker.observe(lease(2), false, 1500);
  expect(states()).toEqual(['shard-0/u ready']);
  // The same end told again is no other death.
  expect(tracker.observePod(pod(backOff), false, 1600)).toBe(false);
  expect(tracker.observePod(pod(backOff, { restartCount: 1 }), false, 2000)).toBe(true);
});

test('a container that runs again within the time of a suspicion keeps its name and its slices', () => {
  tracker.observe(lease(1), false, 0);
  tracker.observePod(pod({ running: {} }), false, 0);
  expect(tracker.observePod(pod({ running: {} }, { restartCount: 1 }), false, 900)).toBe(false);
  expect(states()).toEqual(['shard-0/u ready']);
});

test('a pod that is gone, and one whose name another has, are dead at once', () => {
  tracker.observe(lease(1), false, 0);
  tracker.observePod(pod({ running: {} }), false, 0);
  tracker.observePod(pod({ running: {} }), true, 100);
  expect(states()).toEqual(['shard-0/u suspect']);
  tracker.observe(lease(2), false, 200);
  tracker.observePod(pod({ waiting: { reason: 'ContainerCreating' } }, { uid: 'new' }), false, 300);
  expect(states()).toEqual(['shard-0/u suspect']);
});

test('a pod that is being deleted drains, and so does a shard that is to be removed', () => {
  tracker.observe(lease(1), false, 0);
  tracker.observePod(pod({ running: {} }, { deleted: true }), false, 100);
  expect(states()).toEqual(['shard-0/u draining']);
  tracker.observe(lease(1, { name: 'shard-1' }), false, 0);
  expect(tracker.leave(new Set(['shard-1']))).toBe(true);
  expect(states()).toEqual(['shard-0/u draining', 'shard-1/u draining']);
  expect(tracker.leave(new Set())).toBe(true);
});
