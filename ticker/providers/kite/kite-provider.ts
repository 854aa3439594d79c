import type { Instrument, InstrumentMaster } from '../../../cluster/market-data.ts';
import { connectionLost, credentialsMissing } from '../errors.ts';
import type {
  Candle,
  Connection,
  ConnectionHandler,
  HistoryRequest,
  Provider,
  ProviderSession,
  SessionOptions,
} from '../provider.ts';
import { type KiteConnection, type KiteConnectionOptions, openConnection } from './connection.ts';
import { KiteRest, requestsPerSecond } from './rest.ts';

/** Where the broker's feed is, unless the account says otherwise. */
export const feedUrl = 'wss://ws.kite.trade/';

const credentialKeys = ['apiKey', 'accessToken'] as const;

/** Zerodha's Kite Connect, version 3. */
export const kiteProvider: Provider = {
  name: 'kite',
  limits: { connections: 3, instrumentsPerConnection: 3000, quotesPerSecond: requestsPerSecond.quote },
  credentialKeys,
  open: (options) => new KiteSession(options),
};

class KiteSession implements ProviderSession {
  readonly #connection: KiteConnectionOptions;
  readonly #rest: KiteRest;
  readonly #open = new Set<KiteConnection>();
  readonly #closing = new AbortController();

  constructor(options: SessionOptions) {
    const { account, clock, log } = options;
    const missing = credentialKeys.filter((key) => (options.credentials[key] ?? '').trim() === '');
    if (missing.length > 0) {
      throw credentialsMissing(`account ${account}: the Secret has no ${missing.join(' and no ')}`);
    }
    // A Secret made from a file or with `echo` ends in a line break, which is no part of the token.
    const [apiKey, accessToken] = credentialKeys.map((key) => options.credentials[key]!.trim());
    const login = { apiKey: apiKey!, accessToken: accessToken!, account, clock };
    this.#connection = { ...login, log, url: options.endpoint?.websocket ?? feedUrl };
    this.#rest = new KiteRest({ ...login, root: options.endpoint?.rest });
  }

  login(signal: AbortSignal): Promise<void> {
    return this.#rest.login(this.#until(signal));
  }

  instruments(signal: AbortSignal): Promise<InstrumentMaster> {
    return this.#rest.instruments(this.#until(signal));
  }

  lastPrices(instruments: readonly Instrument[], signal: AbortSignal): Promise<ReadonlyMap<number, number>> {
    return this.#rest.lastPrices(instruments, this.#until(signal));
  }

  history(request: HistoryRequest, signal: AbortSignal): Promise<readonly Candle[]> {
    return this.#rest.history(request, this.#until(signal));
  }

  async connect(handler: ConnectionHandler, signal: AbortSignal): Promise<Connection> {
    const connection = await openConnection(this.#connection, handler, this.#until(signal));
    if (this.#closing.signal.aborted) {
      connection.close();
      throw this.#closing.signal.reason;
    }
    this.#open.add(connection);
    void connection.gone.then(() => this.#open.delete(connection));
    return connection;
  }

  /** Cancels what is under way, closes every connection, and waits, bounded, until they are gone. */
  async close(): Promise<void> {
    this.#closing.abort(connectionLost(`account ${this.#connection.account}: the session was closed`));
    const gone = [...this.#open].map((connection) => {
      connection.close();
      return connection.gone;
    });
    await Promise.all(gone);
  }

  #until(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal]);
  }
}
