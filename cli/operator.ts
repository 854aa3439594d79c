import { LeaderElector } from '../cluster/leader-election.ts';
import { MarketDataClient } from '../cluster/market-data-http/client.ts';
import { operatorObserver, registerOperatorMetrics } from '../operator/metrics/operator-metrics.ts';
import { createOperator, type Operator } from '../operator/operator.ts';
import { aborted } from '../runtime/aborted.ts';
import { providers } from '../ticker/providers/registry.ts';
import { badOption } from './options.ts';
import { connectCluster } from './process/connect.ts';
import { type HostOptions, ProcessHost } from './process/host.ts';
import { tokensOf } from './process/tokens.ts';

interface Options extends HostOptions {
  readonly podName?: string;
  readonly podUid?: string;
  readonly podNamespace?: string;
  readonly kubeconfig?: string;
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
  const { cluster, namespace: own } = await connectCluster({ kubeconfig, name: 'ticker-operator' });
  const namespace = options.podNamespace ?? own;
  // Leases have connections and a budget of their own: nothing else may make them late.
  const leases = await connectCluster({ kubeconfig, name: 'ticker-operator-lease', requestTimeout: leaseTimeout });
  const tokens = await tokensOf(options.marketDataTokenFile, host);
  let operator: Operator | undefined;
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
    observer: operatorObserver(metrics),
  });
  registerOperatorMetrics(metrics, operator, clock);
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
  const led = operator;
  supervisor.run('election', async (signal) => {
    await led.standBy();
    standing = true;
    if (!signal.aborted) await elector.run(signal, (lead) => led.lead(lead, () => elector.isLeader));
    await aborted(signal);
  });
  const status = await host.ended;
  await operator.stop();
  await supervisor.stop();
  leases.cluster.close();
  cluster.close();
  await host.exit(status);
}
