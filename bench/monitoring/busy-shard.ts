import { MemoryCluster } from '../../cluster/memory/index.ts';
import { secrets, subscriptionSlices } from '../../cluster/resources.ts';
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
import { micros } from '../load/messages.ts';
import { loginSecret, sliceObject } from '../objects.ts';

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
  await cluster.apply(secrets, loginSecret('desk'), { fieldManager: 'user', force: true });
  for (const [index, { uid, groups }] of slices.entries()) {
    const { spec, ...rest } = sliceObject({
      namespace: 'desk',
      name: uid,
      account: `account-${index}`,
      broker: `127.0.0.1:${port}`,
      owner: identity,
      set: 'all',
      channel: 'ticks:desk:all',
    });
    const object = { ...rest, spec: { ...spec, groups: [...groups] } };
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
