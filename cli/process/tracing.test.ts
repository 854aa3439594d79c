import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { diag } from '@opentelemetry/api';
import { afterEach, expect, test, vi } from 'vitest';
import { createLogger } from '../../runtime/log.ts';
import { startTracing } from './tracing.ts';

let server: Server | undefined;
afterEach(() => {
  diag.disable();
  vi.unstubAllEnvs();
  server?.close();
});

/** A collector that speaks OTLP over HTTP. */
async function collector(status: number): Promise<{ url: string; bodies: unknown[] }> {
  const bodies: unknown[] = [];
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('end', () => {
      bodies.push(JSON.parse(text));
      response.writeHead(status, { 'Content-Type': 'application/json' }).end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies };
}

function logger() {
  const lines: unknown[] = [];
  return { lines, log: createLogger('info', { write: (line) => void lines.push(JSON.parse(line)) }) };
}

test('off unless a collector is named', async () => {
  expect(await startTracing('shard', logger().log, {})).toBeUndefined();
});

test('spans reach the collector by the end, with who sent them', async () => {
  const { url, bodies } = await collector(200);
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', url);
  const { log, lines } = logger();
  const tracing = await startTracing('shard', log, { ...process.env, POD_NAME: 'ticker-0' });
  tracing?.tracer.startSpan('batch').end();
  await tracing?.close();
  const text = JSON.stringify(bodies);
  for (const part of ['"name":"batch"', 'ticker-operator-shard', 'ticker-0']) expect(text).toContain(part);
  expect(lines).toEqual([]);
});

test('a collector that refuses costs spans and is told of', async () => {
  const { url } = await collector(400);
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', url);
  const { log, lines } = logger();
  const tracing = await startTracing('operator', log, process.env);
  tracing?.tracer.startSpan('reconcile').end();
  await tracing?.close();
  expect(lines).toMatchObject([{ event: 'trace.notExported', level: 'warn' }]);
});
