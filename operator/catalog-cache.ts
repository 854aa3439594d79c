import type { InstrumentMaster, MarketData } from '../cluster/market-data.ts';
import { backoffDelay } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import { describeError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';
import { Wakeup, withDeadline } from './deadline.ts';
import type { MarketSource, MarketSources } from './market-source.ts';
import { localTime } from './resolver/calendar.ts';
import { InstrumentCatalog } from './resolver/instrument-catalog.ts';

export interface CatalogCacheOptions {
  readonly marketData: MarketData;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  /** IANA time zone of dates and of `refreshAt`; default `Asia/Kolkata`. */
  readonly timezone?: string | undefined;
  /** Time of day (`HH:MM`) from which on a new day's master is fetched; default `08:00`. */
  readonly refreshAt?: string | undefined;
  /** A market's catalog is another one now. */
  readonly onChange: (market: string) => void;
}

/** How a market's catalog stands. */
export interface CatalogState {
  readonly market: string;
  /** Rows in use; 0 while there is none. */
  readonly instruments: number;
  readonly version: string | undefined;
  /** Milliseconds since the epoch. */
  readonly loadedAt: number | undefined;
  /** Why the last refresh was not taken; the copy in use is the last good one. */
  readonly problem: string | undefined;
}

interface Entry {
  sources: readonly MarketSource[];
  catalog: InstrumentCatalog | undefined;
  master: InstrumentMaster | undefined;
  /** When a master was last fetched and taken. */
  fetchedAt: number;
  /** Clock's monotonic time before which nothing is asked. */
  notBefore: number;
  attempts: number;
  wanted: boolean;
  lastWanted: number;
  /** Fetches in a row whose master looked broken, and its size. */
  suspicious: { count: number; size: number };
  problem: string | undefined;
}

/** Milliseconds that a shard has to answer with its instrument master. */
const fetchDeadline = 30_000;
/** An unknown name asks for a fresh master at most this often (milliseconds). */
const wantedInterval = 5 * 60_000;
/** Longest sleep (milliseconds): new days and refresh times are noticed by then. */
const checkInterval = 30_000;
/** A master with fewer than this share of the last one's rows looks broken. */
const leastShare = 0.5;
/** A master that looks broken is believed when it comes back this often, so that a market may shrink for good. */
const confirmations = 3;
const firstLoad = { first: 1000, most: 30_000 };
const reload = { first: 60_000, most: 15 * 60_000 };

/**
 * The instrument masters of all markets, fetched from shards: at first, daily, and when a name is unknown. The last good
 * copy is kept while a refresh fails or looks broken.
 */
export class CatalogCache {
  readonly #options: CatalogCacheOptions;
  readonly #timezone: string;
  readonly #refreshAt: number;
  readonly #entries = new Map<string, Entry>();
  readonly #wakeup: Wakeup;

  constructor(options: CatalogCacheOptions) {
    this.#options = options;
    this.#timezone = options.timezone ?? 'Asia/Kolkata';
    const [hours = 8, minutes = 0] = (options.refreshAt ?? '08:00').split(':').map(Number);
    this.#refreshAt = (hours * 60 + minutes) * 60_000;
    this.#wakeup = new Wakeup(options.clock);
  }

  /** The catalog in use; undefined while none has been loaded. */
  catalog(market: string): InstrumentCatalog | undefined {
    return this.#entries.get(market)?.catalog;
  }

  states(): readonly CatalogState[] {
    return [...this.#entries].map(([market, entry]) => ({
      market,
      instruments: entry.catalog?.size ?? 0,
      version: entry.master?.version,
      loadedAt: entry.catalog === undefined ? undefined : entry.fetchedAt,
      problem: entry.problem,
    }));
  }

  /** Says which markets there are, and whom to ask. A market that is not named any more is forgotten. */
  follow(sources: MarketSources): void {
    for (const market of this.#entries.keys()) if (!sources.has(market)) this.#entries.delete(market);
    for (const [market, list] of sources) {
      const entry = this.#entries.get(market);
      if (entry === undefined) {
        this.#entries.set(market, newEntry(list));
        this.#wakeup.wake();
        continue;
      }
      const known = new Set(entry.sources.map(keyOf));
      if (entry.catalog === undefined && list.some((source) => !known.has(keyOf(source)))) {
        // Somebody new may answer at once: the backoff was about the others.
        entry.notBefore = 0;
        this.#wakeup.wake();
      }
      entry.sources = list;
    }
  }

  /** A name was not found: fetches a fresh master soon, unless that was done lately. */
  wantFresh(market: string): void {
    const entry = this.#entries.get(market);
    if (entry?.catalog === undefined || entry.wanted) return;
    if (this.#options.clock.monotonic() - entry.lastWanted < wantedInterval) return;
    entry.wanted = true;
    entry.lastWanted = this.#options.clock.monotonic();
    this.#wakeup.wake();
  }

  /** Keeps the catalogs; ends when `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const [market, entry] of [...this.#entries]) {
        if (signal.aborted) return;
        this.#turnDay(market, entry);
        if (this.#due(entry)) await this.#fetch(market, entry, signal);
      }
      await this.#wakeup.sleep(this.#untilDue(), signal);
    }
  }

  get #today(): string {
    return localTime(this.#options.clock.now(), this.#timezone).date;
  }

  /** A new day: what expired yesterday must not resolve, though the master is still yesterday's. */
  #turnDay(market: string, entry: Entry): void {
    if (entry.master === undefined || entry.catalog === undefined || entry.catalog.today === this.#today) return;
    entry.catalog = new InstrumentCatalog(entry.master, this.#today);
    this.#options.onChange(market);
  }

  #due(entry: Entry): boolean {
    if (entry.sources.length === 0 || this.#options.clock.monotonic() < entry.notBefore) return false;
    if (entry.catalog === undefined || entry.wanted || entry.problem !== undefined) return true;
    return this.#slot(this.#options.clock.now()) > this.#slot(entry.fetchedAt);
  }

  /** The day whose master is the newest there can be at that instant. */
  #slot(instant: number): string {
    return localTime(instant - this.#refreshAt, this.#timezone).date;
  }

  #untilDue(): number {
    const now = this.#options.clock.monotonic();
    let wait = checkInterval;
    for (const entry of this.#entries.values()) {
      const pending = entry.catalog === undefined || entry.wanted || entry.problem !== undefined;
      if (pending && entry.sources.length > 0) wait = Math.min(wait, Math.max(1, entry.notBefore - now));
    }
    return wait;
  }

  async #fetch(market: string, entry: Entry, signal: AbortSignal): Promise<void> {
    const { clock, log, marketData } = this.#options;
    const source = entry.sources[entry.attempts % entry.sources.length]!;
    const account = `${source.account.namespace}/${source.account.name}`;
    try {
      const what = `shard ${source.shard.shard} for account ${account}`;
      const master = await withDeadline(clock, fetchDeadline, what, signal, (both) =>
        marketData.instruments(source.shard, source.account, both),
      );
      this.#take(market, entry, master, account);
    } catch (error) {
      if (signal.aborted) return;
      this.#postpone(entry, describeError(error));
      const kept = entry.catalog === undefined ? '' : '; the last good copy is kept';
      const line = { event: 'catalog.failed', market, account, error } as const;
      log.warn(line, `the instrument master could not be fetched${kept}: ${describeError(error)}`);
    }
  }

  #take(market: string, entry: Entry, master: InstrumentMaster, account: string): void {
    const { clock, log } = this.#options;
    const size = master.instruments.length;
    const former = entry.master?.instruments.length ?? 0;
    if (size === 0 || size < former * leastShare) {
      const again = entry.suspicious.size === size ? entry.suspicious.count + 1 : 1;
      entry.suspicious = { count: again, size };
      if (size === 0 || again < confirmations) {
        const problem =
          former === 0
            ? `the instrument master of account ${account} is empty; it is asked for again`
            : `the instrument master shrank from ${former} to ${size} rows; the last good copy is kept until ${confirmations} fetches agree`;
        this.#postpone(entry, problem);
        log.warn({ event: 'catalog.suspicious', market, account, size, former }, problem);
        return;
      }
    }
    entry.suspicious = { count: 0, size: 0 };
    entry.fetchedAt = clock.now();
    entry.attempts = 0;
    entry.wanted = false;
    entry.notBefore = 0;
    entry.problem = undefined;
    if (entry.master?.version === master.version && entry.catalog !== undefined) return;
    entry.master = master;
    entry.catalog = new InstrumentCatalog(master, this.#today);
    log.info({ event: 'catalog.loaded', market, account, size, version: master.version }, 'instrument master loaded');
    this.#options.onChange(market);
  }

  #postpone(entry: Entry, problem: string): void {
    const policy = entry.catalog === undefined ? firstLoad : reload;
    entry.notBefore = this.#options.clock.monotonic() + backoffDelay(policy, entry.attempts++, this.#options.random);
    entry.problem = problem;
  }
}

function newEntry(sources: readonly MarketSource[]): Entry {
  return {
    sources,
    catalog: undefined,
    master: undefined,
    fetchedAt: 0,
    notBefore: 0,
    attempts: 0,
    wanted: false,
    lastWanted: Number.NEGATIVE_INFINITY,
    suspicious: { count: 0, size: 0 },
    problem: undefined,
  };
}

function keyOf({ shard, account }: MarketSource): string {
  return `${shard.shard}/${shard.uid} ${account.namespace}/${account.name}`;
}
