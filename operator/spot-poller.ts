import type { MarketData } from '../cluster/market-data.ts';
import { backoffDelay } from '../runtime/backoff.ts';
import { type Clock, sleep } from '../runtime/clock.ts';
import { describeError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';
import { withDeadline } from './deadline.ts';
import type { MarketSource, MarketSources } from './market-source.ts';
import type { FollowedPrice } from './resolver/option-chain.ts';

export interface SpotPollerOptions {
  readonly marketData: MarketData;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  /** Milliseconds between two rounds; default 1000. */
  readonly interval?: number | undefined;
  /** A price became known, or left the band in which its chains stay as they are. */
  readonly onMove: (market: string) => void;
}

/** Prices followed in one market at once; the rest is left out and said so in the log. */
const mostFollowed = 1000;
const askDeadline = 5000;
const retry = { first: 1000, most: 30_000 };

interface Followed {
  readonly bands: FollowedPrice['band'][];
  price: number | undefined;
}

/**
 * Follows the prices of option chains' underlyings, one round a second, asking the shard that streams each. Only a price
 * that changes a chain wakes the operator.
 */
export class SpotPoller {
  readonly #options: SpotPollerOptions;
  readonly #followed = new Map<string, Map<number, Followed>>();
  readonly #failing = new Map<string, { attempts: number; notBefore: number }>();
  #sources: MarketSources = new Map();

  constructor(options: SpotPollerOptions) {
    this.#options = options;
  }

  /** Last price in rupees; undefined while none is known. */
  price(market: string, token: number): number | undefined {
    return this.#followed.get(market)?.get(token)?.price;
  }

  /** Replaces what is followed; prices of tokens that stay are kept. */
  follow(sources: MarketSources, prices: ReadonlyMap<string, readonly FollowedPrice[]>): void {
    this.#sources = sources;
    for (const market of this.#followed.keys()) if (!prices.has(market)) this.#followed.delete(market);
    for (const [market, list] of prices) {
      const former = this.#followed.get(market);
      const next = new Map<number, Followed>();
      for (const { token, band } of list) {
        const entry = next.get(token);
        if (entry !== undefined) entry.bands.push(band);
        else if (next.size < mostFollowed) next.set(token, { bands: [band], price: former?.get(token)?.price });
        else this.#options.log.warn({ event: 'spot.tooMany', market, token, limit: mostFollowed }, 'not followed');
      }
      this.#followed.set(market, next);
    }
  }

  /** Polls until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, interval = 1000 } = this.#options;
    while (!signal.aborted) {
      const started = clock.monotonic();
      await Promise.all([...this.#followed.keys()].map((market) => this.#round(market, signal)));
      await sleep(clock, Math.max(1, interval - (clock.monotonic() - started)), signal);
    }
  }

  async #round(market: string, signal: AbortSignal): Promise<void> {
    const now = this.#options.clock.monotonic();
    const sources = (this.#sources.get(market) ?? []).filter(
      (source) => (this.#failing.get(keyOf(source))?.notBefore ?? 0) <= now,
    );
    const first = sources[0];
    const followed = this.#followed.get(market);
    if (first === undefined || followed === undefined) return;
    const asked = new Map<MarketSource, number[]>();
    for (const token of followed.keys()) {
      const source = sources.find(({ streams }) => streams(token)) ?? first;
      const tokens = asked.get(source);
      if (tokens === undefined) asked.set(source, [token]);
      else tokens.push(token);
    }
    const answers = await Promise.all([...asked].map(([source, tokens]) => this.#ask(source, tokens, signal)));
    let moved = false;
    for (const prices of answers) {
      for (const [token, price] of prices) {
        const entry = this.#followed.get(market)?.get(token);
        if (entry === undefined || !(price > 0)) continue;
        moved ||= entry.bands.some((band) => band === undefined || price < band.low || price > band.high);
        entry.price = price;
      }
    }
    if (moved && !signal.aborted) this.#options.onMove(market);
  }

  async #ask(source: MarketSource, tokens: number[], signal: AbortSignal): Promise<ReadonlyMap<number, number>> {
    const { clock, log, marketData, random } = this.#options;
    const key = keyOf(source);
    try {
      const prices = await withDeadline(clock, askDeadline, `shard ${source.shard.shard}`, signal, (both) =>
        marketData.spot(source.shard, source.account, tokens, both),
      );
      this.#failing.delete(key);
      return prices;
    } catch (error) {
      if (signal.aborted) return new Map();
      const attempts = this.#failing.get(key)?.attempts ?? 0;
      const wait = backoffDelay(retry, attempts, random);
      this.#failing.set(key, { attempts: attempts + 1, notBefore: clock.monotonic() + wait });
      this.#forgetOldFailures();
      const line = { event: 'spot.failed', account: key, tokens: tokens.length, error } as const;
      log[attempts === 0 ? 'warn' : 'debug'](line, `prices are not known: ${describeError(error)}`);
      return new Map();
    }
  }

  /** Sources come and go with pods: only those that can still be asked are remembered. */
  #forgetOldFailures(): void {
    const current = new Set([...this.#sources.values()].flat().map(keyOf));
    for (const key of this.#failing.keys()) if (!current.has(key)) this.#failing.delete(key);
  }
}

function keyOf({ shard, account }: MarketSource): string {
  return `${shard.shard}/${shard.uid} ${account.namespace}/${account.name}`;
}
