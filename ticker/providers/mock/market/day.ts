import { LruMap } from './lru.ts';
import type { PricePaths } from './price-paths.ts';
import { modelPrice } from './pricing.ts';
import type { Session } from './sessions.ts';
import type { Underlying } from './underlying.ts';
import type { MarketInstrument } from './universe.ts';

/** What an instrument's day has been so far; moved on by each quote. */
export interface Day {
  /** The session's open: a new one begins a new day. */
  readonly session: number;
  readonly open: number;
  readonly close: number;
  readonly previousSpot: number;
  readonly liquiditySpot: number;
  high: number;
  low: number;
  averagePrice: number;
  openInterestHigh: number;
  openInterestLow: number;
  /** Of the last quote, milliseconds since the epoch. */
  time: number;
}

/** Instants of a session at which its past is looked at when an instrument is first asked for. */
const gridPoints = 32;

interface Grid {
  readonly session: number;
  readonly times: readonly number[];
  readonly spots: number[];
  readonly levels: number[];
  readonly previousSpot: number;
  readonly previousLevel: number;
}

/** Underlyings whose day is kept. */
const gridLimit = 4096;

/** Begins an instrument's day from the underlying's path since the session opened. */
export class Days {
  readonly #paths: PricePaths;
  readonly #grids = new LruMap<string, Grid>(gridLimit);

  constructor(paths: PricePaths) {
    this.#paths = paths;
  }

  begin(instrument: MarketInstrument, session: Session, time: number): Day {
    const grid = this.#grid(instrument.underlying, instrument.exchange, session, time);
    const open = modelPrice(instrument, grid.spots[0]!, grid.times[0]!, grid.levels[0]!);
    let high = open;
    let low = open;
    let sum = 0;
    let count = 0;
    for (let index = 0; index < gridPoints && grid.times[index]! <= time; index++) {
      const price = modelPrice(instrument, grid.spots[index]!, grid.times[index]!, grid.levels[index]!);
      high = Math.max(high, price);
      low = Math.min(low, price);
      sum += price;
      count += 1;
    }
    return {
      session: session.open,
      open,
      close: modelPrice(instrument, grid.previousSpot, session.previousClose, grid.previousLevel),
      previousSpot: grid.previousSpot,
      liquiditySpot: grid.spots[0]!,
      high,
      low,
      averagePrice: count === 0 ? open : sum / count,
      openInterestHigh: 0,
      openInterestLow: Number.POSITIVE_INFINITY,
      time,
    };
  }

  #grid(underlying: Underlying, exchange: string, session: Session, time: number): Grid {
    const key = `${exchange}:${underlying.key}`;
    let grid = this.#grids.get(key);
    if (grid === undefined || grid.session !== session.open) {
      const step = (session.close - session.open) / gridPoints;
      grid = {
        session: session.open,
        times: Array.from({ length: gridPoints }, (_, index) => session.open + index * step),
        spots: [],
        levels: [],
        previousSpot: this.#paths.price(underlying, session.previousClose),
        previousLevel: this.#paths.volatilityLevel(session.previousClose),
      };
      this.#grids.set(key, grid);
    }
    for (let next = grid.spots.length; next === 0 || (next < gridPoints && grid.times[next]! <= time); next++) {
      grid.spots.push(this.#paths.price(underlying, grid.times[next]!));
      grid.levels.push(this.#paths.volatilityLevel(grid.times[next]!));
    }
    return grid;
  }
}
