import type { Instrument, InstrumentMaster } from '../cluster/market-data.ts';
import { type Clock, sleep } from '../runtime/clock.ts';
import type { CodedError } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import { connectionLimit, credentialsMissing, credentialsRefused, unreachable } from '../ticker/providers/errors.ts';
import type { ConnectionHandler, Provider } from '../ticker/providers/provider.ts';
import { ModelConnection } from './model-connection.ts';
import { ModelSession } from './model-session.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** What one login may do, and whether it may now. */
export interface BrokerAccount {
  readonly name: string;
  /** The access token that the broker accepts now. */
  accessToken: string;
  connections: number;
  instrumentsPerConnection: number;
  /** What happens to one connection too many: it is refused, or the oldest is closed for it. */
  atLimit: 'refuse' | 'evictOldest';
  /**
   * Takes connections and sends no ticks on them, not even what is cached; `silent`: no heartbeats either. Set it with
   * {@link BrokerModel.stall}.
   */
  stall: 'ticks' | 'silent' | undefined;
  /** In order of opening. */
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

/** Something that a login asks for. */
export interface BrokerRequest {
  readonly account: string;
  readonly accessToken: string;
  /** What a 429 means. */
  readonly tooMany: (message: string) => CodedError;
}

/** Name of the provider that this model is. */
export const modelProvider = 'model';
/** Milliseconds for which the list of instruments is the same; a broker makes its own anew every day. */
const masterLife = 600_000;
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
  #tickInterval = tickIntervals.busy;
  readonly #types: ReadonlyMap<number, Instrument['type']>;

  constructor(options: BrokerOptions) {
    this.options = options;
    this.#types = new Map(options.instruments.map(({ token, type }) => [token, type]));
  }

  account(name: string): BrokerAccount {
    let account = this.accounts.get(name);
    if (account === undefined) {
      const { connections, instrumentsPerConnection } = this.limits;
      const state = { accessToken: '', stall: undefined, open: new Set<ModelConnection>(), refusedOverLimit: 0 };
      account = { name, connections, instrumentsPerConnection, atLimit: 'refuse', ...state };
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
      this.stall(account, undefined);
      account.connections = this.limits.connections;
      account.atLimit = 'refuse';
    }
  }

  stall(account: BrokerAccount, stall: BrokerAccount['stall']): void {
    account.stall = stall;
    for (const connection of account.open) connection.stalls();
  }

  /** The provider as one process reaches it. */
  connect(process: SimulatedProcess): Provider {
    return {
      name: modelProvider,
      limits: this.limits,
      credentialKeys: ['accessToken'],
      open: ({ account, credentials }) => {
        const { accessToken } = credentials;
        if (accessToken === undefined) throw credentialsMissing(`account ${account}: the Secret has no accessToken`);
        return new ModelSession(this, process, account, accessToken);
      },
    };
  }

  knows(token: number): boolean {
    return this.#types.has(token);
  }

  isIndex(token: number): boolean {
    return this.#types.get(token) === 'INDEX';
  }

  master(): InstrumentMaster {
    const { clock, instruments } = this.options;
    const loadedAt = clock.now();
    return { version: String(Math.floor(loadedAt / masterLife)), loadedAt, instruments };
  }

  /** Answers a request of a login, some time later, with what `act` returns; or refuses it. */
  async answer<T>({ account, accessToken, tooMany }: BrokerRequest, act: () => T): Promise<T> {
    const { clock, random } = this.options;
    await sleep(clock, 5 + random.next() * 100);
    if (random.next() < this.flaky) {
      this.faults++;
      throw unreachable(`account ${account}: no answer`);
    }
    if (this.throttled > 0 && random.next() < this.throttled) {
      this.faults++;
      throw tooMany(`account ${account}: 429`);
    }
    if (this.account(account).accessToken !== accessToken) throw credentialsRefused(`account ${account}: 403`);
    return act();
  }

  open(name: string, process: SimulatedProcess, handler: ConnectionHandler): ModelConnection {
    const account = this.account(name);
    if (account.open.size >= account.connections) {
      if (account.atLimit === 'refuse' || account.connections === 0) {
        account.refusedOverLimit++;
        throw connectionLimit(`account ${name}: 429`);
      }
      const [oldest] = account.open;
      oldest?.fail();
    }
    const opened = new ModelConnection(this, account, process, handler);
    account.open.add(opened);
    // Nobody is left to hear of it.
    if (!process.alive) opened.linger();
    return opened;
  }
}
