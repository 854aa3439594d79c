import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Clock, sleep, type Timer } from '../../../../runtime/clock.ts';
import type { Market } from '../../mock/market/market.ts';
import { TickSchedule } from '../../mock/market/tick-schedule.ts';
import { FrameEncoder } from './encoder.ts';
import type { FaultState } from './fault-state.ts';
import { FeedConnection } from './feed-connection.ts';
import type { SimulatorLimits } from './limits.ts';
import type { Login, Logins } from './logins.ts';

export interface FeedOptions {
  readonly clock: Clock;
  readonly market: Market;
  readonly logins: Logins;
  readonly limits: SimulatorLimits;
  readonly faults: FaultState;
  /** Ticks a second for each subscribed instrument. */
  readonly rate: number;
  /** Say each tick's number of the day as its volume. */
  readonly numbered: boolean;
  /** Milliseconds of silence before a heartbeat. */
  readonly heartbeat: number;
  /** How old the cached first tick is, milliseconds. */
  readonly cachedTickAge: number;
  /** Milliseconds between flushes; by the rate when absent. */
  readonly flushInterval?: number;
}

/** Bytes of a frame at most, about 350 full packets. */
const frameCapacity = 64 * 1024;
/** Bytes of a message from a client at most: 3,000 tokens take about 30 kB. */
const messageLimit = 1024 * 1024;
/** Closed connections whose counters are kept. */
const historyLimit = 256;
/** Milliseconds of ticks sent at most after a pause of the process: a feed skips what is past. */
const catchUpLimit = 1000;
/** Milliseconds that subscribe and mode messages sent together have to arrive before the first ticks go out. */
const firstTickDelay = 5;

/** Kite's WebSocket: who may connect, and the loop that sends what falls due. */
export class Feed {
  /** Every connection, the last {@link historyLimit} closed ones too, in order of opening. */
  readonly connections: FeedConnection[] = [];
  /** Upgrades that were refused, by HTTP status. */
  readonly refused = new Map<number, number>();
  readonly #options: FeedOptions;
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: messageLimit,
    autoPong: false,
  });
  readonly #frame = new FrameEncoder(frameCapacity);
  readonly #schedule: TickSchedule;
  readonly #stop = new AbortController();
  #timer: Timer | undefined;
  #first: Timer | undefined;
  #flushedTo: number;
  #nextId = 1;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#schedule = new TickSchedule(options.rate);
    this.#flushedTo = options.clock.now();
  }

  get open(): FeedConnection[] {
    return this.connections.filter((connection) => connection.open);
  }

  start(): void {
    this.#flushedTo = this.#options.clock.now();
    this.#schedulePass();
  }

  stop(): void {
    this.#stop.abort();
    this.#timer?.cancel();
    this.#first?.cancel();
    for (const connection of this.open) connection.disconnect(false);
    this.#server.close();
  }

  /** Answers an HTTP upgrade: the connection is opened, or refused with the broker's status. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Without a listener a client that gives up before it is answered would end the process.
    socket.on('error', () => undefined);
    const { logins, faults, clock } = this.#options;
    const query = new URL(request.url ?? '/', 'http://localhost').searchParams;
    const apiKey = query.get('api_key') ?? '';
    if (faults.loginDelay > 0) await sleep(clock, faults.loginDelay, this.#stop.signal);
    if (socket.destroyed || this.#stop.signal.aborted) {
      socket.destroy();
      return;
    }
    const ordered = faults.refusal('upgrade', apiKey);
    if (ordered !== undefined) return this.#refuse(socket, ordered);
    const login = logins.authenticate(apiKey, query.get('access_token') ?? '');
    if (login === undefined) return this.#refuse(socket, 403);
    if (!this.#makeRoom(login)) return this.#refuse(socket, 429);
    this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#accept(login, webSocket));
  }

  #accept(login: Login, socket: WebSocket): void {
    const { clock, heartbeat, limits, faults, numbered } = this.#options;
    const connection = new FeedConnection({
      id: this.#nextId++,
      login,
      socket,
      clock,
      heartbeat,
      schedule: this.#schedule,
      numbered,
      frame: this.#frame,
      instrumentLimit: () => limits.instruments,
      dropShare: () => faults.dropShare(login.apiKey),
      wake: () => {
        this.#first ??= clock.setTimer(firstTickDelay, () => this.#sendFirst());
      },
      closed: () => this.#forgetOldest(),
    });
    this.connections.push(connection);
  }

  /** Applies the limit on connections; those that closed a moment ago may still count. */
  #makeRoom(login: Login): boolean {
    const { limits, faults, clock } = this.#options;
    const counted = this.connections.filter(
      ({ login: owner, closedAt }) =>
        owner === login && (closedAt === undefined || clock.now() < closedAt + faults.retainClosed),
    );
    if (counted.length < limits.connections) return true;
    // Where none is allowed, there is none whose place a new one could take.
    if (limits.atLimit === 'refuse' || limits.connections === 0) return false;
    counted.find(({ open }) => open)?.disconnect(true, 1008, 'Another connection took its place');
    return true;
  }

  #refuse(socket: Duplex, status: number): void {
    this.refused.set(status, (this.refused.get(status) ?? 0) + 1);
    const reason = reasons[status] ?? 'Error';
    const body = JSON.stringify({
      status: 'error',
      message: reason,
      error_type: errorTypes[status] ?? 'GeneralException',
    });
    socket.end(
      `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  }

  #schedulePass(): void {
    const interval = this.#options.flushInterval ?? this.#schedule.flushInterval;
    this.#timer = this.#options.clock.setTimer(interval, () => {
      this.#flush();
      this.#schedulePass();
    });
  }

  #flush(): void {
    const { clock, market } = this.#options;
    const now = clock.now();
    const from = Math.max(this.#flushedTo, now - catchUpLimit);
    this.#flushedTo = now;
    const open = this.open;
    if (open.length === 0) return;
    const snapshot = market.advance(now);
    const isOpen = (token: number): boolean => {
      const instrument = snapshot.universe.byToken.get(token);
      return instrument !== undefined && market.isOpen(instrument, now);
    };
    for (const connection of open) connection.flush(snapshot, isOpen, from, now);
  }

  #sendFirst(): void {
    this.#first = undefined;
    const { clock, market, cachedTickAge } = this.#options;
    const now = clock.now();
    market.advance(now);
    // Cached is what was sent: on a machine without time, ticks that are due already are still to come.
    const then = Math.min(now, this.#flushedTo) - cachedTickAge;
    const cached = market.at(then);
    for (const connection of this.open) connection.flushFirst(cached, then);
  }

  #forgetOldest(): void {
    const closed = this.connections.filter(({ open }) => !open);
    if (closed.length <= historyLimit) return;
    this.connections.splice(this.connections.indexOf(closed[0]!), 1);
  }
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};
const errorTypes: Readonly<Record<number, string>> = { 403: 'TokenException', 429: 'NetworkException' };
