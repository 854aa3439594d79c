import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '../../../../runtime/clock.ts';
import { describeError } from '../../../../runtime/errors.ts';
import { type Logger, silentLogger } from '../../../../runtime/log.ts';
import { SeededRandom } from '../../../../runtime/random.ts';
import { Market } from '../../mock/market/market.ts';
import type { MarketHours } from '../../mock/market/sessions.ts';
import type { MarketInstrument } from '../../mock/market/universe.ts';
import { Admin, type SimulatorStatus } from './admin.ts';
import { portInUse } from './errors.ts';
import { FaultState } from './fault-state.ts';
import { Faults } from './faults.ts';
import { Feed } from './feed.ts';
import type { FeedConnection } from './feed-connection.ts';
import { sendJson } from './http.ts';
import { kiteLimits, type SimulatorLimits } from './limits.ts';
import { demoLogins, type LoginOptions, Logins } from './logins.ts';
import { RestApi } from './rest/rest-api.ts';

export interface SimulatorOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free one. */
  readonly port?: number;
  /** Of the market; default 1. */
  readonly seed?: number;
  /** Ticks a second for each subscribed instrument; default 2. */
  readonly rate?: number;
  /**
   * Each tick says as its volume which one of its instrument's this day (UTC) it is, on every connection the same; default
   * false. Indices have no volume.
   */
  readonly numbered?: boolean;
  /** Logins to accept besides the two of the samples ({@link demoLogins}); one with the same key replaces it. */
  readonly logins?: readonly LoginOptions[];
  readonly limits?: Partial<SimulatorLimits>;
  /** When the market is open; default always. */
  readonly hours?: MarketHours;
  readonly extraInstruments?: number;
  /** Milliseconds of silence before a heartbeat; default 1,000. */
  readonly heartbeat?: number;
  /** How old the cached first tick after a subscribe is, milliseconds; default one tick. */
  readonly cachedTickAge?: number;
  /** Milliseconds between flushes of frames; by the rate when absent. */
  readonly flushInterval?: number;
  /** Where `/connect/login` redirects to. */
  readonly redirectUrl?: string;
  readonly clock?: Clock;
  readonly log?: Logger;
}

/** A simulated broker: Kite's HTTP and WebSocket protocols in front of a simulated market. */
export interface Simulator {
  readonly market: Market;
  readonly faults: Faults;
  readonly logins: Logins;
  /** As they are now; may be changed while it runs. */
  readonly limits: SimulatorLimits;
  /** Every connection in order of opening, the last closed ones too. */
  readonly connections: readonly FeedConnection[];
  /** WebSocket upgrades refused, by HTTP status. */
  readonly refusedUpgrades: ReadonlyMap<number, number>;
  /** Listens. `url` is for `root` of the REST client, `websocketUrl` for the feed. */
  start(): Promise<SimulatorAddress>;
  stop(): Promise<void>;
  status(): SimulatorStatus;
  /** The instrument of `EXCHANGE:SYMBOL` that is listed now. */
  instrument(name: string): MarketInstrument | undefined;
  /** Ticks sent of a token on all connections that are remembered. */
  ticksSent(token: number): number;
}

export interface SimulatorAddress {
  /** `http://127.0.0.1:8765` */
  readonly url: string;
  /** `ws://127.0.0.1:8765` */
  readonly websocketUrl: string;
  readonly port: number;
}

export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? silentLogger;
  const random = new SeededRandom(options.seed ?? 1);
  const rate = options.rate ?? 2;
  const market = new Market({
    random,
    ...(options.hours === undefined ? {} : { hours: options.hours }),
    extraInstruments: options.extraInstruments ?? 0,
  });
  const own = options.logins ?? [];
  const logins = new Logins(
    [...demoLogins.filter(({ apiKey }) => !own.some((login) => login.apiKey === apiKey)), ...own],
    random.fork('tokens'),
  );
  const limits: SimulatorLimits = { ...kiteLimits, ...options.limits };
  const state = new FaultState();
  const feed = new Feed({
    clock,
    market,
    logins,
    limits,
    faults: state,
    rate,
    numbered: options.numbered ?? false,
    heartbeat: options.heartbeat ?? 1000,
    cachedTickAge: options.cachedTickAge ?? 1000 / rate,
    ...(options.flushInterval === undefined ? {} : { flushInterval: options.flushInterval }),
  });
  const stopped = new AbortController();
  const rest = new RestApi({
    clock,
    market,
    logins,
    limits,
    faults: state,
    stopped: stopped.signal,
    ...(options.redirectUrl === undefined ? {} : { redirectUrl: options.redirectUrl }),
  });
  const faults = new Faults(feed, logins, limits, state);
  const admin = new Admin(feed, rest, faults);
  // Kite takes 1,000 keys in one /quote/ltp, which is more than Node lets pass by default.
  const server = createServer({ maxHeaderSize: 64 * 1024 }, (request, response) => {
    const answered = async (): Promise<void> => {
      const url = new URL(request.url ?? '/', 'http://localhost');
      if (!(await admin.handle(request, response, url))) await rest.handle(request, response, url);
    };
    answered().catch((error: unknown) => {
      log.warn({ event: 'simulator.request', error }, describeError(error));
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { status: 'error', message: 'Internal error', error_type: 'GeneralException' });
    });
  });
  server.on('upgrade', (request, socket, head) => {
    feed.upgrade(request, socket, head).catch((error: unknown) => {
      log.warn({ event: 'simulator.upgrade', error }, describeError(error));
      socket.destroy();
    });
  });

  return {
    market,
    faults,
    logins,
    limits,
    connections: feed.connections,
    refusedUpgrades: feed.refused,
    async start() {
      const address = await listen(server, options.port ?? 0, options.host ?? '127.0.0.1');
      market.advance(clock.now());
      feed.start();
      log.info({ event: 'simulator.started', url: address.url }, 'simulated broker listens');
      return address;
    },
    async stop() {
      stopped.abort();
      feed.stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
    status: () => admin.status(),
    instrument: (name) => market.advance(clock.now()).universe.byName.get(name),
    ticksSent: (token) => feed.connections.reduce((sum, connection) => sum + connection.ticksOf(token), 0),
  };
}

function listen(server: Server, port: number, host: string): Promise<SimulatorAddress> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(taken ? portInUse(`port ${port} of ${host} is in use`, { cause: error }) : error);
    });
    server.listen(port, host, () => {
      const { port: actual, family, address } = server.address() as AddressInfo;
      const shown = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address;
      const authority = `${family === 'IPv6' && shown.includes(':') ? `[${shown}]` : shown}:${actual}`;
      resolve({ url: `http://${authority}`, websocketUrl: `ws://${authority}`, port: actual });
    });
  });
}
