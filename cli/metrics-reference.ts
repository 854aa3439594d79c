import { operatorMetrics } from '../operator/metrics/definitions.ts';
import { workloadMetrics } from '../operator/workload/workload-metrics.ts';
import type { MetricDefinition } from '../runtime/metrics/definition.ts';
import { Metrics } from '../runtime/metrics/metrics.ts';
import { processMetrics, registerNodeMetrics } from '../runtime/metrics/process-metrics.ts';
import { type ReferenceSection, renderMetricsReference } from '../runtime/metrics/reference.ts';
import { gatewayMetrics } from '../ticker/metrics/gateway-metrics.ts';
import { outageMetrics } from '../ticker/metrics/outage-definitions.ts';
import { shardMetrics } from '../ticker/metrics/shard-definitions.ts';
import { sinkMetrics } from '../ticker/metrics/sink-definitions.ts';
import { apiMetrics } from './process/api-metrics.ts';

/** Every metric that the project defines, by part. */
export const metricSections: readonly ReferenceSection[] = [
  {
    title: 'Shard: accounts',
    intro:
      'Ticks from frame to batch, by the account that streams them. Counters include slices that the shard served before. `code` is one of [errors.md](errors.md).',
    metrics: Object.values(shardMetrics),
  },
  {
    title: 'Shard: sink',
    intro: 'Calls to the sink and what was delivered. Durations are observed once a call or batch, never once a tick.',
    metrics: Object.values(sinkMetrics),
  },
  {
    title: 'Shard: without the sink',
    intro: 'The circuit breaker before the sink, and the spool for what it does not take in time.',
    metrics: Object.values(outageMetrics),
  },
  {
    title: 'Operator',
    intro: 'What it sees and decides; most as of its last reconcile.',
    metrics: Object.values(operatorMetrics),
  },
  {
    title: 'Operator: ticker pods',
    intro: 'Where `--config` lets it run them.',
    metrics: Object.values(workloadMetrics),
  },
  { title: 'Gateway', intro: 'WebSocket streams and HTTP.', metrics: Object.values(gatewayMetrics) },
  {
    title: 'Operator and shard: API server',
    intro: 'In a cluster. The requests by which a shard renews its lease are not among them: its thread makes them.',
    metrics: Object.values(apiMetrics),
  },
  { title: 'Every process', intro: 'Once in each process, whatever it runs.', metrics: Object.values(processMetrics) },
];

/** A handful of accounts, and the largest installation that is planned for. */
const fleets = [
  {
    title: '5 accounts, 5,000 instruments, 2 shards',
    fleet: { shard: 2, account: 5, market: 1, task: 30, errorCode: 8, version: 1 },
  },
  {
    title: '50 accounts, 100,000 instruments, 10 shards',
    fleet: { shard: 10, account: 50, market: 2, task: 30, errorCode: 8, version: 1 },
  },
];

const intro = `\`GET /metrics\` answers in Prometheus' text format. \`ticker-operator standalone --metrics-port 9464\` serves the
metrics of every part at one address, with \`GET /healthz\` (the process answers) and \`GET /readyz\` (caches are filled,
the sink is reached). Counters end in \`_total\` and begin at 0 when the process starts; a series of an error code or of an
answer appears with its first.`;

/** `docs/reference/metrics.md`, from the tables that the code runs on. */
export function metricsReference(): string {
  return renderMetricsReference(intro, metricSections, fleets) + nodeSection();
}

/** What prom-client adds, asked of it. */
function nodeSection(): string {
  const metrics = new Metrics();
  registerNodeMetrics(metrics);
  const lines = metrics.registry
    .getMetricsAsArray()
    .map(({ name, help }) => `| \`${name}\` | ${help.replaceAll('|', '\\|')} |`);
  return `\n## Node.js and the operating system\n\nAbout 60 series in each process, from prom-client; some exist on Linux only.\n\n| metric | meaning |\n| --- | --- |\n${lines.join('\n')}\n`;
}

/** Names in the tables of a page, as it stands. */
export function documentedNames(page: string): string[] {
  return [...page.matchAll(/^\| `([a-z][a-z0-9_]*)` \|/gm)].map((match) => match[1] ?? '');
}

/** All definitions, for tests. */
export const allMetrics: readonly MetricDefinition[] = metricSections.flatMap(({ metrics }) => metrics);

/** Of processes of a cluster; standalone has none of them. */
export const clusterMetrics: readonly MetricDefinition[] = [
  ...Object.values(workloadMetrics),
  ...Object.values(apiMetrics),
];
