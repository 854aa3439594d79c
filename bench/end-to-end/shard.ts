import { MemoryCluster } from '../../cluster/memory/index.ts';
import { secrets, subscriptionSlices } from '../../cluster/resources.ts';
import type { InstrumentGroup, SubscriptionSlice } from '../../crds/index.ts';
import { systemClock } from '../../runtime/clock.ts';
import { createLogger } from '../../runtime/log.ts';
import { Metrics } from '../../runtime/metrics/metrics.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { Supervisor } from '../../runtime/supervisor.ts';
import { MeteredSink } from '../../ticker/metrics/metered-sink.ts';
import { frameObserver, registerShardMetrics } from '../../ticker/metrics/shard-metrics.ts';
import { providers } from '../../ticker/providers/registry.ts';
import { createShard } from '../../ticker/shard/shard.ts';
import { RedisSink } from '../../ticker/sinks/redis/redis-sink.ts';
import { Samples } from '../measure.ts';
import { loginSecret, sliceObject } from '../objects.ts';
import { listen, type Scenario, tell } from './messages.ts';

/**
 * A shard as a process: nothing differs from the one that an operator runs but that its cluster is in memory, and its
 * patience: where Redis or the subscriber has no core to run on, the broker waits for them, and sends nothing meanwhile.
 */
interface Config {
  readonly scenario: Scenario;
  readonly redis: string;
  readonly broker: string;
  readonly channel: string;
  readonly groups: readonly InstrumentGroup[];
}

const identity = { shard: 'shard-0', uid: 'pod-0' };
const clock = systemClock;
const random = new SeededRandom(1);
const log = createLogger('warn');
const config = JSON.parse(process.argv[2]!) as Config;
const cluster = new MemoryCluster({ clock });
const metrics = new Metrics();
const redis = new RedisSink({ url: config.redis, clock, random, log });
const measured = config.scenario.unmeasured !== true;
const sink = measured ? new MeteredSink({ sink: redis, metrics, clock, shard: identity.shard }) : redis;
const frameSeconds = frameObserver(metrics, identity.shard);
const limits = { stalledAtLeast: 600_000, quietAtMost: 600_000 };
const perTick = new Samples();
const { pace } = config.scenario;
const observeFrame = (seconds: number): void => {
  frameSeconds(seconds);
  if (pace !== undefined) perTick.add((seconds * 1000) / pace.packetsPerFrame);
};
const supervisor = new Supervisor({ clock, random, log, onFatal: () => process.exit(70) });
const observed = measured || pace !== undefined ? { observeFrame } : {};
const shard = createShard({ identity, cluster, sink, providers, clock, log, random, supervisor, limits, ...observed });
if (measured) registerShardMetrics(metrics, shard, clock);

listen((message) => {
  if (message.kind === 'stop') process.exit(0);
  if (message.kind === 'forget') perTick.clear();
  if (message.kind !== 'report') return;
  const { totals } = shard.snapshot();
  const cpu = process.cpuUsage();
  const main = process.threadCpuUsage();
  tell({
    kind: 'shard',
    report: {
      cpu: cpu.user + cpu.system,
      mainCpu: main.user + main.system,
      wall: clock.monotonic(),
      received: totals.received,
      published: totals.published,
      lost: totals.lost,
      invalid: totals.invalid + totals.unknown,
      greeksSolved: totals.greeksSolved,
      batches: totals.batches,
      rss: process.memoryUsage.rss(),
      processing: perTick.percentiles(),
    },
  });
});

await cluster.apply(secrets, loginSecret('default'), { fieldManager: 'user', force: true });
await cluster.apply(subscriptionSlices, slice(), { fieldManager: 'operator', force: true });
await shard.start();
tell({ kind: 'ready' });

function slice(): SubscriptionSlice {
  const { scenario, channel, broker, groups } = config;
  const object = sliceObject({
    namespace: 'default',
    name: 'bench-0',
    account: 'bench',
    broker,
    owner: identity,
    set: 'bench',
    channel,
    greeks: scenario.greeks,
    delivery: {
      format: scenario.format,
      latest: scenario.latest,
      ...(scenario.stream && { stream: { maxLength: 100 } }),
      window: scenario.pace === undefined ? 100 : 0,
    },
  });
  return { ...object, spec: { ...object.spec, groups: [...groups] } };
}
