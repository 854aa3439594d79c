import type { Instrument } from '../../../../cluster/market-data.ts';
import { dateOf, instantOf } from './calendar.ts';
import { type Expiry, type ExpiryRule, openExpiries } from './expiries.ts';
import { type DerivativesData, equities, futuresOnly, indices } from './reference-data.ts';
import type { Sessions } from './sessions.ts';
import { futureSymbol, optionSymbol } from './symbols.ts';
import { type Draft, withTokens } from './tokens.ts';
import { equityTick, generatedShare, stockRule, stockSurface, strikeStep, type Underlying } from './underlying.ts';
import type { VolatilitySurface } from './volatility-surface.ts';

/** A row of the master with what the market and the instruments CSV need besides. */
export interface MarketInstrument extends Instrument {
  /** The exchange's own number: the token without its low byte. */
  readonly exchangeToken: number;
  readonly underlying: Underlying;
  /** Grid of its prices in rupees; `tickSize` is 0 for an index, this is not. */
  readonly priceTick: number;
  /** When it expires, milliseconds since the epoch; `Infinity` where it does not. */
  readonly expiresAt: number;
  /** Options only. */
  readonly surface?: VolatilitySurface;
}

/** Minutes after midnight at which contracts of a day end. */
const expiryMinutes = 930;
/** Milliseconds from {@link expiryMinutes} to midnight. */
const afterExpiry = (1440 - expiryMinutes) * 60_000;

/** The first date whose contracts still trade at `time`: a universe holds until it changes. */
export function contractDate(time: number): string {
  return dateOf(time + afterExpiry);
}

/** When {@link contractDate} becomes `date`: strikes are centred on prices then, whenever the market is started. */
export function contractDateStart(date: string): number {
  return instantOf(date) - afterExpiry;
}

export interface UniverseOptions {
  /** Rows besides the usual ones (about 5,000): options on shares, then generated shares. */
  readonly extraInstruments: number;
  readonly sessions: Sessions;
  /** Price to centre an underlying's strikes on. */
  readonly spot: (underlying: Underlying) => number;
  readonly underlyings: Underlyings;
  /** What was open before: contracts that have not expired stay, with their tokens. */
  readonly previous?: Universe;
}

/** Underlyings by their key; made once for a market. */
export type Underlyings = ReadonlyMap<string, Underlying>;

/** All instruments that are open on one date. */
export class Universe {
  /** {@link contractDate} */
  readonly date: string;
  readonly instruments: readonly MarketInstrument[];
  readonly byToken: ReadonlyMap<number, MarketInstrument>;
  /** By `EXCHANGE:SYMBOL`. */
  readonly byName: ReadonlyMap<string, MarketInstrument>;

  constructor(date: string, instruments: readonly MarketInstrument[]) {
    this.date = date;
    this.instruments = instruments;
    this.byToken = new Map(instruments.map((instrument) => [instrument.token, instrument]));
    this.byName = new Map(instruments.map((instrument) => [`${instrument.exchange}:${instrument.symbol}`, instrument]));
  }
}

export function buildUniverse(date: string, options: UniverseOptions): Universe {
  const drafts = new Map<string, Draft>();
  const add = (draft: Draft): void => {
    const key = `${draft.exchange}:${draft.symbol}`;
    if (!drafts.has(key)) drafts.set(key, draft);
  };
  const listing = new Listing(date, options, add);
  listing.indices();
  listing.shares();
  listing.futures();
  const usual = drafts.size;
  listing.extra(() => drafts.size - usual < options.extraInstruments);
  for (const kept of options.previous?.instruments ?? []) {
    if (kept.expiry === undefined || kept.expiry >= date) add(kept);
  }
  return new Universe(date, withTokens([...drafts.values()], options.previous));
}

class Listing {
  readonly #date: string;
  readonly #options: UniverseOptions;
  readonly #add: (draft: Draft) => void;

  constructor(date: string, options: UniverseOptions, add: (draft: Draft) => void) {
    this.#date = date;
    this.#options = options;
    this.#add = add;
  }

  indices(): void {
    for (const index of indices) {
      const underlying = this.#underlying(`${index.exchange}:${index.symbol}`);
      this.#add({
        exchangeToken: index.exchangeToken,
        exchange: index.exchange,
        symbol: index.symbol,
        name: index.symbol,
        segment: 'INDICES',
        type: 'INDEX',
        strike: 0,
        tickSize: 0,
        lotSize: 0,
        priceTick: underlying.tick,
        expiresAt: Number.POSITIVE_INFINITY,
        underlying,
      });
      if (index.derivatives === undefined) continue;
      this.#futuresOf(
        underlying,
        index.derivatives.exchange,
        index.derivatives.name,
        index.derivatives.lotSize,
        0.05,
        index.derivatives.futures,
      );
      this.#optionsOf(underlying, index.derivatives, () => true);
    }
  }

  shares(): void {
    for (const share of equities) {
      const underlying = this.#underlying(`NSE:${share.symbol}`);
      this.#share(underlying, 'NSE', share.symbol, share.name, share.nse);
      if (share.bse > 0) this.#share(underlying, 'BSE', share.symbol, share.name, share.bse);
      if (share.lotSize > 0)
        this.#futuresOf(underlying, 'NFO', share.symbol, share.lotSize, equityTick(share.price), stockRule);
    }
  }

  futures(): void {
    for (const contract of futuresOnly) {
      const underlying = this.#underlying(contract.name);
      for (const exchange of contract.exchanges) {
        this.#futuresOf(underlying, exchange, contract.name, contract.lotSize, contract.tickSize, contract.rule);
      }
    }
  }

  /** Options on shares, then generated shares, while `more`. */
  extra(more: () => boolean): void {
    for (const share of equities) {
      if (!more()) return;
      if (share.lotSize === 0) continue;
      const underlying = this.#underlying(`NSE:${share.symbol}`);
      this.#optionsOf(
        underlying,
        {
          exchange: 'NFO',
          name: share.symbol,
          lotSize: share.lotSize,
          strikeStep: strikeStep(share.price),
          strikes: 25,
          options: stockRule,
          futures: stockRule,
          surface: stockSurface(share.volatility),
        },
        more,
      );
    }
    for (let number = 1; more(); number++) {
      const symbol = `SIM${String(number).padStart(6, '0')}`;
      const underlying = generatedShare(symbol);
      this.#share(underlying, 'NSE', symbol, `SIMULATED COMPANY ${number}`);
    }
  }

  #underlying(key: string): Underlying {
    const found = this.#options.underlyings.get(key);
    if (found === undefined) throw new Error(`no underlying ${key}`);
    return found;
  }

  #share(underlying: Underlying, exchange: 'NSE' | 'BSE', symbol: string, name: string, exchangeToken?: number): void {
    this.#add({
      ...(exchangeToken === undefined ? {} : { exchangeToken }),
      exchange,
      symbol,
      name,
      segment: exchange,
      type: 'EQ',
      strike: 0,
      tickSize: underlying.tick,
      lotSize: 1,
      priceTick: underlying.tick,
      expiresAt: Number.POSITIVE_INFINITY,
      underlying,
    });
  }

  #futuresOf(
    underlying: Underlying,
    exchange: string,
    name: string,
    lotSize: number,
    tick: number,
    rule: ExpiryRule,
  ): void {
    for (const expiry of this.#expiries(rule)) {
      this.#add({
        exchange,
        symbol: futureSymbol(name, expiry),
        name,
        segment: `${exchange}-FUT`,
        type: 'FUT',
        expiry: expiry.date,
        strike: 0,
        tickSize: tick,
        lotSize,
        priceTick: tick,
        expiresAt: instantOf(expiry.date, expiryMinutes),
        underlying,
      });
    }
  }

  #optionsOf(underlying: Underlying, data: DerivativesData, more: () => boolean): void {
    const centre = Math.round(this.#options.spot(underlying) / data.strikeStep);
    for (const expiry of this.#expiries(data.options)) {
      for (let offset = -data.strikes; offset <= data.strikes; offset++) {
        const strike = (centre + offset) * data.strikeStep;
        if (strike <= 0) continue;
        for (const type of ['CE', 'PE'] as const) {
          if (!more()) return;
          this.#add({
            exchange: data.exchange,
            symbol: optionSymbol(data.name, expiry, strike, type),
            name: data.name,
            segment: `${data.exchange}-OPT`,
            type,
            expiry: expiry.date,
            strike,
            tickSize: 0.05,
            lotSize: data.lotSize,
            priceTick: 0.05,
            expiresAt: instantOf(expiry.date, expiryMinutes),
            underlying,
            surface: data.surface,
          });
        }
      }
    }
  }

  #expiries(rule: ExpiryRule): Expiry[] {
    return openExpiries(rule, this.#date, (date) => this.#options.sessions.isTradingDay(date));
  }
}
