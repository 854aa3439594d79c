import { MemoryCluster } from '../../cluster/memory/index.ts';
import { secrets, subscriptionSlices } from '../../cluster/resources.ts';
import {
  apiVersion,
  type InstrumentGroup,
  ownerLabel,
  type SubscriptionSlice,
  sliceFinalizer,
} from '../../crds/index.ts';
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

await cluster.apply(secrets, login(), { fieldManager: 'user', force: true });
await cluster.apply(subscriptionSlices, slice(), { fieldManager: 'operator', force: true });
await shard.start();
tell({ kind: 'ready' });

function login() {
  const data = { apiKey: encoded('bench'), accessToken: encoded('bench') };
  return { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'default', name: 'login' }, data } as const;
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64');
}

function slice(): SubscriptionSlice {
  const { scenario, channel, broker, groups } = config;
  return {
    apiVersion,
    kind: 'SubscriptionSlice',
    metadata: {
      namespace: 'default',
      name: 'bench-0',
      labels: { [ownerLabel]: identity.shard },
      finalizers: [sliceFinalizer],
    },
    spec: {
      account: 'bench',
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
          namespace: 'default',
          name: 'bench',
          uid: 'bench',
          channel,
          validation: { action: 'enforce' },
          ...(scenario.greeks && {
            greeks: {
              model: 'blackScholesMerton',
              rate: 0.065,
              dividendYield: 0,
              dayCount: 'act365',
              expiryTime: '15:30',
              timezone: 'Asia/Kolkata',
            },
          }),
          delivery: {
            format: scenario.format,
            pubsub: true,
            sharded: false,
            latest: scenario.latest,
            ...(scenario.stream && { stream: { maxLength: 100 } }),
            window: scenario.pace === undefined ? 100 : 0,
            maxTicks: 1000,
            conflate: false,
          },
        },
      ],
      groups: [...groups],
    },
  };
}
