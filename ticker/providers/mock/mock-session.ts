import type { Instrument, InstrumentMaster } from '../../../cluster/market-data.ts';
import { type Clock, sleep } from '../../../runtime/clock.ts';
import { connectionLimit, connectionLost } from '../errors.ts';
import type {
  Candle,
  Connection,
  ConnectionHandler,
  HistoryRequest,
  ProviderLimits,
  ProviderSession,
} from '../provider.ts';
import { mockInstrumentUnknown } from './errors.ts';
import { candles } from './market/candles.ts';
import { type Market, masterOf } from './market/market.ts';
import type { Universe } from './market/universe.ts';
import { MockConnection } from './mock-connection.ts';

export interface MockSessionOptions {
  readonly account: string;
  readonly clock: Clock;
  readonly market: Market;
  readonly rate: number;
  readonly limits: ProviderLimits;
}

const minutes: Readonly<Record<HistoryRequest['interval'], number>> = {
  minute: 1,
  '3minute': 3,
  '5minute': 5,
  '10minute': 10,
  '15minute': 15,
  '30minute': 30,
  '60minute': 60,
  day: 1440,
};

/** Candles made before others get a turn. */
const yieldEvery = 2000;

/** One login at the simulated market. */
export class MockSession implements ProviderSession {
  readonly #options: MockSessionOptions;
  readonly #connections = new Set<MockConnection>();
  #master: { readonly universe: Universe; readonly master: InstrumentMaster } | undefined;
  #closed = false;

  constructor(options: MockSessionOptions) {
    this.#options = options;
  }

  async login(signal: AbortSignal): Promise<void> {
    this.#check(signal);
  }

  async instruments(signal: AbortSignal): Promise<InstrumentMaster> {
    this.#check(signal);
    const { market, clock } = this.#options;
    const now = clock.now();
    const { universe } = market.advance(now);
    if (this.#master?.universe !== universe) this.#master = { universe, master: masterOf(universe, now) };
    return { ...this.#master.master, loadedAt: now };
  }

  async lastPrices(instruments: readonly Instrument[], signal: AbortSignal): Promise<ReadonlyMap<number, number>> {
    this.#check(signal);
    const { market, clock } = this.#options;
    const snapshot = market.advance(clock.now());
    const prices = new Map<number, number>();
    for (const { token } of instruments) {
      const quote = snapshot.quote(token);
      if (quote !== undefined) prices.set(token, quote.lastPrice);
    }
    return prices;
  }

  async history(request: HistoryRequest, signal: AbortSignal): Promise<readonly Candle[]> {
    this.#check(signal);
    const { market, clock, account } = this.#options;
    const now = clock.now();
    const instrument = market.advance(now).universe.byToken.get(request.instrument.token);
    if (instrument === undefined) {
      const { exchange, symbol } = request.instrument;
      throw mockInstrumentUnknown(`account ${account}: there is no instrument ${exchange}:${symbol}`);
    }
    const found: Candle[] = [];
    for (const candle of candles(market, instrument, minutes[request.interval], request.from, request.to, now)) {
      found.push(candle);
      if (found.length % yieldEvery !== 0) continue;
      await sleep(clock, 0, signal);
      this.#check(signal);
    }
    return found;
  }

  async connect(handler: ConnectionHandler, signal: AbortSignal): Promise<Connection> {
    this.#check(signal);
    const { account, clock, market, rate, limits } = this.#options;
    if (this.#connections.size >= limits.connections) {
      throw connectionLimit(`account ${account}: ${limits.connections} connections are open already`);
    }
    const connection = new MockConnection({
      account,
      clock,
      market,
      rate,
      handler,
      instrumentLimit: limits.instrumentsPerConnection,
      gone: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    return connection;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const connection of this.#connections) connection.close();
  }

  #check(signal: AbortSignal): void {
    signal.throwIfAborted();
    if (this.#closed) throw connectionLost(`account ${this.#options.account}: the session was closed`);
  }
}
