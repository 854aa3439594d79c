import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Clock, sleep, type Timer } from '../../runtime/clock.ts';
import { CodedError, describeError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { SinkReader } from '../sinks/reader.ts';
import { agreedProtocol, isAllowed, type Tokens } from './access.ts';
import {
  badRequest,
  cannotListen,
  notPublished,
  originRefused,
  portInUse,
  tooManyClients,
  unauthorized,
} from './errors.ts';
import { errorBody, errorStatus, findBars, findSet, HttpApi, pathOf } from './http-api.ts';
import { defaultLimits, type GatewayLimits } from './limits.ts';
import { isLoopback, type OriginPolicy, refusal } from './origin.ts';
import { type Position, readPositions } from './position.ts';
import { RequestIds } from './request-id.ts';
import { barsOf, type GatewaySet, SetFeed, setName } from './set-feed.ts';
import { StreamClient } from './stream-client.ts';
import { countUp, type GatewayTraffic, newTraffic } from './traffic.ts';

export type { GatewaySet } from './set-feed.ts';

export interface GatewayOptions {
  readonly reader: SinkReader;
  /** The sets as they are now; asked at each request. */
  readonly sets: () => readonly GatewaySet[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Default 127.0.0.1: reachable from this machine only. */
  readonly host?: string;
  /** Default 0: any free one. */
  readonly port?: number;
  /** Origins of pages elsewhere that may read; the gateway's own always may. */
  readonly allowedOrigins?: readonly string[];
  /** Who may read; everybody who can reach it where absent. The page itself and `/healthz` are for all. */
  readonly tokens?: Tokens | undefined;
  readonly limits?: Partial<GatewayLimits>;
  /** Begins the `X-Request-Id` of requests that bring none; should be no other gateway's. Default `gateway`. */
  readonly requestPrefix?: string;
}

export interface Gateway {
  /** Starts to listen. @throws GATEWAY_PORT_IN_USE, GATEWAY_CANNOT_LISTEN */
  listen(): Promise<{ readonly url: string; readonly port: number }>;
  /** Streams that are open now. */
  readonly clients: number;
  /** What it has done since its start. */
  readonly traffic: Readonly<GatewayTraffic>;
  /** Lets clients take what is queued for them (bounded), then closes everything. */
  close(): Promise<void>;
}

/** Serves sets whole over WebSocket and HTTP from what a sink holds. Stateless: any number may run beside each other. */
export function createGateway(options: GatewayOptions): Gateway {
  return new HttpGateway(options);
}

/** Largest message that a client may send; it has nothing to say. */
const clientMessageBytes = 1024;
/** Connections beyond the streams', for plain requests; more are closed at once. */
const plainConnections = 256;

class HttpGateway implements Gateway {
  readonly traffic = newTraffic();
  readonly #options: GatewayOptions;
  readonly #limits: GatewayLimits;
  readonly #origins: OriginPolicy;
  readonly #host: string;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  /** By set UID and channel. */
  readonly #feeds = new Map<string, SetFeed>();
  readonly #ids: RequestIds;
  #keepalive: Timer | undefined;
  #closing = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#host = options.host ?? '127.0.0.1';
    this.#origins = { allowedOrigins: options.allowedOrigins ?? [], loopbackOnly: isLoopback(this.#host) };
    this.#ids = new RequestIds(options.requestPrefix ?? 'gateway');
    const api = new HttpApi({ ...options, ids: this.#ids, origins: this.#origins, clients: () => this.clients });
    this.#server = createServer((request, response) => {
      response.once('finish', () => countUp(this.traffic.requests, response.statusCode));
      void api.handle(request, response);
    });
    this.#server.headersTimeout = 10_000;
    this.#server.requestTimeout = 10_000;
    this.#server.maxConnections = this.#limits.maxClients + plainConnections;
    this.#server.on('upgrade', (request, socket, head) => void this.#upgrade(request, socket, head));
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: clientMessageBytes,
      clientTracking: false,
      handleProtocols: agreedProtocol,
    });
    this.#sockets.on('headers', (headers, request) => headers.push(`X-Request-Id: ${this.#ids.of(request)}`));
  }

  get clients(): number {
    let count = 0;
    for (const feed of this.#feeds.values()) count += feed.holds;
    return count;
  }

  async listen(): Promise<{ url: string; port: number }> {
    const port = this.#options.port ?? 0;
    this.#server.listen(port, this.#host);
    try {
      await once(this.#server, 'listening');
    } catch (error) {
      const where = `${this.#host}:${port}`;
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (code === 'EADDRINUSE') throw portInUse(`${where} is in use by another process`, { cause: error });
      throw cannotListen(`cannot listen on ${where}: ${code || describeError(error)}`, { cause: error });
    }
    this.#scheduleKeepalive();
    const bound = (this.#server.address() as AddressInfo).port;
    const name = this.#host.includes(':') ? `[${this.#host}]` : this.#host;
    return { url: `http://${name}:${bound}/`, port: bound };
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#keepalive?.cancel();
    const closed = this.#server.listening ? once(this.#server, 'close') : Promise.resolve();
    this.#server.close();
    this.#server.closeIdleConnections();
    const feeds = [...this.#feeds.values()];
    for (const feed of feeds) for (const client of feed.clients) client.close(1001, 'the gateway stops');
    const drained = new AbortController();
    await Promise.race([closed, sleep(this.#options.clock, this.#limits.drain, drained.signal)]);
    drained.abort();
    for (const feed of feeds) for (const client of feed.clients) client.terminate();
    this.#server.closeAllConnections();
    await closed;
    await Promise.all(feeds.map((feed) => feed.close()));
    this.#feeds.clear();
  }

  /** Never rejects: what cannot be served is answered in HTTP, before the WebSocket begins. */
  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const onError = (): void => void socket.destroy();
    socket.on('error', onError);
    try {
      const refused = refusal(this.#origins, request.headers.host, request.headers.origin);
      if (refused !== undefined) throw originRefused(refused);
      if (!(await isAllowed(this.#options.tokens, request))) throw unauthorized('the request carries no known token');
      const url = new URL(request.url ?? '/', 'http://gateway');
      if (url.pathname !== '/v1/stream') throw badRequest(`there is no stream at ${url.pathname.slice(0, 200)}`);
      const kind = url.searchParams.get('kind') ?? 'ticks';
      if (kind !== 'ticks' && kind !== 'bars') throw badRequest(`no kind '${kind.slice(0, 40)}'; ticks or bars`);
      const wanted = url.searchParams.get('set') ?? '';
      const set = (kind === 'bars' ? findBars : findSet)(this.#options.sets(), wanted);
      const from = readPositions(url.searchParams.getAll('from'));
      const feed = await this.#open(set);
      if (socket.destroyed || this.#closing) return this.#release(feed);
      socket.off('error', onError);
      this.#sockets.handleUpgrade(request, socket, head, (client) =>
        this.#welcome(feed, client, from, this.#ids.of(request)),
      );
    } catch (error) {
      const status = errorStatus(error);
      countUp(this.traffic.refused, error instanceof CodedError ? error.code : 'GATEWAY_INTERNAL');
      const id = this.#ids.of(request);
      if (status === 500) {
        this.#options.log.warn({ event: 'gateway.failed', request: id, path: pathOf(request) }, describeError(error));
      }
      refuse(socket, status, errorBody(error), id);
    }
  }

  async #open(set: GatewaySet): Promise<SetFeed> {
    if (set.channel === undefined) throw notPublished(`set ${setName(set)} does not publish`);
    if (this.clients >= this.#limits.maxClients) {
      throw tooManyClients(`${this.#limits.maxClients} streams are open, the most that this gateway serves`);
    }
    const key = feedKey(set);
    const feed = this.#feeds.get(key) ?? new SetFeed(set, this.#options);
    this.#feeds.set(key, feed);
    feed.holds++;
    try {
      await feed.open(set.channel);
      return feed;
    } catch (error) {
      this.#release(feed);
      throw error;
    }
  }

  #welcome(feed: SetFeed, socket: WebSocket, from: ReadonlyMap<string, Position>, request: string): void {
    const { clock, log } = this.#options;
    const client = new StreamClient(socket, {
      clock,
      limits: this.#limits,
      traffic: this.traffic,
      wantSnapshot: feed.wantSnapshot,
      wantFirst: from.size === 0 ? undefined : (resuming) => void feed.resume(resuming, from),
    });
    feed.clients.add(client);
    this.traffic.opened++;
    const about = { set: setName(feed.set), request };
    log.info({ event: 'gateway.opened', ...about, clients: this.clients }, 'a stream was opened');
    socket.on('error', (error) => log.debug({ event: 'gateway.client', ...about }, describeError(error)));
    socket.on('close', (code) => {
      feed.clients.delete(client);
      log.info({ event: 'gateway.closed', ...about, code, clients: this.clients }, 'a stream was closed');
      this.#release(feed);
    });
  }

  /** Gives up one hold; the last ends the subscription. */
  #release(feed: SetFeed): void {
    feed.holds--;
    if (feed.holds > 0) return;
    this.#feeds.delete(feedKey(feed.set));
    void feed.close();
  }

  #scheduleKeepalive(): void {
    this.#keepalive = this.#options.clock.setTimer(
      this.#limits.keepalive,
      () => {
        this.#dismissGone();
        for (const feed of this.#feeds.values()) for (const client of feed.clients) client.keepAlive();
        this.#scheduleKeepalive();
      },
      { background: true },
    );
  }

  /** Readers of a set that is gone, or is published elsewhere now, are told so. */
  #dismissGone(): void {
    const sets = this.#options.sets().flatMap((set) => [set, barsOf(set) ?? set]);
    for (const feed of this.#feeds.values()) {
      const now = sets.find((set) => set.uid === feed.set.uid);
      if (now?.channel === feed.set.channel) continue;
      const [code, reason] =
        now === undefined ? ([1001, 'the set is gone'] as const) : ([1012, 'the channel changed'] as const);
      for (const client of feed.clients) client.close(code, reason);
    }
  }
}

function feedKey(set: GatewaySet): string {
  return `${set.uid} ${set.channel ?? ''}`;
}

function refuse(socket: Duplex, status: number, body: string, id: string): void {
  const head = [
    `HTTP/1.1 ${status} Refused`,
    ...(status === 401 ? ['WWW-Authenticate: Bearer'] : []),
    'Connection: close',
    `X-Request-Id: ${id}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
