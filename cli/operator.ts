import { readFile } from 'node:fs/promises';
import { LeaderElector } from '../cluster/leader-election.ts';
import { MarketDataClient } from '../cluster/market-data-http/client.ts';
import { LeaderCluster } from '../operator/leader-cluster.ts';
import { operatorObserver, registerOperatorMetrics } from '../operator/metrics/operator-metrics.ts';
import { createOperator, type Operator } from '../operator/operator.ts';
import type { OperatorSnapshot } from '../operator/snapshot.ts';
import { tracedObserver } from '../operator/traced-observer.ts';
import { badConfig, type OperatorConfig, parseConfig } from '../operator/workload/config.ts';
import type { PlannedLoad } from '../operator/workload/sizing.ts';
import { shardPods, Workload } from '../operator/workload/workload.ts';
import { registerWorkloadMetrics } from '../operator/workload/workload-metrics.ts';
import { describeError } from '../runtime/errors.ts';
import { providers } from '../ticker/providers/registry.ts';
import { badOption } from './options.ts';
import { ApiRequests } from './process/api-metrics.ts';
import { connectCluster } from './process/connect.ts';
import { type HostOptions, ProcessHost } from './process/host.ts';
import { tokensOf } from './process/tokens.ts';
import { startTracing } from './process/tracing.ts';

interface Options extends HostOptions {
  readonly podName?: string;
  readonly podUid?: string;
  readonly podNamespace?: string;
  readonly kubeconfig?: string;
  readonly config?: string;
  readonly marketDataTokenFile?: string;
}

/** Name of the lease that the replicas elect their leader by. */
const leaderLease = 'ticker-operator-leader';
/** Milliseconds that a request about a lease may take: an election must not wait for one that hangs. */
const leaseTimeout = 1_500;

/** Stands by, and reconciles while it leads, until it is asked to end. */
export async function operatorCommand(options: Options): Promise<void> {
  const host = new ProcessHost('operator', options);
  const { clock, log, metrics, random, supervisor } = host;
  const { kubeconfig } = options;
  const name = options.podName ?? '';
  if (name === '') throw badOption('POD_NAME is missing; a pod has it by the downward API');
  const onRequest = new ApiRequests(metrics).record;
  const { cluster, namespace: own } = await connectCluster({ kubeconfig, onRequest, name: 'ticker-operator' });
  const namespace = options.podNamespace ?? own;
  // Leases have connections and a budget of their own: nothing else may make them late.
  const leases = await connectCluster({
    kubeconfig,
    onRequest,
    name: 'ticker-operator-lease',
    requestTimeout: leaseTimeout,
  });
  const config = options.config === undefined ? undefined : await readConfig(options.config);
  const tokens = await tokensOf(options.marketDataTokenFile, host);
  const observer = operatorObserver(metrics);
  const tracing = await startTracing('operator', log, process.env);
  let operator: Operator | undefined;
  let workload: Workload | undefined;
  const marketData = new MarketDataClient({ addressOf: (shard) => operator?.addressOf(shard), tokens });
  operator = createOperator({
    cluster,
    leaseCluster: leases.cluster,
    marketData,
    clock,
    log,
    random: random.fork('operator'),
    supervisor,
    providerLimits: (provider) => providers.get(provider)?.limits,
    providers: [...providers.keys()],
    identity: name,
    namespace,
    shardPods: config && shardPods(namespace, config.shards),
    onLease: (lease) => elector.observe(lease),
    observer: tracing === undefined ? observer : tracedObserver(tracing.tracer, clock, observer),
  });
  registerOperatorMetrics(metrics, operator, clock);
  const planner = operator;
  if (config !== undefined) {
    workload = new Workload({
      cluster: new LeaderCluster(cluster, () => elector.isLeader),
      clock,
      log,
      random: random.fork('workload'),
      supervisor,
      namespace,
      config: config.shards,
      accounts: () => planner.cached().accounts,
      slices: () => planner.cached().slices,
      pods: () => planner.cached().pods,
      load: () => plannedLoad(planner.snapshot()),
      addressOf: (shard) => planner.addressOf(shard),
      leave: (shards) => planner.leave(shards),
    });
    registerWorkloadMetrics(metrics, workload);
  }
  const elector = new LeaderElector({
    cluster: leases.cluster,
    clock,
    random: random.fork('election'),
    log,
    namespace,
    name: leaderLease,
    identity: `${name}/${options.podUid ?? name}`,
  });
  let standing = false;
  await host.serve({
    ready: () => [{ name: 'caches', ok: standing, message: standing ? undefined : 'not filled yet' }],
  });
  const stopping = new AbortController();
  const ended = host.ended.finally(() => stopping.abort());
  await Promise.race([ended, Promise.all([planner.standBy(), workload?.standBy(stopping.signal)])]);
  standing = true;
  if (!stopping.signal.aborted) {
    supervisor.run('election', (signal) =>
      elector.run(signal, async (lead) => {
        await Promise.all([planner.lead(lead, () => elector.isLeader), workload?.lead(lead)]);
      }),
    );
  }
  const status = await ended;
  await supervisor.stop();
  await operator.stop();
  leases.cluster.close();
  cluster.close();
  await tracing?.close();
  await host.exit(status);
}

async function readConfig(path: string): Promise<OperatorConfig> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw badConfig(`the configuration ${path} cannot be read: ${describeError(error)}`, { cause: error });
  });
  return parseConfig(text);
}

/** What the shards are to carry: an account counts, even where it streams nothing yet. */
function plannedLoad(snapshot: OperatorSnapshot | undefined): PlannedLoad | undefined {
  if (snapshot === undefined) return undefined;
  const serving = snapshot.accounts.filter(({ state }) => state !== 'unusable');
  return { instruments: serving.map(({ instruments }) => instruments) };
}
