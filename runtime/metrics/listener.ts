import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { defineError, describeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from './metrics.ts';

export const cannotListen = defineError(
  'METRICS_CANNOT_LISTEN',
  'retryable',
  'Choose another port for metrics (0 takes a free one), or end the process that listens there.',
);

/** One thing that must hold, and what is wrong where it does not. */
export interface HealthCheck {
  readonly name: string;
  readonly ok: boolean;
  /** Said when it does not hold. No credential. */
  readonly message?: string | undefined;
}

export interface MetricsListenerOptions {
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Default 127.0.0.1: reachable from this machine only. */
  readonly host?: string;
  /** Default 0: any free one. */
  readonly port?: number;
  /** What keeps the process from being restarted; that it answers is implied. */
  readonly live?: () => readonly HealthCheck[];
  /** What must hold before the process counts as ready. */
  readonly ready?: () => readonly HealthCheck[];
  /** Whatever else this process serves here, by path; only GET and HEAD come to it. */
  readonly routes?: Readonly<Record<string, Route>>;
}

/** Answers a request whole. What it throws before it answered becomes a 500, and a line of the log. */
export type Route = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>;

/** Connections at once; more are closed. */
const maxConnections = 64;

/**
 * `GET /metrics` in Prometheus' text format; `GET /healthz` and `GET /readyz` with 200 or 503 and every check as JSON.
 */
export class MetricsListener {
  readonly #options: MetricsListenerOptions;
  readonly #server: Server;

  constructor(options: MetricsListenerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#handle(request, response));
    this.#server.headersTimeout = 10_000;
    this.#server.requestTimeout = 10_000;
    this.#server.maxConnections = maxConnections;
  }

  /** Starts to listen. @throws METRICS_CANNOT_LISTEN */
  async listen(): Promise<{ readonly url: string; readonly port: number }> {
    const { host = '127.0.0.1', port = 0 } = this.#options;
    this.#server.listen(port, host);
    try {
      await once(this.#server, 'listening');
    } catch (error) {
      throw cannotListen(`cannot listen on ${host}:${port}: ${describeError(error)}`, { cause: error });
    }
    const bound = (this.#server.address() as AddressInfo).port;
    return { url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}/`, port: bound };
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** Never rejects. */
  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { metrics, log, live, ready, routes = {} } = this.#options;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return reply(response, 405, 'only GET is known here\n', plain);
    }
    const url = parseUrl(request.url);
    const path = url.pathname;
    try {
      const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
      if (route !== undefined) return await route(request, response, url);
      if (path === '/metrics') return reply(response, 200, await metrics.scrape(), metrics.contentType);
      if (path === '/healthz') return replyChecks(response, live?.() ?? []);
      if (path === '/readyz') return replyChecks(response, ready?.() ?? []);
      return reply(response, 404, 'there are /metrics, /healthz and /readyz\n', plain);
    } catch (error) {
      log.error({ event: 'metrics.failed', path, error }, describeError(error));
      if (response.headersSent) return void response.destroy();
      return reply(response, 500, 'the log says what went wrong\n', plain);
    }
  }
}

function parseUrl(text = '/'): URL {
  return URL.canParse(text, 'http://metrics') ? new URL(text, 'http://metrics') : new URL('http://metrics/');
}

const plain = 'text/plain; charset=utf-8';

function replyChecks(response: ServerResponse, checks: readonly HealthCheck[]): void {
  const ok = checks.every((check) => check.ok);
  const body = `${JSON.stringify({ status: ok ? 'ok' : 'unavailable', checks })}\n`;
  reply(response, ok ? 200 : 503, body, 'application/json; charset=utf-8');
}

function reply(response: ServerResponse, status: number, body: string, type: string): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(body);
}
