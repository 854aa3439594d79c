import type { Instrument, InstrumentMaster } from '../cluster/market-data.ts';
import type { Mode } from '../crds/index.ts';
import { type Clock, sleep, type Timer } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import {
  connectionLimit,
  connectionLost,
  credentialsRefused,
  rateLimited,
  unreachable,
} from '../ticker/providers/errors.ts';
import type { Connection, ConnectionHandler, Provider, ProviderSession } from '../ticker/providers/provider.ts';
import { Packet, type TickColumns } from '../ticker/tick-columns.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** What one login may do, and whether it may now. */
export interface BrokerAccount {
  readonly name: string;
  /** The access token that the broker accepts now. */
  accessToken: string;
  connections: number;
  readonly instrumentsPerConnection: number;
  /** Takes connections and sends nothing on them, not even what is cached. */
  stalled: boolean;
  readonly open: Set<ModelConnection>;
  /** Connections that were refused because there were as many as are allowed. */
  refusedOverLimit: number;
}

export interface BrokerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly instruments: readonly Instrument[];
  /** Every tick that reached a process: its id, whom, and when. */
  readonly emitted: (id: number, process: SimulatedProcess, token: number, connection: ModelConnection) => void;
  readonly violated: (what: string) => void;
}

/** Name of the provider that this model is. */
export const modelProvider = 'model';
/** Bytes of one row of a frame: token and id, as 64-bit floats. */
const rowBytes = 16;
/** The longest that a broker keeps the connection of a client that died (milliseconds). */
const longestLinger = 10_000;
const price = 100;
/** Milliseconds between two frames of a connection: at least, and at most as much more. */
const tickIntervals = {
  busy: { least: 1_500, more: 4_500 },
  quiet: { least: 12_000, more: 30_000 },
};

/**
 * A broker: logins, limits, refusals, and a market that ticks on the virtual clock. Each tick has an id of its own, which
 * travels in the column of the volume, so that what became of it can be told.
 */
export class BrokerModel {
  readonly accounts = new Map<string, BrokerAccount>();
  readonly options: BrokerOptions;
  readonly limits = { connections: 2, instrumentsPerConnection: 20, quotesPerSecond: 10 };
  /** Shares of logins and connections that fail for no reason, and that are too many (429). */
  flaky = 0;
  throttled = 0;
  faults = 0;
  #lastId = 0;
  #masters = 0;
  #tickInterval = tickIntervals.busy;

  constructor(options: BrokerOptions) {
    this.options = options;
  }

  account(name: string): BrokerAccount {
    let account = this.accounts.get(name);
    if (account === undefined) {
      const { connections, instrumentsPerConnection } = this.limits;
      const state = { accessToken: '', stalled: false, open: new Set<ModelConnection>(), refusedOverLimit: 0 };
      account = { name, connections, instrumentsPerConnection, ...state };
      this.accounts.set(name, account);
    }
    return account;
  }

  /** Tokens that a process which lives is subscribed to now, with the connections that say so. */
  subscribed(): Map<number, ModelConnection[]> {
    const tokens = new Map<number, ModelConnection[]>();
    for (const { open } of this.accounts.values()) {
      for (const connection of open) {
        if (!connection.process.alive) continue;
        for (const token of connection.subscribed.keys()) {
          const list = tokens.get(token);
          if (list === undefined) tokens.set(token, [connection]);
          else list.push(connection);
        }
      }
    }
    return tokens;
  }

  nextId(): number {
    return ++this.#lastId;
  }

  /** How often everything ticks from now on. */
  market(state: keyof typeof tickIntervals): void {
    this.#tickInterval = tickIntervals[state];
    for (const { open } of this.accounts.values()) for (const connection of open) connection.tickLater();
  }

  nextTick(): number {
    return this.#tickInterval.least + this.options.random.next() * this.#tickInterval.more;
  }

  heal(): void {
    this.flaky = 0;
    this.throttled = 0;
    for (const account of this.accounts.values()) {
      account.stalled = false;
      account.connections = this.limits.connections;
    }
  }

  /** The provider as one process reaches it. */
  connect(process: SimulatedProcess): Provider {
    return {
      name: modelProvider,
      limits: this.limits,
      credentialKeys: ['accessToken'],
      open: ({ account, credentials }) => this.#session(process, account, credentials['accessToken'] ?? ''),
    };
  }

  #session(process: SimulatedProcess, name: string, accessToken: string): ProviderSession {
    const { instruments, clock } = this.options;
    const ask = <T>(act: () => T): Promise<T> => process.reply(this.#request(name, accessToken, act));
    const master = (): InstrumentMaster => ({ version: String(++this.#masters), loadedAt: clock.now(), instruments });
    return {
      login: () => ask(() => undefined),
      instruments: () => ask(master),
      lastPrices: (asked) => ask(() => new Map(asked.map(({ token }) => [token, price]))),
      history: () => Promise.resolve([]),
      connect: (handler, signal) => this.#connect(process, name, accessToken, handler, signal),
      close: () => Promise.resolve(),
    };
  }

  async #request<T>(name: string, accessToken: string, act: () => T): Promise<T> {
    const { clock, random } = this.options;
    await sleep(clock, 5 + random.next() * 100);
    if (random.next() < this.flaky) {
      this.faults++;
      throw unreachable(`account ${name}: no answer`);
    }
    if (this.throttled > 0 && random.next() < this.throttled) {
      this.faults++;
      throw rateLimited(`account ${name}: 429`);
    }
    if (this.account(name).accessToken !== accessToken) throw credentialsRefused(`account ${name}: 403`);
    return act();
  }

  async #connect(
    process: SimulatedProcess,
    name: string,
    accessToken: string,
    handler: ConnectionHandler,
    signal: AbortSignal,
  ): Promise<Connection> {
    const account = this.account(name);
    const connection = await process.reply(
      this.#request(name, accessToken, () => {
        if (account.open.size >= account.connections) {
          account.refusedOverLimit++;
          throw connectionLimit(`account ${name}: 429`);
        }
        const opened = new ModelConnection(this, account, process, handler);
        account.open.add(opened);
        // Nobody is left to hear of it.
        if (!process.alive) opened.linger();
        return opened;
      }),
    );
    // Given up meanwhile: nobody will use it.
    if (signal.aborted) connection.close();
    return connection;
  }
}

/** One open WebSocket, as the broker sees it. */
export class ModelConnection implements Connection {
  readonly subscribed = new Map<number, Mode>();
  readonly process: SimulatedProcess;
  readonly account: BrokerAccount;
  readonly pending = 0;
  lastHeard = 0;
  readonly #broker: BrokerModel;
  readonly #handler: ConnectionHandler;
  #open = true;
  #timer: Timer | undefined;

  constructor(broker: BrokerModel, account: BrokerAccount, process: SimulatedProcess, handler: ConnectionHandler) {
    this.#broker = broker;
    this.account = account;
    this.process = process;
    this.#handler = handler;
    this.tickLater();
  }

  subscribe(tokens: readonly number[], mode: Mode): void {
    const { violated } = this.#broker.options;
    for (const token of tokens) this.subscribed.set(token, mode);
    if (this.subscribed.size > this.account.instrumentsPerConnection) {
      violated(`account ${this.account.name}: ${this.subscribed.size} instruments on one connection`);
    }
    // The cached last values, as brokers send them.
    this.#broker.options.clock.setTimer(2, () => this.#tick(tokens.filter((token) => this.subscribed.has(token))));
  }

  unsubscribe(tokens: readonly number[]): void {
    for (const token of tokens) this.subscribed.delete(token);
  }

  decode(frame: Uint8Array, offset: number, receivedAt: number, into: TickColumns): number {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    let at = offset;
    for (; at < frame.byteLength && !into.full; at += rowBytes) {
      const row = into.length++;
      into.packet[row] = Packet.quote;
      into.token[row] = view.getFloat64(at);
      into.slot[row] = -1;
      into.receiveTime[row] = receivedAt;
      into.exchangeTime[row] = 0;
      into.lastTradeTime[row] = 0;
      into.volume[row] = view.getFloat64(at + 8);
      into.lastQuantity[row] = 1;
      into.buyQuantity[row] = 1;
      into.sellQuantity[row] = 1;
      for (const column of [into.lastPrice, into.averagePrice, into.open, into.high, into.low, into.close]) {
        column[row] = price;
      }
    }
    return at < frame.byteLength ? at : -1;
  }

  /** The broker, or the network, ends it. */
  fail(): void {
    if (!this.#open) return;
    this.close();
    this.process.deliver(() => this.#handler.closed(connectionLost(`account ${this.account.name}: cut`)));
  }

  /** Its process died: the broker notices later, and counts it until then. */
  linger(): void {
    const { clock, random } = this.#broker.options;
    clock.setTimer(random.next() * longestLinger, () => this.close());
  }

  close(): void {
    this.#open = false;
    this.#timer?.cancel();
    this.account.open.delete(this);
  }

  tickLater(): void {
    const { clock, random } = this.#broker.options;
    this.#timer?.cancel();
    this.#timer = clock.setTimer(this.#broker.nextTick(), () => {
      this.#tick([...this.subscribed.keys()].filter(() => random.next() < 0.95));
      this.tickLater();
    });
  }

  #tick(tokens: readonly number[]): void {
    if (!this.#open || tokens.length === 0 || this.account.stalled) return;
    const { clock } = this.#broker.options;
    const frame = new Uint8Array(tokens.length * rowBytes);
    const view = new DataView(frame.buffer);
    const ids = tokens.map((token, index) => {
      const id = this.#broker.nextId();
      view.setFloat64(index * rowBytes, token);
      view.setFloat64(index * rowBytes + 8, id);
      return id;
    });
    this.process.deliver(() => {
      if (!this.#open) return;
      this.lastHeard = clock.monotonic();
      tokens.forEach((token, index) => {
        this.#broker.options.emitted(ids[index]!, this.process, token, this);
      });
      this.#handler.frame(frame, this.process.clock.now() * 1000);
    });
  }
}
