import { MemoryCluster } from '../../cluster/memory/index.ts';
import { secrets, subscriptionSlices } from '../../cluster/resources.ts';
import { apiVersion, ownerLabel, type SubscriptionSlice, sliceFinalizer } from '../../crds/index.ts';
import { systemClock } from '../../runtime/clock.ts';
import { createLogger, LogLines } from '../../runtime/log.ts';
import { MetricsListener } from '../../runtime/metrics/listener.ts';
import { Metrics } from '../../runtime/metrics/metrics.ts';
import { registerProcessMetrics } from '../../runtime/metrics/process-metrics.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { Supervisor } from '../../runtime/supervisor.ts';
import { MeteredSink } from '../../ticker/metrics/metered-sink.ts';
import { frameObserver, registerShardMetrics } from '../../ticker/metrics/shard-metrics.ts';
import { providers } from '../../ticker/providers/registry.ts';
import { createShard } from '../../ticker/shard/shard.ts';
import { MemorySink } from '../../ticker/sinks/memory/memory-sink.ts';
import { Child } from '../load/child.ts';
import { micros, type SliceFeed } from '../load/messages.ts';

export interface BusyShardPlan {
  readonly accounts: number;
  /** Of all accounts together. */
  readonly instruments: number;
  /** Ticks a second. */
  readonly rate: number;
}

const identity = { shard: 'ticker-0', uid: 'pod-0' };
const clock = systemClock;

/** One shard, in this process, that streams so many instruments from a broker in another; and its `/metrics`. */
export async function startBusyShard({ accounts, instruments, rate }: BusyShardPlan) {
  const perConnection = Math.ceil(instruments / accounts);
  const broker = new Child('broker', { plan: { instruments, mode: 'quote', perConnection }, origin: micros() });
  const { port, slices } = await broker.next('broker');
  const log = createLogger('error');
  const random = new SeededRandom(1);
  const cluster = new MemoryCluster({ clock });
  const metrics = new Metrics();
  const supervisor = new Supervisor({ clock, random, log, onFatal: () => process.exit(70) });
  const sink = new MeteredSink({ sink: new MemorySink({ clock }), metrics, clock, shard: identity.shard });
  const observeFrame = frameObserver(metrics, identity.shard);
  const shard = createShard({ identity, cluster, sink, providers, clock, log, random, supervisor, observeFrame });
  registerShardMetrics(metrics, shard, clock);
  registerProcessMetrics(metrics, { version: 'bench', supervisor, logLines: new LogLines() });
  const data = { apiKey: encoded('bench'), accessToken: encoded('bench') };
  const login = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'desk', name: 'login' }, data } as const;
  await cluster.apply(secrets, login, { fieldManager: 'user', force: true });
  for (const [index, slice] of slices.entries()) {
    const object = sliceOf(`account-${index}`, slice, `127.0.0.1:${port}`);
    await cluster.apply(subscriptionSlices, object, { fieldManager: 'operator', force: true });
  }
  await shard.start();
  const listener = new MetricsListener({ metrics, log, host: '127.0.0.1', port: 0 });
  const { url } = await listener.listen();
  broker.send({ kind: 'stream', rate });
  return {
    address: new URL(url).host,
    /** Instruments that have ticked. */
    ticking: () => shard.snapshot().accounts.reduce((sum, { serving }) => sum + (serving?.ticking ?? 0), 0),
    received: () => shard.snapshot().totals.received,
    stop: () => broker.stop(),
  };
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64');
}

function sliceOf(account: string, { uid, groups }: SliceFeed, broker: string): SubscriptionSlice {
  return {
    apiVersion,
    kind: 'SubscriptionSlice',
    metadata: {
      namespace: 'desk',
      name: uid,
      labels: { [ownerLabel]: identity.shard },
      finalizers: [sliceFinalizer],
    },
    spec: {
      account,
      connection: 0,
      login: {
        provider: 'kite',
        credentials: { secretName: 'login' },
        endpoint: { rest: `http://${broker}`, websocket: `ws://${broker}` },
      },
      suspended: false,
      epoch: 1,
      owner: identity,
      sets: [
        {
          namespace: 'desk',
          name: 'all',
          uid: 'all',
          channel: 'ticks:desk:all',
          validation: { action: 'enforce' },
          delivery: {
            format: 'json',
            pubsub: true,
            sharded: false,
            latest: false,
            window: 100,
            maxTicks: 1000,
            conflate: false,
          },
        },
      ],
      groups: [...groups],
    },
  };
}
