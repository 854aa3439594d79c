import type { MetricDefinition } from '../../runtime/metrics/definition.ts';
import type { Metrics } from '../../runtime/metrics/metrics.ts';
import type { Workload } from './workload.ts';

const phases = ['None', 'Canary', 'Watching', 'Rolling', 'Stopped'] as const;

/** What the operator exposes of the shards that it runs. */
export const workloadMetrics = {
  pods: {
    name: 'ticker_operator_workload_pods',
    type: 'gauge',
    help: 'Ticker pods: as many as are wanted, those that there are, are Ready, and have the newest template; `leaving` are to go once their slices have moved.',
    unit: 'pods',
    labels: { state: ['wanted', 'present', 'ready', 'updated', 'leaving'] },
  },
  rollout: {
    name: 'ticker_operator_workload_rollout',
    type: 'gauge',
    help: '1 for the phase of the rollout of a changed pod template; `Stopped` needs a person: the template was bad.',
    unit: '1',
    labels: { phase: phases },
  },
  reconciles: {
    name: 'ticker_operator_workload_reconciles_total',
    type: 'counter',
    help: 'Looks at the ticker pods and at who may read which Secrets, by result.',
    unit: 'reconciles',
    labels: { result: ['succeeded', 'failed'] },
  },
  writes: {
    name: 'ticker_operator_workload_writes_total',
    type: 'counter',
    help: 'Objects written or removed: StatefulSet, Service, PodDisruptionBudget, Roles and RoleBindings.',
    unit: 'writes',
    labels: {},
  },
  namespaces: {
    name: 'ticker_operator_workload_namespaces',
    type: 'gauge',
    help: 'Namespaces with a Role by which shards read Secrets.',
    unit: 'namespaces',
    labels: {},
  },
} as const satisfies Record<string, MetricDefinition>;

/** Exposes what a workload counts. Returns how to end it. */
export function registerWorkloadMetrics(metrics: Metrics, workload: Pick<Workload, 'snapshot'>): () => void {
  const pulled = metrics.pulledAll(workloadMetrics);
  return metrics.collect(() => {
    const { pods, rollout, leaving, reconciles, written, namespaces } = workload.snapshot();
    for (const [state, count] of Object.entries({ ...pods, leaving })) {
      pulled.pods.add({ state }, count);
    }
    for (const phase of phases) pulled.rollout.add({ phase }, phase === rollout ? 1 : 0);
    pulled.reconciles.add({ result: 'succeeded' }, reconciles.succeeded);
    pulled.reconciles.add({ result: 'failed' }, reconciles.failed);
    pulled.writes.add({}, written);
    pulled.namespaces.add({}, namespaces);
  });
}
