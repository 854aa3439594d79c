import { join } from 'node:path';
import { z } from 'zod';
import { PrometheusClient, type PrometheusSample } from '../../monitoring/prometheus-client.ts';
import { eventually, run } from './command.ts';
import { apply, kubectl } from './kubectl.ts';
import { fixture } from './lab.ts';

/** Where Prometheus runs; not where the product does. */
export const monitoring = 'ticker-monitoring';

const root = join(import.meta.dirname, '..', '..');
const prometheusVersion = 'v3.16.0';
const alertmanagerVersion = 'v0.35.0';

/** Images that `e2e/kind/monitoring` has built and loaded; on a cluster of others, the published ones of these versions. */
function imagesOf(manifests: string): Record<string, string> {
  const local = (name: string): string => `localhost/ticker-operator/${name}:e2e`;
  const operatorVersion = /@(v[^/]+)\//.exec(manifests)?.[1] ?? '';
  const ours = (process.env['E2E_KUBECONFIG'] ?? '') === '';
  const image = (name: string, home: string, version: string): string =>
    ours ? local(name) : `quay.io/${home}/${name}:${version}`;
  return {
    OPERATOR_IMAGE: image('prometheus-operator', 'prometheus-operator', operatorVersion),
    RELOADER_IMAGE: image('prometheus-config-reloader', 'prometheus-operator', operatorVersion),
    PROMETHEUS_IMAGE: image('prometheus', 'prometheus', prometheusVersion),
    ALERTMANAGER_IMAGE: image('alertmanager', 'prometheus', alertmanagerVersion),
    PROMETHEUS_VERSION: prometheusVersion,
    ALERTMANAGER_VERSION: alertmanagerVersion,
  };
}

/** Installs prometheus-operator, a Prometheus and an Alertmanager; manifests are those of its Go module. */
export async function installMonitoring(): Promise<void> {
  const manifests = (await run(join(root, 'e2e', 'kind', 'monitoring'), [], { timeout: 900_000 })).trim();
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await apply(
    JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: monitoring, labels } }),
    monitoring,
  );
  const server = ['--server-side', '--force-conflicts'];
  await kubectl(['apply', ...server, '-f', join(manifests, 'prometheus-operator-crd')]);
  const role = join(manifests, 'rbac', 'prometheus-operator', 'prometheus-operator-cluster-role.yaml');
  await kubectl(['apply', '-f', role]);
  await eventually('the kinds of prometheus-operator are there', async () => {
    await apply(await fixture('monitoring.yaml'), monitoring, { NAMESPACE: monitoring, ...imagesOf(manifests) });
    return true;
  });
  for (const each of ['prometheus/e2e', 'alertmanager/e2e'])
    await kubectl(['wait', '-n', monitoring, each, '--for=condition=Available', '--timeout=240s'], {
      timeout: 250_000,
    });
}

/** Takes all of it away, the kinds of prometheus-operator too. */
export async function uninstallMonitoring(): Promise<void> {
  await kubectl(['delete', 'namespace', monitoring, '--ignore-not-found', '--timeout=180s'], { timeout: 200_000 });
}

function service(name: string, port: number) {
  return (path: string): Promise<string> =>
    kubectl(['get', '--raw', `/api/v1/namespaces/${monitoring}/services/${name}:${port}/proxy${path}`]);
}

const prometheusService = service('prometheus-operated', 9090);
/** The cluster's Prometheus, asked through the API server. */
export const prometheus = new PrometheusClient(async (path) => JSON.parse(await prometheusService(path)));

const alertmanagerService = service('alertmanager-operated', 9093);
const received = z.array(z.looseObject({ labels: z.record(z.string(), z.string()) }));

/** Labels of the alerts that Alertmanager has. */
export async function receivedAlerts(): Promise<Readonly<Record<string, string>>[]> {
  const alerts = received.parse(JSON.parse(await alertmanagerService('/api/v2/alerts')));
  return alerts.map(({ labels }) => labels);
}

/** Waits until Prometheus has samples of an expression. */
export function waitQuery(expr: string, timeout = 120_000): Promise<readonly PrometheusSample[]> {
  return eventually(
    expr,
    async () => {
      const samples = await prometheus.query(expr);
      return samples.length > 0 ? samples : undefined;
    },
    { timeout, interval: 1000 },
  );
}
