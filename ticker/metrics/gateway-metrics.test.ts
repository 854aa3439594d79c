import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { systemClock } from '../../runtime/clock.ts';
import { silentLogger } from '../../runtime/log.ts';
import { Metrics } from '../../runtime/metrics/metrics.ts';
import { TestFeed, testSet } from '../gateway/feed.testing.ts';
import { createGateway, type Gateway } from '../gateway/gateway.ts';
import { registerGatewayMetrics } from './gateway-metrics.ts';

let gateway: Gateway | undefined;

afterEach(() => gateway?.close());

test('streams, requests and what was turned away are exposed', async () => {
  const feed = new TestFeed();
  await feed.claim('equities-uid');
  const log = silentLogger;
  const sets = () => [testSet('equities')];
  const limits = { maxClients: 1 };
  gateway = createGateway({ reader: feed.sink.reader(), sets, clock: systemClock, log, limits });
  const { url } = await gateway.listen();
  const metrics = new Metrics();
  registerGatewayMetrics(metrics, gateway);

  const client = new WebSocket(`${url.replace('http', 'ws')}v1/stream?set=default/equities`);
  const snapshot = await new Promise<string>((resolve, reject) => {
    client.on('message', (data) => resolve(String(data)));
    client.on('error', reject);
  });
  for (const set of ['default/equities', 'default/nobody']) {
    const refused = new WebSocket(`${url.replace('http', 'ws')}v1/stream?set=${set}`);
    await new Promise((resolve) => refused.on('error', resolve));
  }
  await (await fetch(`${url}healthz`)).text();
  await (await fetch(`${url}nothing`)).text();

  const text = await metrics.scrape();
  for (const line of [
    'ticker_gateway_clients 1',
    'ticker_gateway_clients_opened_total 1',
    'ticker_gateway_clients_refused_total{code="GATEWAY_TOO_MANY_CLIENTS"} 1',
    'ticker_gateway_clients_refused_total{code="GATEWAY_UNKNOWN_SET"} 1',
    'ticker_gateway_http_requests_total{status="200"} 1',
    'ticker_gateway_http_requests_total{status="404"} 1',
    'ticker_gateway_messages_sent_total 1',
    `ticker_gateway_sent_bytes_total ${snapshot.length}`,
    'ticker_gateway_batches_dropped_total 0',
    'ticker_gateway_ticks_dropped_total 0',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
  client.terminate();
});
