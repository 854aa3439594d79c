import { afterEach, expect, test } from 'vitest';
import { createLogger } from '../log.ts';
import { type HealthCheck, MetricsListener } from './listener.ts';
import { Metrics } from './metrics.ts';

const open: MetricsListener[] = [];
const logged: string[] = [];
const log = createLogger('info', { write: (line) => void logged.push(line) });

async function listen(metrics: Metrics, ready?: () => readonly HealthCheck[]): Promise<string> {
  const listener = new MetricsListener({ metrics, log, ...(ready === undefined ? {} : { ready }) });
  open.push(listener);
  return (await listener.listen()).url;
}

afterEach(async () => {
  for (const listener of open.splice(0)) await listener.close();
});

test('serves metrics as text, and knows nothing else', async () => {
  const metrics = new Metrics();
  const gauge = metrics.pulled({ name: 'test_gauge', type: 'gauge', help: 'A gauge.', unit: '1', labels: {} });
  metrics.collect(() => gauge.add({}, 7));
  const url = await listen(metrics);
  const response = await fetch(`${url}metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await response.text()).toContain('test_gauge 7');
  expect((await fetch(`${url}metrics`, { method: 'HEAD' })).status).toBe(200);
  expect((await fetch(`${url}metrics`, { method: 'POST' })).status).toBe(405);
  expect((await fetch(`${url}elsewhere`)).status).toBe(404);
});

test('is alive while it answers, and ready when every check holds', async () => {
  let checks: HealthCheck[] = [{ name: 'sink', ok: false, message: 'Redis is away' }];
  const url = await listen(new Metrics(), () => checks);
  expect((await fetch(`${url}healthz`)).status).toBe(200);
  const response = await fetch(`${url}readyz`);
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({ status: 'unavailable', checks });
  checks = [{ name: 'sink', ok: true }];
  expect((await fetch(`${url}readyz`)).status).toBe(200);
});

test('a collector that throws is answered with 500 and logged, and the next scrape is tried anew', async () => {
  const metrics = new Metrics();
  const end = metrics.collect(() => {
    throw new Error('no snapshot');
  });
  const url = await listen(metrics);
  expect((await fetch(`${url}metrics`)).status).toBe(500);
  expect(logged.some((line) => line.includes('metrics.failed') && line.includes('no snapshot'))).toBe(true);
  end();
  expect((await fetch(`${url}metrics`)).status).toBe(200);
});

test('a port that is taken is told by code, and closing twice is harmless', async () => {
  const url = new URL(await listen(new Metrics()));
  const second = new MetricsListener({ metrics: new Metrics(), log, port: Number(url.port) });
  await expect(second.listen()).rejects.toMatchObject({ code: 'METRICS_CANNOT_LISTEN' });
  await second.close();
  await second.close();
});
