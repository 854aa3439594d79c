import type { ExpiryRule } from './expiries.ts';
import { hashText, hashUniform } from './hash.ts';
import { equities, futuresOnly, indices, type Sector } from './reference-data.ts';
import type { VolatilitySurface } from './volatility-surface.ts';

/** What has a price of its own; everything else is priced off one of these. */
export interface Underlying {
  /** `NSE:RELIANCE`, or the name of a commodity or a currency pair. */
  readonly key: string;
  /** Number that its own path is seeded with. */
  readonly id: number;
  /** Rupees, around which the price moves. */
  readonly base: number;
  /** Grid of its prices in rupees. */
  readonly tick: number;
  /** Annual volatility from following the market; negative where it moves against it. */
  readonly market: number;
  /** Annual volatility from following its sector. */
  readonly sectorVolatility: number;
  readonly sector: Sector | undefined;
  /** Annual volatility of its own. */
  readonly own: number;
}

/** Annual volatility of the market as a whole. */
const marketVolatility = 0.12;
const indexTick = 0.05;

export const stockRule: ExpiryRule = { weekday: 2, weeklies: 0, monthlies: 3 };

export function stockSurface(volatility: number): VolatilitySurface {
  return { longTerm: volatility, shortTerm: volatility * 1.05, reversion: 0.2, skew: -0.025, smile: 0.016 };
}

/** NSE's tick sizes by price, in rupees. */
export function equityTick(price: number): number {
  if (price < 250) return 0.01;
  if (price < 1000) return 0.05;
  if (price < 5000) return 0.1;
  return price < 20_000 ? 0.5 : 1;
}

/** About 1 % of the price, as a round number. */
export function strikeStep(price: number): number {
  const rough = price / 100;
  const scale = 10 ** Math.floor(Math.log10(rough));
  const factor = rough / scale;
  return scale * (factor < 2 ? 1 : factor < 5 ? 2 : 5);
}

/** Every underlying of the reference data, by key. */
export function listUnderlyings(): Map<string, Underlying> {
  const all: Underlying[] = [
    ...indices.map((index) => ({
      key: `${index.exchange}:${index.symbol}`,
      id: hashText(index.symbol),
      base: index.level,
      tick: indexTick,
      market: index.beta * marketVolatility,
      sectorVolatility: index.sector === undefined ? 0 : 0.08,
      sector: index.sector,
      own: 0.01,
    })),
    ...equities.map((share) =>
      made(`NSE:${share.symbol}`, share.price, equityTick(share.price), share.volatility, share.sector, true),
    ),
    ...futuresOnly.map((contract) =>
      made(contract.name, contract.price, contract.tickSize, contract.volatility, contract.sector, false),
    ),
  ];
  return new Map(all.map((underlying) => [underlying.key, underlying]));
}

/** A share that exists in the simulation only; the same for the same symbol. */
export function generatedShare(symbol: string): Underlying {
  const id = hashText(symbol);
  const price = Math.round(20 * 10 ** (2.2 * hashUniform(id, 1)));
  return made(`NSE:${symbol}`, price, equityTick(price), 0.2 + 0.3 * hashUniform(id, 2), undefined, true);
}

function made(
  key: string,
  base: number,
  tick: number,
  volatility: number,
  sector: Sector | undefined,
  followsMarket: boolean,
): Underlying {
  const market = followsMarket ? marketVolatility * Math.min(1.4, 0.5 + 2 * volatility) : 0;
  const sectorVolatility = sector === undefined ? 0 : volatility / 3;
  const own = Math.sqrt(Math.max(volatility ** 2 / 9, volatility ** 2 - market ** 2 - sectorVolatility ** 2));
  return { key, id: hashText(key), base, tick, market, sectorVolatility, sector, own };
}
