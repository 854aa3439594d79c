import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { kinds } from '../../crds/kinds.ts';
import { apiVersion, group, version as servedVersion } from '../../crds/schema.ts';
import { defaultOf, type ValueNode } from './node.ts';

const root = join(import.meta.dirname, '..', '..');

/** Version of the chart; one is published once. */
export const chartVersion = '0.2.0';

/** What the version brings, for Artifact Hub. */
const changes = [
  ['added', 'A small Redis for trials (redis.trial)'],
  ['added', 'TLS to Redis with own authorities, client certificates and server names'],
  ['added', 'Tokens for readers at the gateway, and for market data between pods'],
  ['added', 'PodDisruptionBudgets, NetworkPolicies, a PriorityClass, and flow control for leases'],
  ['added', 'Ingress, HTTPRoute and HorizontalPodAutoscaler of the gateway'],
  ['added', 'ServiceMonitors, PodMonitor, rules and dashboards'],
  ['added', 'helm test, which waits for a real tick'],
  ['fixed', 'redis.ca was accepted and not used'],
] as const;

/** `Chart.yaml`, with what Artifact Hub shows of a chart. */
export function chartYaml(tree: ValueNode, source: string): string {
  const appVersion = versionOfProduct();
  const values = defaultOf(tree) as { image: { repository: string }; redis: { trial: { image: ImageValue } } };
  const { repository, tag } = values.redis.trial.image;
  const annotations = {
    'artifacthub.io/category': 'streaming-messaging',
    'artifacthub.io/license': 'Apache-2.0',
    'artifacthub.io/operator': 'true',
    'artifacthub.io/operatorCapabilities': 'Seamless Upgrades',
    'artifacthub.io/links': list([{ name: 'Kite Connect API', url: 'https://kite.trade/docs/connect/v3/' }]),
    'artifacthub.io/changes': list(changes.map(([kind, description]) => ({ kind, description }))),
    'artifacthub.io/images': list([
      { name: 'ticker-operator', image: `${values.image.repository}:${appVersion}` },
      { name: 'redis', image: `${repository}:${tag}` },
    ]),
    'artifacthub.io/crds': list(
      kinds.map(({ kind, plural, description }) => ({
        kind,
        version: servedVersion,
        name: `${plural}.${group}`,
        displayName: kind,
        description,
      })),
    ),
    'artifacthub.io/crdsExamples': list(examples()),
  };
  const chart = {
    apiVersion: 'v2',
    name: 'ticker-operator',
    description:
      'Schedules market-data subscriptions over broker accounts, and delivers live, validated ticks to Redis and WebSocket.',
    type: 'application',
    version: chartVersion,
    appVersion,
    kubeVersion: '>=1.30.0-0',
    keywords: ['market-data', 'ticks', 'kite', 'operator'],
    annotations,
  };
  return `# Generated from ${source}.\n${stringify(chart, { lineWidth: 0 })}`;
}

interface ImageValue {
  readonly repository: string;
  readonly tag: string;
}

function versionOfProduct(): string {
  const text = readFileSync(join(root, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** The objects of `samples/` that users write. */
function examples(): unknown[] {
  return ['accounts.yaml', 'equities.yaml', 'nifty-weekly.yaml'].flatMap((file) =>
    parseAllDocuments(readFileSync(join(root, 'samples', file), 'utf8'))
      .map((document) => document.toJSON() as { apiVersion: string })
      .filter((object) => object.apiVersion === apiVersion),
  );
}

function list(items: readonly unknown[]): string {
  return stringify(items, { lineWidth: 0 });
}
