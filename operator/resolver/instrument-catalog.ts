import type { Instrument, InstrumentMaster } from '../../cluster/market-data.ts';
import { nearestNames } from './nearest-names.ts';

/** The options of one expiry, by strike (ascending) and type. */
export interface ExpiryOptions {
  readonly strikes: readonly number[];
  option(strike: number, type: 'CE' | 'PE'): Instrument | undefined;
}

/** Answers for unknown names are remembered: the same few are asked about at every reconcile. The oldest goes first. */
const rememberedSuggestions = 1000;

/**
 * An index over one day's instrument master. Rows that expired before `today` are left out, for their tokens are given
 * to other instruments; an instrument can be traded through the day on which it expires.
 */
export class InstrumentCatalog {
  readonly version: string;
  /** `YYYY-MM-DD` in the market's time zone. */
  readonly today: string;
  readonly size: number;
  readonly #byName = new Map<string, Instrument>();
  readonly #byToken = new Map<number, Instrument>();
  readonly #byExchange = new Map<string, Instrument[]>();
  readonly #expired = new Map<string, string>();
  readonly #futures = new Map<string, Instrument[]>();
  readonly #chains = new Map<string, Map<string, Map<string, Instrument>>>();
  readonly #expiries = new Map<string, ExpiryOptions>();
  readonly #suggestions = new Map<string, readonly string[]>();

  constructor(master: InstrumentMaster, today: string) {
    this.version = master.version;
    this.today = today;
    for (const instrument of master.instruments) {
      const name = `${instrument.exchange}:${instrument.symbol}`;
      if (instrument.expiry !== undefined && instrument.expiry < today) {
        this.#expired.set(name, instrument.expiry);
        continue;
      }
      if (this.#byName.has(name) || this.#byToken.has(instrument.token)) continue;
      this.#byName.set(name, instrument);
      this.#byToken.set(instrument.token, instrument);
      append(this.#byExchange, instrument.exchange, instrument);
      if (instrument.expiry === undefined) continue;
      const family = `${instrument.exchange}:${instrument.name}`;
      if (instrument.type === 'FUT') append(this.#futures, family, instrument);
      else if (instrument.type === 'CE' || instrument.type === 'PE')
        this.#addOption(family, instrument.expiry, instrument);
    }
    this.size = this.#byName.size;
  }

  /** @param name `EXCHANGE:SYMBOL` */
  find(name: string): Instrument | undefined {
    return this.#byName.get(name);
  }

  byToken(token: number): Instrument | undefined {
    return this.#byToken.get(token);
  }

  /** Rows of an exchange, in the master's order. */
  ofExchange(exchange: string): readonly Instrument[] {
    return this.#byExchange.get(exchange) ?? [];
  }

  get exchanges(): readonly string[] {
    return [...this.#byExchange.keys()].sort();
  }

  /** When the instrument of that name expired, where the master still lists it. */
  expiredOn(name: string): string | undefined {
    return this.#byName.has(name) ? undefined : this.#expired.get(name);
  }

  /** Expiries of an underlying's options from today on, ascending. */
  expiries(exchange: string, name: string): readonly string[] {
    return [...(this.#chains.get(`${exchange}:${name}`)?.keys() ?? [])].sort();
  }

  /** Names of underlyings that an exchange lists options of. */
  optionNames(exchange: string): readonly string[] {
    const prefix = `${exchange}:`;
    return [...this.#chains.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  }

  options(exchange: string, name: string, expiry: string): ExpiryOptions | undefined {
    const key = `${exchange}:${name}:${expiry}`;
    let found = this.#expiries.get(key);
    const rows = this.#chains.get(`${exchange}:${name}`)?.get(expiry);
    if (found === undefined && rows !== undefined) {
      const strikes = [...new Set([...rows.values()].map(({ strike }) => strike))].sort((a, b) => a - b);
      found = { strikes, option: (strike, type) => rows.get(`${strike}${type}`) };
      this.#expiries.set(key, found);
    }
    return found;
  }

  /** Futures of an underlying from today on, the nearest first. */
  futures(exchange: string, name: string): readonly Instrument[] {
    return [...(this.#futures.get(`${exchange}:${name}`) ?? [])].sort((a, b) =>
      (a.expiry ?? '') < (b.expiry ?? '') ? -1 : 1,
    );
  }

  /** At most three names that an unknown one may have been meant to be, the likeliest first. */
  suggestions(name: string): readonly string[] {
    const known = this.#suggestions.get(name);
    if (known !== undefined) return known;
    const [exchange = '', symbol = ''] = splitName(name);
    const elsewhere = this.exchanges.map((other) => `${other}:${symbol}`).filter((other) => this.#byName.has(other));
    const near = nearestNames(symbol, symbolsOf(this.ofExchange(exchange))).map((found) => `${exchange}:${found}`);
    const found = [...new Set([...elsewhere, ...near])].slice(0, 3);
    if (this.#suggestions.size >= rememberedSuggestions) {
      const oldest = this.#suggestions.keys().next().value;
      if (oldest !== undefined) this.#suggestions.delete(oldest);
    }
    this.#suggestions.set(name, found);
    return found;
  }

  #addOption(family: string, expiry: string, instrument: Instrument): void {
    const chain = this.#chains.get(family) ?? new Map<string, Map<string, Instrument>>();
    this.#chains.set(family, chain);
    const rows = chain.get(expiry) ?? new Map<string, Instrument>();
    chain.set(expiry, rows);
    rows.set(`${instrument.strike}${instrument.type}`, instrument);
  }
}

/** Exchange and symbol of `EXCHANGE:SYMBOL`. */
export function splitName(name: string): [exchange: string, symbol: string] {
  const colon = name.indexOf(':');
  return [name.slice(0, colon), name.slice(colon + 1)];
}

function* symbolsOf(instruments: readonly Instrument[]): Iterable<string> {
  for (const { symbol } of instruments) yield symbol;
}

function append<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}
