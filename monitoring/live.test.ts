import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { clusterMetrics, documentedNames, metricsReference } from '../cli/metrics-reference.ts';
import { StandaloneHarness, writeVaried } from '../cli/standalone.testing.ts';
import { type RedisServer, startRedis } from '../ticker/sinks/redis/redis-server.testing.ts';
import { asked, dashboards, panelsOf } from './dashboards/index.ts';
import { PrometheusProcess } from './prometheus-process.ts';
import { ruleFiles } from './rules.ts';

/**
 * Everything that standalone runs, scraped by a real Prometheus that evaluates the rules of the chart: each query of each
 * panel has series. What runs pods is not in standalone; the end-to-end tests ask the same on a cluster.
 */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });
const harness = new StandaloneHarness();
const root = join(import.meta.dirname, '..');
let redis: RedisServer;
let prometheus: PrometheusProcess;
let reader: WebSocket;

beforeAll(async () => {
  redis = await startRedis();
  writeVaried(harness);
  await harness.start({
    redis: redis.url,
    metricsPort: 0,
    spool: join(harness.folder, 'spool'),
    limits: { backoffScale: 0.1 },
  });
  const address = new URL((await harness.line(['metrics     ', 'http'])).replace('metrics     ', '').trim());
  await harness.line(['set default/good: Ready']);
  const gateway = await harness.gateway();
  await fetch(`${gateway}/v1/sets`);
  const stream = `${gateway.replace('http', 'ws')}/v1/stream?set=default`;
  new WebSocket(`${stream}/nobody`).on('error', () => undefined);
  reader = new WebSocket(`${stream}/good`);
  reader.on('error', () => undefined);
  prometheus = await PrometheusProcess.start({
    config: {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [...ruleFiles().keys()].map((path) => join(root, path)),
      scrape_configs: [
        {
          job_name: 'ticker-shard',
          static_configs: [{ targets: [address.host], labels: { namespace: 'standalone', pod: 'standalone-0' } }],
        },
      ],
    },
  });
});

afterAll(async () => {
  reader?.terminate();
  await prometheus?.[Symbol.asyncDispose]();
  await harness.stop();
  await redis?.stop();
});

test('Prometheus gets the series of every metric of the reference page', async () => {
  const { faults } = harness.process.simulator!;
  faults.order({ fault: 'refuseUpgrade', apiKey: 'demo-a', status: 429, times: 3 });
  faults.order({ fault: 'disconnect', apiKey: 'demo-a' });
  const ofClusters = new Set(clusterMetrics.map(({ name }) => name));
  const wanted = documentedNames(metricsReference()).filter((name) => !ofClusters.has(name));
  await expect
    .poll(
      async () => {
        const seen = new Set((await prometheus.client.metricNames()).map((name) => name.replace(/_bucket$/, '')));
        return wanted.filter((name) => !seen.has(name) && !name.startsWith('nodejs_gc'));
      },
      { timeout: 60_000, interval: 1000 },
    )
    .toEqual([]);
});

test.each(
  Object.values(dashboards).flatMap((dashboard) =>
    panelsOf(dashboard).flatMap(({ title, queries }) =>
      queries.map(({ expr }) => [`${dashboard.title}: ${title}`, asked(expr, '15s')] as const),
    ),
  ),
)('%s: %s has series', async (_, expr) => {
  const series = async () => (await prometheus.client.query(expr)).length;
  await expect.poll(series, { timeout: 60_000, interval: 500 }).toBeGreaterThan(0);
});

test('every rule is evaluated without an error, and a refused token is on its way to somebody', async () => {
  const rules = await prometheus.client.rules();
  expect(rules.length).toBeGreaterThan(60);
  expect(rules.filter(({ health, lastError }) => health !== 'ok' || lastError !== '')).toEqual([]);
  const about = 'ALERTS{alertname="TickerCredentialsRefused", account="default/wrong", severity="critical"}';
  await expect.poll(async () => (await prometheus.client.query(about)).length, { timeout: 30_000 }).toBe(1);
  expect(await prometheus.client.query('ALERTS{alertname="TickerWatchdog", alertstate="firing"}')).toHaveLength(1);
});
