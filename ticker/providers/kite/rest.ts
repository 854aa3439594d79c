import { KiteConnect } from 'kiteconnect';
import type { Instrument, InstrumentMaster } from '../../../cluster/market-data.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { Candle, HistoryRequest } from '../provider.ts';
import { historyTooLong } from './errors.ts';
import { countRanges, historyRanges } from './history-ranges.ts';
import { masterFrom } from './instrument-rows.ts';
import { type RateLimit, RateLimiter } from './rate-limiter.ts';
import { restError } from './rest-error.ts';

/** Requests a second that the broker allows a login. Source: https://kite.trade/docs/connect/v3/exceptions/. */
export const requestsPerSecond = { quote: 1, historical: 3, other: 10 } as const;
/** Requests of one kind that may wait for their turn; one more is refused. */
export const maxWaiting = 100;
/** Instruments in one request for last prices. */
export const pricesPerRequest = 1000;
/** Requests that one call for history may take. */
export const maxHistoryRequests = 100;
/** Milliseconds for one request, and for the instruments, which are several megabytes. */
export const requestTimeout = 7_000;
export const instrumentsTimeout = 60_000;
/** Bytes of an answer, unpacked. The instruments of all exchanges are about 10 MB. */
export const maxAnswerBytes = 64 * 1024 * 1024;

/** Requests leave evenly spaced but do not arrive so: a twentieth slower than allowed keeps clear of 429s. */
const paced = (perSecond: number): RateLimit => ({ perSecond: perSecond / 1.05, burst: 1 });

export interface KiteRestOptions {
  /** Base address; the broker's own when absent. */
  readonly root?: string | undefined;
  readonly apiKey: string;
  readonly accessToken: string;
  /** `namespace/name`, for messages. */
  readonly account: string;
  readonly clock: Clock;
}

/**
 * The broker's REST API through the official `kiteconnect` client, with what that lacks: cancelling, pacing, bounded
 * answers, and errors that can be told apart and carry no credential. Every call rejects with a coded error (see
 * `rest-error.ts`), or with the signal's reason where it was aborted.
 */
export class KiteRest {
  readonly #options: KiteRestOptions;
  readonly #quotes: RateLimiter;
  readonly #historical: RateLimiter;
  readonly #others: RateLimiter;

  constructor(options: KiteRestOptions) {
    this.#options = options;
    const limiter = (name: string, perSecond: number): RateLimiter =>
      new RateLimiter(name, paced(perSecond), maxWaiting, options.clock);
    this.#quotes = limiter('last prices', requestsPerSecond.quote);
    this.#historical = limiter('history', requestsPerSecond.historical);
    this.#others = limiter('other data', requestsPerSecond.other);
  }

  /** Proves the credentials by asking whose they are. */
  async login(signal: AbortSignal): Promise<void> {
    await this.#request('login', this.#others, requestTimeout, signal, isObject, (client) => client.getProfile());
  }

  async instruments(signal: AbortSignal): Promise<InstrumentMaster> {
    const what = 'instruments';
    const rows = await this.#request(what, this.#others, instrumentsTimeout, signal, Array.isArray, (client) =>
      client.getInstruments(),
    );
    const master = masterFrom(rows, this.#options.clock.now());
    if (master.instruments.length === 0) throw this.#error(what, 200, { message: 'the answer lists no instruments' });
    return master;
  }

  async lastPrices(instruments: readonly Instrument[], signal: AbortSignal): Promise<ReadonlyMap<number, number>> {
    const prices = new Map<number, number>();
    for (let from = 0; from < instruments.length; from += pricesPerRequest) {
      const chunk = instruments.slice(from, from + pricesPerRequest);
      const keys = chunk.map(({ exchange, symbol }) => `${exchange}:${symbol}`);
      const answer = await this.#request('last prices', this.#quotes, requestTimeout, signal, isObject, (client) =>
        client.getLTP(keys),
      );
      for (const [index, { token }] of chunk.entries()) {
        const quote = answer[keys[index]!];
        // Another token under the same name: the master is of another day, and so may be what the name stands for.
        if (quote === undefined || quote.instrument_token !== token) continue;
        if (Number.isFinite(quote.last_price) && quote.last_price !== 0) prices.set(token, quote.last_price);
      }
    }
    return prices;
  }

  async history(request: HistoryRequest, signal: AbortSignal): Promise<readonly Candle[]> {
    const { instrument, interval, from, to } = request;
    const what = `history of ${instrument.exchange}:${instrument.symbol}`;
    const requests = countRanges(request);
    if (requests > maxHistoryRequests) {
      throw historyTooLong(
        `account ${this.#options.account}: ${what}: ${requests} requests, ${maxHistoryRequests} at most`,
      );
    }
    const candles: Candle[] = [];
    for (const range of historyRanges(request)) {
      const rows = await this.#request(what, this.#historical, requestTimeout, signal, Array.isArray, (client) =>
        client.getHistoricalData(instrument.token, interval, range.from, range.to, false, true),
      );
      for (const row of rows) {
        const time = row.date.getTime();
        const last = candles.at(-1)?.time ?? Number.NEGATIVE_INFINITY;
        if (!(time >= from && time <= to && time > last)) continue;
        const { open, high, low, close, volume } = row;
        candles.push({ time, open, high, low, close, volume, openInterest: row.oi ?? 0 });
      }
    }
    return candles;
  }

  async #request<T>(
    what: string,
    limiter: RateLimiter,
    timeout: number,
    signal: AbortSignal,
    isAnswer: (answer: unknown) => boolean,
    call: (client: KiteClient) => Promise<T>,
  ): Promise<T> {
    await limiter.acquire(signal);
    const { root, apiKey, accessToken, clock } = this.#options;
    const deadline = new AbortController();
    const timer = clock.setTimer(timeout, () => deadline.abort());
    let status: number | undefined;
    try {
      // One client a request: what it is told about the request (the signal) it keeps for all of its own.
      const client = new KiteConnect({
        api_key: apiKey,
        access_token: accessToken,
        timeout,
        ...(root === undefined ? {} : { root: root.replace(/\/+$/, '') }),
      });
      configureRequests(client, AbortSignal.any([signal, deadline.signal]), (received) => {
        status = received;
      });
      const answer = await call(client);
      // The official client resolves, not rejects, with an error where it does not know the answer's content type.
      if (isException(answer)) throw answer;
      if (!isAnswer(answer)) throw new TypeError('the answer is not of the kind that was asked for');
      return answer;
    } catch (thrown) {
      signal.throwIfAborted();
      if (deadline.signal.aborted) throw this.#error(what, undefined, { message: `not done in ${timeout / 1000} s` });
      throw this.#error(what, status, thrown);
    } finally {
      timer.cancel();
    }
  }

  #error(what: string, status: number | undefined, thrown: unknown) {
    const { account, apiKey, accessToken } = this.#options;
    return restError({ request: `account ${account}: ${what}`, status, thrown, secrets: [apiKey, accessToken] });
  }
}

type KiteClient = InstanceType<typeof KiteConnect>;

/** The few of axios's request options that are set; the official client is built on it but declares none of it. */
interface RequestConfig {
  signal?: AbortSignal;
  maxContentLength?: number;
  maxRedirects?: number;
  validateStatus?: (status: number) => boolean;
}

interface RequestInstance {
  interceptors: { request: { use(intercept: (config: RequestConfig) => RequestConfig): unknown } };
}

/** Makes a client's requests cancellable and bounded, and tells the HTTP status, which its own errors leave out. */
function configureRequests(client: KiteClient, signal: AbortSignal, onStatus: (status: number) => void): void {
  const instance: unknown = Reflect.get(client, 'requestInstance');
  if (!isRequestInstance(instance)) throw new Error('this version of kiteconnect is not built on axios');
  instance.interceptors.request.use((config) => ({
    ...config,
    signal,
    maxContentLength: maxAnswerBytes,
    // An API does not redirect; following one could hand the token to somebody else.
    maxRedirects: 0,
    validateStatus: (status) => {
      onStatus(status);
      return status >= 200 && status < 300;
    },
  }));
}

function isRequestInstance(value: unknown): value is RequestInstance {
  return typeof value === 'function' && 'interceptors' in value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isException(answer: unknown): boolean {
  return isObject(answer) && 'error_type' in answer;
}
