import type { WebSocket } from 'ws';
import type { Mode } from '../../../../crds/index.ts';
import type { Clock } from '../../../../runtime/clock.ts';
import type { MarketSnapshot } from '../../mock/market/market.ts';
import type { TickSchedule } from '../../mock/market/tick-schedule.ts';
import { type Corruption, corrupt } from './corruption.ts';
import { type FrameEncoder, heartbeat } from './encoder.ts';
import { parseRequest } from './feed-request.ts';
import type { Login } from './logins.ts';
import { type Subscription, Subscriptions } from './subscriptions.ts';
import { packetKind, wireFields } from './wire-quote.ts';

/** A message as it was received; the text is cut at {@link textLimit}. */
export interface ReceivedMessage {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly text: string;
  readonly action?: 'subscribe' | 'unsubscribe' | 'mode';
  readonly mode?: Mode;
  readonly tokens?: readonly number[];
}

/** What the broker counts of one connection. */
export interface ConnectionCounters {
  messages: number;
  frames: number;
  ticks: number;
  bytes: number;
  heartbeats: number;
  /** Ticks not sent because the client did not read: a feed conflates, it does not queue. */
  dropped: number;
}

export interface FeedConnectionOptions {
  readonly id: number;
  readonly login: Login;
  readonly socket: WebSocket;
  readonly clock: Clock;
  readonly schedule: TickSchedule;
  /** Say each tick's number of the day as its volume. */
  readonly numbered: boolean;
  readonly frame: FrameEncoder;
  /** Milliseconds of silence before a heartbeat. */
  readonly heartbeat: number;
  readonly instrumentLimit: () => number;
  /** Share of newly subscribed tokens to lose. */
  readonly dropShare: () => number;
  /** Called when there is a first tick to send. */
  readonly wake: () => void;
  readonly closed: (connection: FeedConnection) => void;
}

/**
 * How a connection goes quiet: no ticks but heartbeats; nothing at all; or nothing and nothing is read either, as of a
 * peer whose machine is gone.
 */
export type Stall = 'ticks' | 'silent' | 'dead';

const receivedLimit = 256;
const textLimit = 64 * 1024;
/** Bytes that may wait in the socket before ticks are dropped. */
const backlogLimit = 4 * 1024 * 1024;

/** One client's WebSocket, seen from the broker. */
export class FeedConnection {
  readonly id: number;
  readonly login: Login;
  readonly openedAt: number;
  closedAt: number | undefined;
  closeCode: number | undefined;
  readonly counters: ConnectionCounters = { messages: 0, frames: 0, ticks: 0, bytes: 0, heartbeats: 0, dropped: 0 };
  /** The last {@link receivedLimit} messages. */
  readonly received: ReceivedMessage[] = [];
  readonly #options: FeedConnectionOptions;
  readonly #subscriptions = new Subscriptions();
  /** By token; only tokens of the master get ticks, which bounds it. */
  readonly #ticks = new Map<number, number>();
  readonly #corruptions: Corruption[] = [];
  #stall: { kind: Stall; until: number } | undefined;
  #lastSent: number;

  constructor(options: FeedConnectionOptions) {
    this.id = options.id;
    this.login = options.login;
    this.#options = options;
    this.openedAt = options.clock.now();
    this.#lastSent = options.clock.monotonic();
    options.socket.on('message', (data, isBinary) => {
      if (!isBinary) this.#receive(String(data));
    });
    options.socket.on('ping', (data) => {
      if (!this.#silent() || this.#stall?.kind === 'ticks') options.socket.pong(data);
    });
    options.socket.on('close', (code) => {
      this.closedAt = options.clock.now();
      this.closeCode = code;
      options.closed(this);
    });
    // An error is always followed by 'close', which says all there is to know.
    options.socket.on('error', () => undefined);
  }

  get open(): boolean {
    return this.closedAt === undefined;
  }

  /** Mode of each subscribed token, those lost by a fault too. */
  get subscriptions(): ReadonlyMap<number, Mode> {
    return this.#subscriptions.modes();
  }

  /** Ticks of a token sent on this connection. */
  ticksOf(token: number): number {
    return this.#ticks.get(token) ?? 0;
  }

  /** Sends cached last values that are still owed; `time` is how old they are. */
  flushFirst(cached: MarketSnapshot, time: number): void {
    if (this.#silent()) return;
    for (const [token, subscription] of this.#subscriptions.entries()) {
      if (!subscription.first) continue;
      subscription.first = false;
      this.#add(cached, token, subscription, this.#options.schedule.numberAt(token, time));
    }
    this.#sendFrame();
  }

  /** Sends ticks that fell due between `from` and `to`, or a heartbeat when there has been nothing for a while. */
  flush(snapshot: MarketSnapshot, isOpen: (token: number) => boolean, from: number, to: number): void {
    if (!this.#silent()) {
      const { schedule, wake } = this.#options;
      for (const [token, subscription] of this.#subscriptions.entries()) {
        if (subscription.first) {
          // Owed since before a stall ended, or about to be sent: asking twice does no harm.
          wake();
          continue;
        }
        const due = schedule.due(token, from, to);
        if (due === 0 || !isOpen(token)) continue;
        const newest = schedule.numberAt(token, to);
        for (let older = due - 1; older >= 0; older--) this.#add(snapshot, token, subscription, newest - older);
      }
      this.#sendFrame();
    }
    this.#beat();
  }

  /** Sends a text message of Kite's form `{"type":…,"data":…}`. */
  sendText(type: 'order' | 'error' | 'message', data: unknown): void {
    if (this.#silent() && this.#stall?.kind !== 'ticks') return;
    this.#send(JSON.stringify({ type, data }));
  }

  /** Goes quiet, with the connection open, for `duration` milliseconds or until {@link resume}. */
  stall(kind: Stall, duration = Number.POSITIVE_INFINITY): void {
    this.resume();
    this.#stall = { kind, until: this.#options.clock.monotonic() + duration };
    if (kind === 'dead') this.#options.socket.pause();
  }

  resume(): void {
    if (this.#stall?.kind === 'dead') this.#options.socket.resume();
    this.#stall = undefined;
  }

  /** Damages the next frame with ticks. */
  corruptNext(corruption: Corruption): void {
    if (this.#corruptions.length < 1000) this.#corruptions.push(corruption);
  }

  /** A share of the subscriptions gets nothing more, in silence; returns how many. */
  loseSubscriptions(share: number): number {
    return this.#subscriptions.lose(share);
  }

  /** With a close frame, or by cutting the TCP connection. */
  disconnect(clean: boolean, code = 1000, reason = ''): void {
    if (clean) this.#options.socket.close(code, reason);
    else this.#options.socket.terminate();
  }

  #receive(text: string): void {
    this.counters.messages += 1;
    const request = parseRequest(text);
    this.#remember({ time: this.#options.clock.now(), text: text.slice(0, textLimit), ...(request ?? {}) });
    if (request === undefined) {
      this.sendText('error', 'Invalid message: expected {"a": "subscribe" | "unsubscribe" | "mode", "v": [...]}');
      return;
    }
    if (request.action === 'unsubscribe') this.#subscriptions.unsubscribe(request.tokens);
    else if (request.action === 'mode') this.#subscriptions.setMode(request.tokens, request.mode);
    else this.#subscribe(request.tokens);
    this.#options.wake();
  }

  #subscribe(tokens: readonly number[]): void {
    const limit = this.#options.instrumentLimit();
    const refused = this.#subscriptions.subscribe(tokens, limit, this.#options.dropShare());
    if (refused === 0) return;
    this.sendText('error', `Subscription limit of ${limit} instruments reached: ${refused} not subscribed`);
  }

  #remember(message: ReceivedMessage): void {
    this.received.push(message);
    if (this.received.length > receivedLimit) this.received.shift();
  }

  #add(snapshot: MarketSnapshot, token: number, subscription: Subscription, number: number): void {
    if (subscription.lost) return;
    const quote = snapshot.quote(token);
    if (quote === undefined) return;
    const { frame, numbered, socket } = this.#options;
    if (socket.bufferedAmount > backlogLimit) {
      this.counters.dropped += 1;
      return;
    }
    const kind = packetKind(quote, subscription.mode);
    const said = wireFields(quote, kind);
    const fields = numbered && said.volume !== undefined ? { ...said, volume: number } : said;
    if (!frame.add(kind, fields)) {
      this.#sendFrame();
      frame.add(kind, fields);
    }
    this.#ticks.set(token, (this.#ticks.get(token) ?? 0) + 1);
    this.counters.ticks += 1;
  }

  #sendFrame(): void {
    const { frame } = this.#options;
    if (frame.count === 0) return;
    const bytes = frame.take();
    this.counters.frames += 1;
    const corruption = this.#corruptions.shift();
    this.#send(corruption === undefined ? bytes : corrupt(bytes, corruption));
  }

  #beat(): void {
    if (this.#silent() && this.#stall?.kind !== 'ticks') return;
    if (this.#options.clock.monotonic() - this.#lastSent < this.#options.heartbeat) return;
    this.counters.heartbeats += 1;
    this.#send(heartbeat);
  }

  #silent(): boolean {
    if (this.#stall !== undefined && this.#options.clock.monotonic() >= this.#stall.until) this.resume();
    return this.#stall !== undefined || !this.open;
  }

  #send(data: Uint8Array | string): void {
    const { socket, clock } = this.#options;
    if (socket.readyState !== socket.OPEN) return;
    this.#lastSent = clock.monotonic();
    this.counters.bytes += data.length;
    socket.send(data);
  }
}
