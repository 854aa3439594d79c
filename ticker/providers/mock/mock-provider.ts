import type { Clock } from '../../../runtime/clock.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import type { Provider } from '../provider.ts';
import { mockSettingInvalid } from './errors.ts';
import { LruMap } from './market/lru.ts';
import { Market } from './market/market.ts';
import type { MarketHours } from './market/sessions.ts';
import { MockSession } from './mock-session.ts';

export interface MockProviderOptions {
  /** Ticks a second for each subscribed instrument; default 2. A Secret's key `rate` overrides it. */
  readonly rate?: number;
  /** Of the market; default 1. A Secret's key `seed` overrides it. */
  readonly seed?: number;
  /** When the market is open; default always. */
  readonly hours?: MarketHours;
  /** Rows of the master besides the usual ones. */
  readonly extraInstruments?: number;
}

const fastestRate = 1000;
/** Markets kept at a time, by seed. */
const marketLimit = 16;

/**
 * Provider `mock`: a simulated market in the process, without a network and without credentials. Sessions with the same
 * seed and clock share one market, so that two accounts see the same prices and the same instrument master.
 */
export function createMockProvider(options: MockProviderOptions = {}): Provider {
  const markets = new WeakMap<Clock, LruMap<number, Market>>();
  const marketOf = (clock: Clock, seed: number): Market => {
    let bySeed = markets.get(clock);
    if (bySeed === undefined) {
      bySeed = new LruMap(marketLimit);
      markets.set(clock, bySeed);
    }
    let market = bySeed.get(seed);
    if (market === undefined) {
      market = new Market({
        random: new SeededRandom(seed),
        hours: options.hours ?? 'always',
        extraInstruments: options.extraInstruments ?? 0,
      });
      bySeed.set(seed, market);
    }
    return market;
  };
  const limits = { connections: 3, instrumentsPerConnection: 3000, quotesPerSecond: 10 };
  return {
    name: 'mock',
    limits,
    credentialKeys: [],
    open({ account, clock, credentials }) {
      const rate = setting(account, 'rate', credentials['rate'], options.rate ?? 2, 0.01, fastestRate);
      const seed = Math.floor(setting(account, 'seed', credentials['seed'], options.seed ?? 1, 0, 2 ** 32 - 1));
      return new MockSession({ account, clock, market: marketOf(clock, seed), rate, limits });
    },
  };
}

export const mockProvider: Provider = createMockProvider();

function setting(
  account: string,
  key: string,
  text: string | undefined,
  usual: number,
  least: number,
  most: number,
): number {
  if (text === undefined || text.trim() === '') return usual;
  const value = Number(text);
  if (value >= least && value <= most) return value;
  throw mockSettingInvalid(`account ${account}: the Secret's ${key} is not a number from ${least} to ${most}`);
}
