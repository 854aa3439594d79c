import { BrownianPath } from './brownian.ts';
import { hash, hashText } from './hash.ts';
import { LruMap } from './lru.ts';
import type { Underlying } from './underlying.ts';

const secondsPerYear = 365 * 86_400;
/** Prices stay within this share of their base, a long way from anything the paths reach. */
const widest = 0.9;

/** Paths of underlyings kept in memory; one that was dropped is made again and is the same. */
const pathLimit = 4096;

/**
 * Prices of underlyings as functions of time: the market's path, the sector's and the underlying's own, added up with
 * their volatilities, so that what belongs together moves together.
 */
export class PricePaths {
  readonly #seed: number;
  /** One for each factor: a handful. */
  readonly #factors = new Map<string, BrownianPath>();
  readonly #own = new LruMap<number, BrownianPath>(pathLimit);

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Rupees on the underlying's grid. @param time milliseconds since the epoch */
  price(underlying: Underlying, time: number): number {
    const seconds = time / 1000;
    let move = underlying.market === 0 ? 0 : underlying.market * this.#path('market').at(seconds);
    if (underlying.sector !== undefined)
      move += underlying.sectorVolatility * this.#path(underlying.sector).at(seconds);
    move += underlying.own * this.#ownPath(underlying.id).at(seconds);
    const price = underlying.base * Math.exp(Math.max(-widest, Math.min(widest, move / Math.sqrt(secondsPerYear))));
    return Math.max(underlying.tick, onGrid(price, underlying.tick));
  }

  /** Factor on volatility surfaces: above 1 when markets have fallen. */
  volatilityLevel(time: number): number {
    const seconds = time / 1000;
    const move = -0.5 * this.#path('market').at(seconds) + 0.4 * this.#path('volatility').at(seconds);
    return Math.exp(Math.max(-widest, Math.min(widest, move / Math.sqrt(secondsPerYear))));
  }

  #path(factor: string): BrownianPath {
    let path = this.#factors.get(factor);
    if (path === undefined) {
      path = new BrownianPath(hash(this.#seed, hashText(`factor:${factor}`)));
      this.#factors.set(factor, path);
    }
    return path;
  }

  #ownPath(id: number): BrownianPath {
    let path = this.#own.get(id);
    if (path === undefined) {
      path = new BrownianPath(hash(this.#seed, id));
      this.#own.set(id, path);
    }
    return path;
  }
}

/** The nearest multiple of `tick`, as exactly as a number can say it: 24350.35, not 24350.350000000002. */
export function onGrid(price: number, tick: number): number {
  return exact(Math.round(price / tick) * tick);
}

/** Rounds off what binary fractions leave: prices have at most seven decimals. */
export function exact(price: number): number {
  return Math.round(price * 1e7) / 1e7;
}
