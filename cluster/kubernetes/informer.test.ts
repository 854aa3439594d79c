import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { apiVersion, type InstrumentSet, type KubeObject } from '../../crds/index.ts';
import { systemClock } from '../../runtime/clock.ts';
import { createLogger } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { Informer } from '../informer.ts';
import { instrumentSets } from '../resources.ts';
import type { Change } from '../store.ts';
import { ApiServer } from './api-server.testing.ts';
import type { KubernetesCluster } from './kubernetes-cluster.ts';

vi.setConfig({ hookTimeout: 180_000, testTimeout: 120_000 });

const alice = { fieldManager: 'alice' };

describe('an informer on a real API server', () => {
  let server: ApiServer;
  let cluster: KubernetesCluster;
  let namespace: string;
  let spaces = 0;
  beforeAll(async () => {
    server = await ApiServer.start();
    cluster = await server.connect();
  });
  afterAll(() => server.stop());

  /** An informer of a namespace of its own, and all it said and logged. */
  async function follow() {
    namespace = await server.makeNamespace(`informer-${spaces++}`);
    const said: string[] = [];
    const logged: Record<string, unknown>[] = [];
    const informer = new Informer<InstrumentSet>({
      cluster,
      clock: systemClock,
      random: new SeededRandom(1),
      log: createLogger('warn', { write: (line) => void logged.push(JSON.parse(line)) }),
      resource: instrumentSets,
      where: { namespace },
      backoff: { first: 20, most: 200 },
    });
    informer.onChange((change) => void said.push(describeChange(change)));
    let stop = new AbortController();
    let running = informer.run(stop.signal);
    const pause = async (): Promise<void> => {
      stop.abort();
      await running;
    };
    const resume = (): void => {
      stop = new AbortController();
      running = informer.run(stop.signal);
    };
    const has = async (version: string | undefined): Promise<void> => {
      expect(await informer.waitFor(version ?? '', AbortSignal.timeout(60_000))).toBe(true);
    };
    expect(await informer.waitForSync(AbortSignal.timeout(60_000))).toBe(true);
    return { informer, said, logged, pause, resume, has };
  }

  const set = (name: string): KubeObject & { spec: object } => {
    return { apiVersion, kind: 'InstrumentSet', metadata: { name, namespace }, spec: { instruments: ['NSE:INFY'] } };
  };
  const create = (name: string) => cluster.create(instrumentSets, set(name), alice);
  const remove = (name: string) => cluster.delete(instrumentSets, { namespace, name });

  it('says an object that was recreated in a gap as gone and come', async () => {
    const { said, pause, resume, has, informer } = await follow();
    const first = await create('a');
    await has(first.metadata.resourceVersion);
    await pause();
    await remove('a');
    const second = await create('a');
    resume();
    await has(second.metadata.resourceVersion);
    expect(said).toEqual([
      `ADDED a ${first.metadata.uid}`,
      `DELETED a ${first.metadata.uid}`,
      `ADDED a ${second.metadata.uid}`,
    ]);
    expect(informer.failures).toBe(0);
    await pause();
  });

  it('lists again where the version that it knew is compacted, and finds what was recreated', async () => {
    const { said, logged, pause, resume, has, informer } = await follow();
    const first = await create('a');
    const kept = await create('kept');
    await has(kept.metadata.resourceVersion);
    await pause();
    await remove('a');
    const second = await create('a');
    await server.stopApiServer();
    await server.compact();
    await server.startApiServer();
    resume();
    await has(second.metadata.resourceVersion);
    const relists = logged.filter((line) => line['relist'] === true);
    expect(relists).toMatchObject([{ event: 'watch.failed', msg: expect.stringContaining('CLUSTER_EXPIRED') }]);
    expect(said).toEqual([
      `ADDED a ${first.metadata.uid}`,
      `ADDED kept ${kept.metadata.uid}`,
      `DELETED a ${first.metadata.uid}`,
      `ADDED a ${second.metadata.uid}`,
    ]);
    expect(informer.get({ namespace, name: 'kept' })).toEqual(kept);
    await pause();
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'goes on by itself after the API server was restarted by %s',
    async (signal) => {
      const { said, pause, has, informer } = await follow();
      const before = await create('before');
      await has(before.metadata.resourceVersion);
      await server.stopApiServer(signal);
      await expect(create('meanwhile')).rejects.toMatchObject({ code: 'CLUSTER_UNAVAILABLE' });
      await server.startApiServer();
      const after = await create('after');
      await remove('before');
      const last = await create('last');
      await has(last.metadata.resourceVersion);
      // Where it had to list again, what is gone is said before what is new.
      expect(said.toSorted()).toEqual([
        `ADDED after ${after.metadata.uid}`,
        `ADDED before ${before.metadata.uid}`,
        `ADDED last ${last.metadata.uid}`,
        `DELETED before ${before.metadata.uid}`,
      ]);
      expect(
        informer
          .list()
          .map(({ metadata }) => metadata.name)
          .toSorted(),
      ).toEqual(['after', 'last']);
      expect(informer.failures).toBeGreaterThan(0);
      await pause();
    },
  );
});

function describeChange({ type, object }: Change<InstrumentSet>): string {
  return `${type} ${object.metadata.name} ${object.metadata.uid}`;
}
