import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Clock } from '../../runtime/clock.ts';
import { CodedError } from '../../runtime/errors.ts';
import { unavailable } from '../errors.ts';
import type { ApiServerConfig } from './config.ts';
import { responseTooLarge } from './errors.ts';
import { idleConnection, maxConnections, maxRequests, maxResponseBytes, maxWatches } from './limits.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly contentType?: string;
  readonly body?: string;
  /** Milliseconds until the whole answer must be there; of a stream, its head. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  /** Seconds of `Retry-After`; undefined where there is none. */
  readonly retryAfter: number | undefined;
  readonly body: string;
}

export interface HttpConnectionOptions {
  readonly config: ApiServerConfig;
  readonly clock: Clock;
  readonly userAgent: string;
}

/**
 * HTTP/1.1 to one API server, over connections that are kept open. Each request has a deadline, every failure of the
 * network is `CLUSTER_UNAVAILABLE`, and no error carries a header.
 */
export class HttpConnection {
  readonly #options: HttpConnectionOptions;
  readonly #agent: HttpAgent;
  /** Each watch has a connection for itself: requests never wait for one. */
  readonly #streams: HttpAgent;
  readonly #active = new Set<ClientRequest>();
  #exchanges = 0;
  #closed = false;

  constructor(options: HttpConnectionOptions) {
    this.#options = options;
    const Agent = options.config.server.protocol === 'http:' ? HttpAgent : HttpsAgent;
    this.#agent = new Agent({ keepAlive: true, maxSockets: maxConnections, timeout: idleConnection });
    this.#streams = new Agent({ keepAlive: false, maxSockets: maxWatches });
  }

  /** Sends a request and reads the whole answer. */
  async exchange(request: HttpRequest): Promise<HttpAnswer> {
    if (this.#exchanges >= maxRequests) {
      throw unavailable(`${maxRequests} requests to the API server are under way already`);
    }
    this.#exchanges++;
    const read = async (message: IncomingMessage): Promise<HttpAnswer> => ({
      status: message.statusCode ?? 0,
      retryAfter: seconds(message.headers['retry-after']),
      body: await readBody(message, maxResponseBytes),
    });
    try {
      return await this.#send(request, this.#agent, read);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      // The server closed an idle connection just when it was used again. Whether a write was done nobody knows.
      if (request.method !== 'GET') throw unavailable(error.message);
      return await this.#send(request, this.#streams, read);
    } finally {
      this.#exchanges--;
    }
  }

  /** Sends a request and resolves with the head of the answer; its body ends with `signal`. */
  stream(request: HttpRequest): Promise<IncomingMessage> {
    return this.#send(request, this.#streams, async (message) => message);
  }

  /** Ends every request, and all connections. */
  close(): void {
    this.#closed = true;
    for (const outgoing of this.#active) outgoing.destroy();
    this.#agent.destroy();
    this.#streams.destroy();
  }

  async #send<T>(request: HttpRequest, agent: HttpAgent, read: (message: IncomingMessage) => Promise<T>): Promise<T> {
    const { config, clock } = this.#options;
    const { token, certificate, key } = await config.credentials.current();
    if (this.#closed) throw closed();
    const { method, path, contentType, body, timeout, signal } = request;
    const { server } = config;
    const options = {
      agent,
      method,
      host: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port || (server.protocol === 'http:' ? 80 : 443),
      path: `${server.pathname.replace(/\/$/, '')}${path}`,
      headers: {
        Accept: 'application/json',
        'User-Agent': this.#options.userAgent,
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...(contentType === undefined ? {} : { 'Content-Type': contentType }),
        ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
        ...config.impersonate,
      },
      ...(config.ca === undefined ? {} : { ca: config.ca }),
      ...(certificate === undefined ? {} : { cert: certificate }),
      ...(key === undefined ? {} : { key }),
      ...(config.serverName === undefined ? {} : { servername: config.serverName }),
      ...(config.insecure === true ? { rejectUnauthorized: false } : {}),
    };
    const outgoing = server.protocol === 'http:' ? httpRequest(options) : httpsRequest(options);
    this.#active.add(outgoing);
    let late = false;
    const end = (): void => void outgoing.destroy();
    const deadline = clock.setTimer(timeout, () => {
      late = true;
      end();
    });
    signal?.addEventListener('abort', end, { once: true });
    if (signal?.aborted === true) end();
    outgoing.once('close', () => {
      this.#active.delete(outgoing);
      signal?.removeEventListener('abort', end);
    });
    try {
      const message = await head(outgoing, body);
      return await read(message);
    } catch (error) {
      outgoing.destroy();
      if (error instanceof CodedError) throw error;
      if (late) throw unavailable(`the API server did not answer within ${timeout} ms`);
      if (this.#closed) throw closed();
      throw broken(error, outgoing.reusedSocket);
    } finally {
      deadline.cancel();
    }
  }
}

/** A connection that was kept open turned out to be closed. */
class StaleConnection extends Error {}

function closed(): Error {
  return unavailable('the client of the API server was closed');
}

function head(outgoing: ClientRequest, body: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.on('error', reject);
    outgoing.once('close', () => reject(new Error('the connection was closed')));
    outgoing.end(body);
  });
}

/** `CLUSTER_UNAVAILABLE` with the failure's code and words; those of sockets and TLS hold nothing secret. */
export function broken(error: unknown, reused = false): Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const message = error instanceof Error ? error.message : String(error);
  if (reused && (code === 'ECONNRESET' || code === 'EPIPE')) return new StaleConnection(lost(message));
  return unavailable(lost(message));
}

function lost(message: string): string {
  return `the connection to the API server failed: ${message}`;
}

/** The whole body as text. More than `limit` bytes: `CLUSTER_RESPONSE_TOO_LARGE`. */
export async function readBody(message: IncomingMessage, limit: number): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of message as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > limit) throw responseTooLarge(`the API server answered more than ${limit} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** `Retry-After` in seconds; API servers send no dates. */
function seconds(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) : undefined;
}
