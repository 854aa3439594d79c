import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { secrets, subscriptionSlices } from '../../cluster/resources.ts';
import type { InstrumentGroup, SubscriptionSlice } from '../../crds/index.ts';
import { systemClock } from '../../runtime/clock.ts';
import { createLogger } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { Supervisor } from '../../runtime/supervisor.ts';
import { providers } from '../../ticker/providers/registry.ts';
import { createShard } from '../../ticker/shard/shard.ts';
import { TestCluster } from '../../ticker/shard/test-cluster.testing.ts';
import { RedisSink } from '../../ticker/sinks/redis/redis-sink.ts';
import { loginSecret, sliceObject } from '../objects.ts';
import { LedgerSink } from './ledger-sink.ts';
import { configured, listen, type ShardConfig, type ShardReport, type SliceFeed, tell } from './messages.ts';

/**
 * A shard as a process: nothing differs from the one that an operator runs but that its API server is a few objects in
 * memory. SIGTERM drains it, as it does in a pod.
 */
const identity = { shard: 'shard-0', uid: 'pod-0' };
/** Connections of one account. */
const connections = 3;

const { slices, ...config } = await configured<ShardConfig>();
const clock = systemClock;
const random = new SeededRandom(1);
const log = createLogger((process.env['LOG_LEVEL'] ?? 'error') as 'error');
const cluster = new TestCluster();
const sink = new LedgerSink(new RedisSink({ url: config.redis, clock, random, log }));
const supervisor = new Supervisor({ clock, random, log, onFatal: () => process.exit(70) });
const shard = createShard({
  identity,
  cluster,
  sink,
  providers,
  clock,
  log,
  random,
  supervisor,
  ...(config.limits === undefined ? {} : { limits: config.limits }),
  ...(config.spool === undefined ? {} : { spool: config.spool }),
});

listen((message) => {
  if (message.kind === 'stop') process.exit(0);
  if (message.kind === 'report') tellReport(message.collect === true);
});
process.once('SIGTERM', async () => {
  await shard.drain();
  tellReport(false, () => process.exit(0));
});

cluster.put(secrets, loginSecret('default'));
slices.forEach((each, index) => {
  cluster.put(subscriptionSlices, sliceWithText(each, index));
});
await shard.start();
tell({ kind: 'ready' });

function tellReport(collect: boolean, told?: () => void): void {
  tell({ kind: 'shard', report: report(collect), ledger: sink.entries.splice(0) }, told);
}

function report(collect: boolean): ShardReport {
  cluster.statusWrites.length = 0;
  const { totals, slices, breaker, spool } = shard.snapshot();
  const cpu = process.cpuUsage();
  if (collect) {
    if (globalThis.gc === undefined) throw new Error('the heap is measured under --expose-gc');
    globalThis.gc();
    globalThis.gc();
  }
  return {
    totals,
    breaker,
    spool,
    received: Object.fromEntries(
      slices.map(({ slice, pipeline }) => [slice.replace('default/', ''), pipeline.received - pipeline.unrouted]),
    ),
    connections: slices.reduce((sum, slice) => sum + slice.connections, 0),
    cpu: cpu.user + cpu.system,
    wall: clock.monotonic(),
    rss: process.memoryUsage.rss(),
    peakRss: process.resourceUsage().maxRSS * 1024,
    ...(collect ? { heap: process.memoryUsage().heapUsed } : {}),
  };
}

/**
 * What an API server has is none of the shard's memory: here it lies compressed, outside the heap, and is an object, parsed
 * anew, only as long as somebody holds it.
 */
function asText(groups: readonly InstrumentGroup[]): () => InstrumentGroup[] {
  const text = deflateRawSync(JSON.stringify(groups));
  let last: WeakRef<InstrumentGroup[]> | undefined;
  return () => {
    const held = last?.deref();
    if (held !== undefined) return held;
    const parsed: InstrumentGroup[] = JSON.parse(inflateRawSync(text).toString());
    last = new WeakRef(parsed);
    return parsed;
  };
}

function sliceWithText({ uid, groups }: SliceFeed, index: number): SubscriptionSlice {
  const parsed = asText(groups);
  const object = sliceObject({
    namespace: 'default',
    name: uid,
    uid,
    account: `account-${Math.floor(index / connections)}`,
    connection: index % connections,
    broker: config.broker,
    owner: identity,
    set: 'load',
    channel: 'ticks:default:load',
    greeks: true,
    delivery: { stream: { maxLength: config.streamLength } },
  });
  const spec = {
    ...object.spec,
    get groups() {
      return parsed();
    },
  };
  return { ...object, spec };
}
