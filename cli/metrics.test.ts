import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { subscriptionSlices } from '../cluster/resources.ts';
import type { SubscriptionSlice } from '../crds/index.ts';
import { systemClock } from '../runtime/clock.ts';
import { errorCatalogue } from '../runtime/errors.ts';
import { createLogger, LogLines, silentLogger } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';
import { type RedisServer, startRedis } from '../ticker/sinks/redis/redis-server.testing.ts';
import { RedisSink } from '../ticker/sinks/redis/redis-sink.ts';
import { allMetrics, clusterMetrics, documentedNames } from './metrics-reference.ts';
import { labelsOf, parseScrape, type Sample } from './scrape.testing.ts';
import { StandaloneHarness, writeVaried } from './standalone.testing.ts';

/**
 * Everything that standalone runs, on a real Redis and the simulated broker, through most of what can go wrong: each
 * metric of the reference page is then seen in a scrape, and none that is not on it.
 */
vi.setConfig({ testTimeout: 60_000 });
const harness = new StandaloneHarness();
const logLines = new LogLines();
let redis: RedisServer;
let address = '';
let client: WebSocket;

async function scrape(): Promise<readonly Sample[]> {
  const response = await fetch(address);
  expect(response.headers.get('content-type')).toContain('text/plain');
  return parseScrape(await response.text());
}

/** Sum over the series of a metric that carry these labels. */
async function total(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
  const samples = (await scrape()).filter((sample) => sample.name === name);
  const wanted = samples.filter((sample) =>
    Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  return wanted.reduce((sum, { value }) => sum + value, 0);
}

async function comesAbove(least: number, name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
  const message = `${name}${JSON.stringify(labels)}`;
  await expect.poll(() => total(name, labels), { timeout: 15_000, interval: 50, message }).toBeGreaterThan(least);
}

async function ready(): Promise<number> {
  return (await fetch(address.replace(/metrics$/, 'readyz'))).status;
}

beforeAll(async () => {
  redis = await startRedis();
  writeVaried(harness);
  await harness.start({
    redis: redis.url,
    metricsPort: 0,
    log: createLogger('info', { write: () => undefined }, logLines),
    logLines,
    limits: { outboxBatches: 30, backoffScale: 0.1 },
  });
  address = (await harness.line(['metrics     ', 'http'])).replace('metrics     ', '').trim();
  await harness.line(['set default/good: Ready']);
  const gateway = await harness.gateway();
  await fetch(`${gateway}/healthz`);
  new WebSocket(`${gateway.replace('http', 'ws')}/v1/stream?set=default/nobody`).on('error', () => undefined);
  client = new WebSocket(`${gateway.replace('http', 'ws')}/v1/stream?set=default/good`);
  client.on('error', () => undefined);
}, 60_000);

afterAll(async () => {
  client?.close();
  await harness.stop();
  await redis?.stop();
}, 60_000);

test('ticks, batches and latencies are counted while all is well', async () => {
  await comesAbove(20, 'ticker_ticks_published_total', { account: 'default/demo' });
  await comesAbove(0, 'ticker_greeks_total', { result: 'solved' });
  await comesAbove(0, 'ticker_exchange_delay_seconds_count');
  await comesAbove(0, 'ticker_stage_duration_seconds_count', { stage: 'gather' });
  await comesAbove(0, 'ticker_delivery_duration_seconds_sum');
  await comesAbove(0, 'ticker_frame_processing_seconds_sum');
  await comesAbove(0, 'ticker_gateway_sent_bytes_total');
  await comesAbove(0, 'ticker_gateway_clients');
  await comesAbove(0, 'ticker_gateway_clients_refused_total', { code: 'GATEWAY_UNKNOWN_SET' });
  await comesAbove(0, 'ticker_gateway_http_requests_total', { status: '200' });
  await comesAbove(0, 'ticker_operator_plan_duration_seconds_count');
  await comesAbove(0, 'ticker_operator_writes_total', { result: 'written' });
  await comesAbove(0, 'ticker_operator_catalog_instruments');
  expect(await total('ticker_operator_slices_double_owned')).toBe(0);
  expect(await total('ticker_account_credentials_valid', { account: 'default/demo' })).toBe(1);
  expect(await ready()).toBe(200);
});

test('a refused login, a lost connection, a refused one and a bad frame', async () => {
  await comesAbove(0, 'ticker_login_failures_total', { account: 'default/wrong' });
  expect(await total('ticker_account_credentials_valid', { account: 'default/wrong' })).toBe(0);
  const { faults } = harness.process.simulator!;
  faults.order({ fault: 'corruptFrame', kind: 'truncatedFrame', apiKey: 'demo-a' });
  await comesAbove(0, 'ticker_frames_malformed_total');
  faults.order({ fault: 'refuseUpgrade', apiKey: 'demo-a', status: 429, times: 1 });
  faults.order({ fault: 'disconnect', apiKey: 'demo-a' });
  await comesAbove(0, 'ticker_connections_lost_total', { code: 'PROVIDER_CONNECTION_LOST' });
  await comesAbove(0, 'ticker_connections_refused_total');
  await comesAbove(0, 'ticker_gaps_told_total', { why: 'reconnect' });
});

test('Redis goes away, ticks are dropped, and it comes back empty', async () => {
  await redis.kill();
  await comesAbove(0, 'ticker_sink_calls_total', { answer: 'unavailable' });
  await comesAbove(0, 'ticker_sink_breaker_opened_total');
  await comesAbove(0, 'ticker_outbox_bytes');
  await comesAbove(0, 'ticker_ticks_dropped_total', { reason: 'full' });
  await expect.poll(ready, { timeout: 20_000 }).toBe(503);
  await redis.restart();
  await comesAbove(0, 'ticker_sink_calls_total', { operation: 'claim', answer: 'claimed' });
  await comesAbove(0, 'ticker_ticks_lost_by_sink_total');
  await comesAbove(0, 'ticker_gaps_told_total', { why: 'spool' });
  await comesAbove(0, 'ticker_overlaps_told_total');
});

test('a newer claim at the sink: refused, and what was gathered goes late', async () => {
  const { items } = await harness.process.cluster.list<SubscriptionSlice>(subscriptionSlices);
  const slice = items.find(({ spec }) => spec.account === 'demo' && spec.groups.length > 0)!;
  const other = new RedisSink({
    url: redis.url,
    clock: systemClock,
    random: new SeededRandom(1),
    log: silentLogger,
  });
  const sliceUid = slice.metadata.uid!;
  await other.claim({
    sliceUid,
    epoch: slice.spec.epoch + 3,
    above: 0,
    setUids: slice.spec.sets.map(({ uid }) => uid),
  });
  await other.close();
  await comesAbove(0, 'ticker_sink_calls_total', { operation: 'send', answer: 'refused' });
  await comesAbove(0, 'ticker_ticks_late_total');
  await comesAbove(0, 'ticker_slices', { account: 'default/demo', phase: 'Streaming' });
});

test('every metric of the reference page is seen, and none that is not on it', async () => {
  const page = readFileSync(new URL('../docs/reference/metrics.md', import.meta.url), 'utf8');
  const documented = new Set(documentedNames(page));
  expect(documented.size).toBeGreaterThan(80);
  // What runs pods is not in standalone: processes.test.ts sees it.
  const ofClusters = new Set(clusterMetrics.map(({ name }) => name));
  await expect
    .poll(
      async () => {
        const seen = new Set((await scrape()).map(({ metric }) => metric));
        return [...documented].filter((name) => !seen.has(name) && !ofClusters.has(name));
      },
      { timeout: 30_000 },
    )
    .toEqual([]);
  const codes = errorCatalogue().map(({ code }) => code);
  const samples = await scrape();
  expect([...new Set(samples.map(({ metric }) => metric))].filter((name) => !documented.has(name))).toEqual([]);
  for (const definition of allMetrics) {
    for (const { metric, labels, value } of samples.filter((sample) => sample.metric === definition.name)) {
      expect(Object.keys(labels).sort(), metric).toEqual(labelsOf(definition));
      expect(value, metric).not.toBeNaN();
      for (const [label, bound] of Object.entries(definition.labels)) {
        if (bound === 'errorCode') expect(codes, metric).toContain(labels[label]);
        if (typeof bound !== 'string') expect(bound, `${metric} ${label}`).toContain(labels[label]);
      }
    }
  }
});

test('no series names an instrument or a credential, and health is told', async () => {
  const text = await (await fetch(address)).text();
  for (const word of ['NSE:INFY', 'INFY', 'demo-token-a', 'no-such-token']) expect(text).not.toContain(word);
  await expect.poll(ready, { timeout: 20_000 }).toBe(200);
  expect((await fetch(address.replace(/metrics$/, 'healthz'))).status).toBe(200);
});
