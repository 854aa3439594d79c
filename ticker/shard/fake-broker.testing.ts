import type { InstrumentMaster } from '../../cluster/market-data.ts';
import type { Mode } from '../../crds/index.ts';
import type { CodedError } from '../../runtime/errors.ts';
import { connectionLost, credentialsRefused } from '../providers/errors.ts';
import type {
  Connection,
  ConnectionHandler,
  Provider,
  ProviderSession,
  SessionOptions,
} from '../providers/provider.ts';
import { Packet, type TickColumns } from '../tick-columns.ts';

/** One connection as the broker sees it. */
export class BrokerConnection implements Connection {
  readonly messages: (readonly ['subscribe' | 'unsubscribe', readonly number[], Mode?])[] = [];
  readonly subscribed = new Map<number, Mode>();
  readonly accessToken: string;
  readonly #handler: ConnectionHandler;
  readonly #broker: FakeBroker;
  lastHeard = 0;
  readonly pending = 0;
  open = true;
  /** Each time that it was left unread (true) or read on. */
  readonly pauses: boolean[] = [];

  constructor(broker: FakeBroker, handler: ConnectionHandler, accessToken: string) {
    this.#broker = broker;
    this.#handler = handler;
    this.accessToken = accessToken;
  }

  subscribe(tokens: readonly number[], mode: Mode): void {
    this.messages.push(['subscribe', tokens, mode]);
    for (const token of tokens) {
      if (this.#broker.loses(token)) continue;
      this.subscribed.set(token, mode);
    }
    if (this.#broker.mute) return;
    // The cached last value, as brokers send it.
    this.#broker.later(() => this.tick(tokens.filter((token) => this.subscribed.has(token))));
  }

  unsubscribe(tokens: readonly number[]): void {
    this.messages.push(['unsubscribe', tokens]);
    for (const token of tokens) this.subscribed.delete(token);
  }

  /** Sends a tick of each of these that is subscribed; of all when absent. */
  tick(
    tokens: readonly number[] = [...this.subscribed.keys()],
    price = (): number => 100 + this.#broker.ticks++ / 100,
  ): void {
    const sent = tokens.filter((token) => this.subscribed.has(token));
    if (!this.open || this.#broker.mute || sent.length === 0) return;
    const frame = new Uint8Array(sent.length * 16);
    const view = new DataView(frame.buffer);
    sent.forEach((token, i) => {
      view.setUint32(i * 16, token);
      view.setFloat64(i * 16 + 8, price());
    });
    this.#handler.frame(frame, this.#broker.now() * 1000);
  }

  decode(frame: Uint8Array, offset: number, receivedAtMicros: number, into: TickColumns): number {
    const view = new DataView(frame.buffer, frame.byteOffset);
    let at = offset;
    while (at < frame.byteLength) {
      if (into.full) return at;
      const row = into.length++;
      into.packet[row] = Packet.ltp;
      into.token[row] = view.getUint32(at);
      into.receiveTime[row] = receivedAtMicros;
      into.exchangeTime[row] = 0;
      into.lastPrice[row] = view.getFloat64(at + 8);
      at += 16;
    }
    return -1;
  }

  /** The broker ends it. */
  fail(error: CodedError = connectionLost('cut')): void {
    if (!this.open) return;
    this.open = false;
    this.#handler.closed(error);
  }

  pause(paused: boolean): void {
    this.pauses.push(paused);
  }

  close(): void {
    this.open = false;
  }
}

/** A broker in memory whose every reaction a test decides. */
export class FakeBroker implements Provider {
  readonly name = 'fake';
  limits = { connections: 3, instrumentsPerConnection: 3000, quotesPerSecond: 1 };
  readonly credentialKeys = ['accessToken'];
  readonly connections: BrokerConnection[] = [];
  readonly now: () => number;
  validTokens = new Set(['good']);
  /** What the next connections are refused with. */
  refuse: (() => CodedError) | undefined;
  connectAttempts = 0;
  logins = 0;
  /** Open, and sending no tick at all. */
  mute = false;
  ticks = 0;
  loses: (token: number) => boolean = () => false;

  constructor(now: () => number) {
    this.now = now;
  }

  get live(): BrokerConnection[] {
    return this.connections.filter(({ open }) => open);
  }

  /** The market moves: the same tick of every instrument on every connection. Its price is like no other's. */
  market(connections: readonly BrokerConnection[] = this.live): number {
    const price = 100 + this.ticks++ / 100;
    for (const connection of connections) connection.tick(undefined, () => price);
    return price;
  }

  later(act: () => void): void {
    queueMicrotask(act);
  }

  open(options: SessionOptions): ProviderSession {
    const accessToken = options.credentials['accessToken'] ?? '';
    const master: InstrumentMaster = {
      version: '1',
      loadedAt: this.now(),
      instruments: [1, 2, 3].map((token) => ({
        token,
        exchange: 'NSE',
        symbol: `S${token}`,
        name: `S${token}`,
        segment: 'NSE',
        type: 'EQ',
        strike: 0,
        tickSize: 0.05,
        lotSize: 1,
      })),
    };
    return {
      login: async () => {
        this.logins++;
        if (!this.validTokens.has(accessToken)) throw credentialsRefused(`account ${options.account}: 403`);
      },
      instruments: async () => master,
      lastPrices: async (instruments) => new Map(instruments.map(({ token }) => [token, token * 10])),
      history: async () => [],
      connect: async (handler) => {
        this.connectAttempts++;
        if (this.refuse !== undefined) throw this.refuse();
        if (!this.validTokens.has(accessToken)) throw credentialsRefused(`account ${options.account}: 403`);
        const connection = new BrokerConnection(this, handler, accessToken);
        this.connections.push(connection);
        return connection;
      },
      close: async () => {},
    };
  }
}
