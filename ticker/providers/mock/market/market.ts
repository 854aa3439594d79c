import type { InstrumentMaster } from '../../../../cluster/market-data.ts';
import type { Random } from '../../../../runtime/random.ts';
import { activityAt, liquidity } from './activity.ts';
import { type Day, Days } from './day.ts';
import { bookAt } from './depth.ts';
import { LruMap } from './lru.ts';
import { exact, PricePaths } from './price-paths.ts';
import { circuitBand, modelPrice, modelVolatility } from './pricing.ts';
import type { Quote } from './quote.ts';
import { type MarketHours, type Session, Sessions } from './sessions.ts';
import { listUnderlyings, type Underlying } from './underlying.ts';
import { buildUniverse, contractDate, contractDateStart, type MarketInstrument, Universe } from './universe.ts';

export interface MarketOptions {
  /** The same seed and the same times give the same ticks. */
  readonly random: Random;
  /** When exchanges trade; default around the clock. */
  readonly hours?: MarketHours;
  /** Rows of the master besides the usual ones (about 5,000); default 0. */
  readonly extraInstruments?: number;
  /** Instruments whose day is kept; past it the one used least recently starts anew. Default 20,000. */
  readonly stateLimit?: number;
}

/** All prices at one time. It never changes: the same question has the same answer, whatever the market does next. */
export interface MarketSnapshot {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly universe: Universe;
  /** What the exchange says of the instrument now; absent where it is not known or has expired. */
  quote(token: number): Quote | undefined;
  /** The volatility that an option's price was made with; `NaN` for anything else. */
  impliedVolatility(token: number): number;
}

/**
 * The simulated market. Prices are functions of the seed and of time, so any instant can be asked for; what a day adds
 * up to (high, low, average) is kept for the instruments in use.
 */
export class Market {
  readonly #seed: number;
  readonly #sessions: Sessions;
  readonly #paths: PricePaths;
  readonly #days: Days;
  readonly #state: LruMap<number, Day>;
  readonly #underlyings = listUnderlyings();
  readonly #extraInstruments: number;
  #universe = new Universe('', []);

  constructor(options: MarketOptions) {
    this.#seed = options.random.fork('market').integer(2 ** 32);
    this.#sessions = new Sessions(options.hours ?? 'always');
    this.#paths = new PricePaths(this.#seed);
    this.#days = new Days(this.#paths);
    this.#state = new LruMap(options.stateLimit ?? 20_000);
    this.#extraInstruments = options.extraInstruments ?? 0;
  }

  /** Instruments whose day is kept now. */
  get tracked(): number {
    return this.#state.size;
  }

  /** Moves the market to `time` (milliseconds since the epoch). New contracts are listed when old ones have expired. */
  advance(time: number): MarketSnapshot {
    const date = contractDate(time);
    if (date !== this.#universe.date) {
      this.#universe = buildUniverse(date, {
        extraInstruments: this.#extraInstruments,
        sessions: this.#sessions,
        underlyings: this.#underlyings,
        spot: (underlying) => this.#paths.price(underlying, contractDateStart(date)),
        ...(date > this.#universe.date ? { previous: this.#universe } : {}),
      });
    }
    return new Snapshot(time, this.#universe, this);
  }

  /** The market as it was, or will be, at another time, with the contracts that are open now. */
  at(time: number): MarketSnapshot {
    return new Snapshot(time, this.#universe, this);
  }

  isOpen(instrument: MarketInstrument, time: number): boolean {
    return time < instrument.expiresAt && this.#sessions.isOpen(instrument.exchange, time);
  }

  /** The session that `time` belongs to at the instrument's exchange. */
  session(instrument: MarketInstrument, time: number): Session {
    return this.#sessions.at(instrument.exchange, time);
  }

  /** Price in rupees at any time, without keeping anything. */
  priceAt(instrument: MarketInstrument, time: number): number {
    const spot = this.#paths.price(instrument.underlying, time);
    return modelPrice(instrument, spot, time, instrument.surface === undefined ? 1 : this.#paths.volatilityLevel(time));
  }

  /** Traded since the session opened, and open interest, at `time` within it. */
  activityAt(instrument: MarketInstrument, session: Session, time: number): { volume: number; openInterest: number } {
    const lively = this.#liquidity(instrument, session, this.#paths.price(instrument.underlying, session.open));
    return activityAt(this.#seed, instrument, session, time, lively);
  }

  /** Used by snapshots; others ask {@link MarketSnapshot.quote}. `prices` remembers what was worked out at `time`. */
  quoteAt(instrument: MarketInstrument, time: number, prices: SpotPrices): Quote {
    const session = this.#sessions.at(instrument.exchange, time);
    const now = Math.min(time, session.close);
    const isClosed = time >= session.close;
    const { spot, level } = isClosed
      ? { spot: this.#paths.price(instrument.underlying, now), level: this.#paths.volatilityLevel(now) }
      : prices.at(instrument.underlying);
    const day = this.#dayAt(instrument, session, now);
    const band = circuitBand(instrument, day.close, day.previousSpot);
    const lastPrice = Math.max(band.lower, Math.min(band.upper, modelPrice(instrument, spot, now, level)));
    const index = instrument.type === 'INDEX';
    const activity = activityAt(
      this.#seed,
      instrument,
      session,
      now,
      index ? 0 : this.#liquidity(instrument, session, day.liquiditySpot),
    );
    const high = Math.max(day.high, lastPrice);
    const low = Math.min(day.low, lastPrice);
    const averagePrice = day.averagePrice + (lastPrice - day.averagePrice) / averagedOver;
    const openInterestHigh = Math.max(day.openInterestHigh, activity.openInterest);
    const openInterestLow = Math.min(day.openInterestLow, activity.openInterest);
    if (now >= day.time) Object.assign(day, { high, low, averagePrice, openInterestHigh, openInterestLow, time: now });
    const common = { instrument, exchangeTime: now, lastPrice, open: day.open, high, low, close: day.close };
    if (index) return { ...common, ...withoutTrades };
    const book = bookAt(this.#seed, instrument, lastPrice, now, band);
    return {
      ...common,
      ...book,
      lastTradeTime: now,
      lastQuantity: activity.lastQuantity,
      averagePrice: exact(Math.round(averagePrice / smallestUnit) * smallestUnit),
      volume: activity.volume,
      lowerCircuit: band.lower,
      upperCircuit: band.upper,
      openInterest: activity.openInterest,
      openInterestHigh,
      openInterestLow,
    };
  }

  spotAt(underlying: Underlying, time: number): { spot: number; level: number } {
    return { spot: this.#paths.price(underlying, time), level: this.#paths.volatilityLevel(time) };
  }

  /** The kept day where it is this session's and not later than `now`; else one that is made for the question. */
  #dayAt(instrument: MarketInstrument, session: Session, now: number): Day {
    const kept = this.#state.get(instrument.token);
    if (kept !== undefined && kept.session === session.open && kept.time <= now) return kept;
    const made = this.#days.begin(instrument, session, now);
    if (kept === undefined || kept.session < session.open) this.#state.set(instrument.token, made);
    return made;
  }

  #liquidity(instrument: MarketInstrument, session: Session, spot: number): number {
    return liquidity(instrument, session.open, instrument.strike === 0 ? 1 : instrument.strike / spot);
  }
}

/** How many quotes an average price forgets its past over; it stays between low and high. */
const averagedOver = 500;
/** Average prices are given to the paisa, or what the currency segments' grid has. */
const smallestUnit = 0.0025;

const withoutTrades = {
  lastTradeTime: 0,
  lastQuantity: 0,
  averagePrice: 0,
  volume: 0,
  buyQuantity: 0,
  sellQuantity: 0,
  lowerCircuit: 0,
  upperCircuit: 0,
  openInterest: 0,
  openInterestHigh: 0,
  openInterestLow: 0,
  bids: [],
  asks: [],
} as const;

/** Underlyings' prices at one time, each worked out once. */
export interface SpotPrices {
  at(underlying: Underlying): { spot: number; level: number };
}

class Snapshot implements MarketSnapshot, SpotPrices {
  readonly time: number;
  readonly universe: Universe;
  readonly #market: Market;
  readonly #spots = new Map<string, { spot: number; level: number }>();
  readonly #quotes = new Map<number, Quote>();

  constructor(time: number, universe: Universe, market: Market) {
    this.time = time;
    this.universe = universe;
    this.#market = market;
  }

  at(underlying: Underlying): { spot: number; level: number } {
    let found = this.#spots.get(underlying.key);
    if (found === undefined) {
      found = this.#market.spotAt(underlying, this.time);
      this.#spots.set(underlying.key, found);
    }
    return found;
  }

  quote(token: number): Quote | undefined {
    const known = this.#quotes.get(token);
    if (known !== undefined) return known;
    const instrument = this.universe.byToken.get(token);
    if (instrument === undefined || this.time >= instrument.expiresAt) return undefined;
    const quote = this.#market.quoteAt(instrument, this.time, this);
    this.#quotes.set(token, quote);
    return quote;
  }

  impliedVolatility(token: number): number {
    const instrument = this.universe.byToken.get(token);
    if (instrument === undefined) return Number.NaN;
    const { spot, level } = this.at(instrument.underlying);
    return modelVolatility(instrument, spot, this.time, level);
  }
}

/** The universe as a provider's instrument master. */
export function masterOf(universe: Universe, loadedAt: number): InstrumentMaster {
  return {
    version: `${universe.date}/${universe.instruments.length}`,
    loadedAt,
    instruments: universe.instruments.map(
      ({ token, exchange, symbol, name, segment, type, expiry, strike, tickSize, lotSize }) => ({
        token,
        exchange,
        symbol,
        name,
        segment,
        type,
        ...(expiry === undefined ? {} : { expiry }),
        strike,
        tickSize,
        lotSize,
      }),
    ),
  };
}
