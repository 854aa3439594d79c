import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ApiServer } from '../../cluster/kubernetes/api-server.testing.ts';
import type { KubernetesCluster } from '../../cluster/kubernetes/index.ts';
import { readLease } from '../../cluster/lease.ts';
import { drainingAnnotation } from '../../cluster/resources.ts';
import { sleep, systemClock } from '../../runtime/clock.ts';
import { LogThreshold } from '../../runtime/log.ts';
import { shardLease } from '../../ticker/shard/shard.ts';
import { ThreadedLease } from './threaded-lease.ts';

vi.setConfig({ hookTimeout: 240_000, testTimeout: 120_000 });

/** Stops this thread, as a loop that never ends would. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

describe('a lease renewed by a thread of its own, on a real API server', () => {
  let server: ApiServer;
  let cluster: KubernetesCluster;
  beforeAll(async () => {
    server = await ApiServer.start();
    cluster = await server.connect();
  });
  afterAll(() => server?.stop());

  const open = (name: string) => {
    const lease = shardLease({ shard: name, uid: 'pod' }, 'default');
    return new ThreadedLease({ lease, kubeconfig: server.kubeconfig }, new LogThreshold('silent'), systemClock);
  };
  const read = (name: string) => readLease(cluster, 'default', name);
  const renewedAt = async (name: string) => Date.parse((await read(name))?.spec.renewTime ?? '');

  it('is renewed, says what it is told to, and is deleted when it is given up', async () => {
    const lease = open('one');
    const stop = new AbortController();
    const running = lease.run(stop.signal);
    await expect.poll(() => renewedAt('one'), { timeout: 60_000 }).toBeGreaterThan(0);
    const first = await renewedAt('one');
    await expect.poll(() => renewedAt('one'), { timeout: 30_000 }).toBeGreaterThan(first);
    expect((await read('one'))?.spec.holderIdentity).toBe('one/pod');
    await expect.poll(() => lease.lastRenewal, { timeout: 30_000 }).toBeGreaterThan(systemClock.monotonic() - 10_000);
    await lease.annotate(drainingAnnotation, 'true');
    expect((await read('one'))?.metadata.annotations).toMatchObject({ [drainingAnnotation]: 'true' });
    stop.abort();
    await running;
    await lease.release();
    expect(await read('one')).toBeUndefined();
  });

  it('is not renewed while the main loop hangs, and again when it goes on', async () => {
    const lease = open('two');
    const stop = new AbortController();
    const running = lease.run(stop.signal);
    await expect.poll(() => renewedAt('two'), { timeout: 60_000 }).toBeGreaterThan(0);
    await sleep(systemClock, 1_500);
    const blockedAt = systemClock.now();
    block(6_000);
    const before = await renewedAt('two');
    // Renewed on the last answer before the loop hung, at most; the request itself may take a while.
    expect(before - blockedAt).toBeLessThan(4_000);
    await expect.poll(() => renewedAt('two'), { timeout: 30_000 }).toBeGreaterThan(blockedAt + 6_000);
    stop.abort();
    await running;
    await lease.release();
  });

  it('is renewed while the main loop is busy, but answers', async () => {
    const lease = open('three');
    const stop = new AbortController();
    const running = lease.run(stop.signal);
    await expect.poll(() => renewedAt('three'), { timeout: 60_000 }).toBeGreaterThan(0);
    const ages: number[] = [];
    for (let round = 0; round < 20; round++) {
      block(200);
      await sleep(systemClock, 10);
      ages.push(systemClock.now() - (await renewedAt('three')));
    }
    expect(Math.max(...ages)).toBeLessThan(10_000);
    expect(Math.min(...ages)).toBeLessThan(2_000);
    stop.abort();
    await running;
    await lease.release();
  });

  it('a thread that cannot start is told, to be tried again', async () => {
    const lease = shardLease({ shard: 'four', uid: 'pod' }, 'default');
    const broken = new ThreadedLease({ lease, kubeconfig: '/nowhere' }, new LogThreshold('silent'), systemClock);
    await expect(broken.run(new AbortController().signal)).rejects.toThrow();
    await broken.annotate(drainingAnnotation, 'true');
    await broken.release();
  });
});
