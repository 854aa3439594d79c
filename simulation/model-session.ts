import type { Instrument, InstrumentMaster } from '../cluster/market-data.ts';
import { connectionLimit, connectionLost, rateLimited } from '../ticker/providers/errors.ts';
import type {
  Candle,
  Connection,
  ConnectionHandler,
  HistoryRequest,
  ProviderSession,
} from '../ticker/providers/provider.ts';
import type { BrokerModel } from './broker-model.ts';
import type { ModelConnection } from './model-connection.ts';
import { price } from './model-frame.ts';
import type { SimulatedProcess } from './simulated-process.ts';

const minute = 60_000;
/** Milliseconds of a candle. */
const intervals: Readonly<Record<HistoryRequest['interval'], number>> = {
  minute,
  '3minute': 3 * minute,
  '5minute': 5 * minute,
  '10minute': 10 * minute,
  '15minute': 15 * minute,
  '30minute': 30 * minute,
  '60minute': 60 * minute,
  day: 1440 * minute,
};

/** One login, as one process has it. */
export class ModelSession implements ProviderSession {
  readonly #broker: BrokerModel;
  readonly #process: SimulatedProcess;
  readonly #account: string;
  readonly #accessToken: string;
  readonly #connections = new Set<ModelConnection>();
  readonly #closing = new AbortController();

  constructor(broker: BrokerModel, process: SimulatedProcess, account: string, accessToken: string) {
    this.#broker = broker;
    this.#process = process;
    this.#account = account;
    this.#accessToken = accessToken;
  }

  login(signal: AbortSignal): Promise<void> {
    return this.#ask(signal, () => undefined);
  }

  instruments(signal: AbortSignal): Promise<InstrumentMaster> {
    return this.#ask(signal, () => this.#broker.master());
  }

  lastPrices(instruments: readonly Instrument[], signal: AbortSignal): Promise<ReadonlyMap<number, number>> {
    const known = instruments.filter(({ token }) => this.#broker.knows(token));
    return this.#ask(signal, () => new Map(known.map(({ token }) => [token, price])));
  }

  history({ interval, from, to }: HistoryRequest, signal: AbortSignal): Promise<readonly Candle[]> {
    const length = intervals[interval];
    const ohlc = { open: price, high: price, low: price, close: price, volume: 1, openInterest: 0 };
    return this.#ask(signal, () => {
      const candles: Candle[] = [];
      for (let time = Math.ceil(from / length) * length; time <= to; time += length) candles.push({ time, ...ohlc });
      return candles;
    });
  }

  async connect(handler: ConnectionHandler, signal: AbortSignal): Promise<Connection> {
    const open = (): ModelConnection => {
      for (const former of this.#connections) if (former.over) this.#connections.delete(former);
      const connection = this.#broker.open(this.#account, this.#process, handler);
      this.#connections.add(connection);
      return connection;
    };
    // A broker that answers an upgrade with 429 does not say what there is too much of.
    return await this.#ask(signal, open, connectionLimit, (connection) => connection.close());
  }

  close(): Promise<void> {
    this.#closing.abort(connectionLost(`account ${this.#account}: the session was closed`));
    for (const connection of this.#connections) connection.close();
    return Promise.resolve();
  }

  /**
   * One request and its answer. Ends at once with the reason where `signal` is aborted or the session closed.
   *
   * @param tooMany what a 429 means
   * @param unwanted is handed an answer that comes after that
   */
  #ask<T>(
    signal: AbortSignal,
    act: () => T,
    tooMany = rateLimited,
    unwanted: (answer: T) => void = () => undefined,
  ): Promise<T> {
    const closing = this.#closing.signal;
    const over = (): boolean => signal.aborted || closing.aborted;
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        settle();
        reject(signal.aborted ? signal.reason : closing.reason);
      };
      const settle = (): void => {
        signal.removeEventListener('abort', giveUp);
        closing.removeEventListener('abort', giveUp);
      };
      if (over()) return giveUp();
      signal.addEventListener('abort', giveUp);
      closing.addEventListener('abort', giveUp);
      const request = { account: this.#account, accessToken: this.#accessToken, tooMany };
      this.#process.reply(this.#broker.answer(request, () => (over() ? undefined : { answer: act() }))).then(
        (answered) => {
          settle();
          if (answered === undefined) return;
          if (over()) unwanted(answered.answer);
          else resolve(answered.answer);
        },
        (error: unknown) => {
          settle();
          reject(error);
        },
      );
    });
  }
}
