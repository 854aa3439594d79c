import { marketDataRoutes } from '../cluster/market-data-http/routes.ts';
import { marketDataAnnotation } from '../cluster/resources.ts';
import { MeteredSink } from '../ticker/metrics/metered-sink.ts';
import { frameObserver, registerShardMetrics } from '../ticker/metrics/shard-metrics.ts';
import { providers } from '../ticker/providers/registry.ts';
import { createShard, type Shard, shardLease } from '../ticker/shard/shard.ts';
import { RedisSink } from '../ticker/sinks/redis/redis-sink.ts';
import { TracedSink } from '../ticker/sinks/traced-sink.ts';
import { badOption, wholeNumber } from './options.ts';
import { ApiRequests } from './process/api-metrics.ts';
import { connectCluster } from './process/connect.ts';
import { type HostOptions, ProcessHost } from './process/host.ts';
import { redisOptions } from './process/redis.ts';
import { SinkWatch } from './process/sink-watch.ts';
import { ThreadedLease } from './process/threaded-lease.ts';
import { tokensOf } from './process/tokens.ts';
import { startTracing } from './process/tracing.ts';
import type { RedisCliOptions } from './redis-options.ts';

interface Options extends HostOptions, RedisCliOptions {
  readonly podName?: string;
  readonly podUid?: string;
  readonly podNamespace?: string;
  readonly podIp?: string;
  readonly kubeconfig?: string;
  readonly spool?: string;
  readonly spoolMebibytes: string;
  readonly handoverSeconds: string;
  readonly traceEvery: string;
  readonly marketDataTokenFile?: string;
}

/** Serves slices until it is asked to end, then hands them over. */
export async function shardCommand(options: Options): Promise<void> {
  const host = new ProcessHost('shard', options);
  const { clock, log, metrics, random, supervisor } = host;
  const handover = wholeNumber(options.handoverSeconds, '--handover-seconds', 0, 3600) * 1000;
  const spoolBytes = wholeNumber(options.spoolMebibytes, '--spool-mebibytes', 16, 1024 * 1024) * 1024 * 1024;
  const identity = { shard: required(options.podName, 'POD_NAME'), uid: required(options.podUid, 'POD_UID') };
  const { kubeconfig, spool } = options;
  const { cluster, namespace } = await connectCluster({
    kubeconfig,
    name: 'ticker-operator-shard',
    onRequest: new ApiRequests(metrics).record,
  });
  const tokens = await tokensOf(options.marketDataTokenFile, host);
  const every = wholeNumber(options.traceEvery, '--trace-every', 1, 1_000_000_000);
  const redis = new RedisSink(await redisOptions(options, host));
  const tracing = await startTracing('shard', log, process.env);
  const sink = tracing === undefined ? redis : new TracedSink({ sink: redis, tracer: tracing.tracer, clock, every });
  const watch = new SinkWatch(() => sink.ping(), clock, log);
  let shard: Shard | undefined;
  let started = false;
  const marketData: Shard['marketData'] = {
    instruments: (...question) => running(shard).marketData.instruments(...question),
    spot: (...question) => running(shard).marketData.spot(...question),
  };
  const port = await host.serve({
    ready: () => [{ name: 'slices', ok: started, message: started ? undefined : 'not read yet' }, watch.check],
    routes: marketDataRoutes({ marketData, log, tokens }),
  });
  const home = options.podNamespace ?? namespace;
  const lease = shardLease(identity, home);
  const annotations = { ...lease.annotations, [marketDataAnnotation]: addressOf(options.podIp ?? '127.0.0.1', port) };
  shard = createShard({
    identity,
    cluster,
    sink: new MeteredSink({ sink, metrics, clock, shard: identity.shard }),
    observeFrame: frameObserver(metrics, identity.shard),
    providers,
    clock,
    log,
    random: random.fork('shard'),
    supervisor,
    namespace: home,
    lease: new ThreadedLease({ lease: { ...lease, annotations }, kubeconfig }, host.logThreshold, clock),
    ...(spool === undefined ? {} : { spool: { directory: spool, maxBytes: spoolBytes } }),
  });
  registerShardMetrics(metrics, shard, clock);
  supervisor.run('redis-watch', (signal) => watch.run(signal));
  const starting = shard.start().then(() => {
    started = true;
    log.info({ event: 'shard.started', ...identity }, 'slices are known');
  });
  const status = await Promise.race([host.ended, starting.then(() => host.ended)]);
  await shard.drain({ handover: status === 0 ? handover : 0 });
  await shard.stop();
  await sink.close();
  cluster.close();
  await tracing?.close();
  await host.exit(status);
}

function required(value: string | undefined, name: string): string {
  if (value !== undefined && value !== '') return value;
  throw badOption(`${name} is missing; a pod has it by the downward API`);
}

function running(shard: Shard | undefined): Shard {
  if (shard === undefined) throw new Error('the shard is not made yet');
  return shard;
}

function addressOf(ip: string, port: number): string {
  return `${ip.includes(':') ? `[${ip}]` : ip}:${port}`;
}
