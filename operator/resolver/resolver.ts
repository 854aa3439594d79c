import type { Instrument } from '../../cluster/market-data.ts';
import type { InstrumentSelector, InstrumentSetSpec, OptionChain } from '../../crds/index.ts';
import type { DemandedInstrument } from '../planner/types.ts';
import type { InstrumentCatalog } from './instrument-catalog.ts';
import { type ChainCentres, type FollowedPrice, resolveChain } from './option-chain.ts';
import { didYouMean, type Problem, shownProblems } from './problem.ts';
import { select } from './selector.ts';
import { expectedTickRate } from './tick-rate.ts';
import { underlyingOf } from './underlyings.ts';

type Items = Pick<InstrumentSetSpec, 'instruments' | 'selectors' | 'optionChains'>;

/** What can be streamed on some of the accounts that a set may use. */
export interface ResolverMarket {
  readonly id: string;
  /** Absent while it has not been loaded. */
  readonly catalog: InstrumentCatalog | undefined;
  /** Last price in rupees of a token; undefined while none is known. */
  readonly spot: (token: number) => number | undefined;
}

export interface ResolvedInstrument extends DemandedInstrument {
  readonly instrument: Instrument;
}

export interface Resolution {
  /** By market; without duplicates, underlyings before their options. */
  readonly instruments: ReadonlyMap<string, readonly ResolvedInstrument[]>;
  /** Instruments that the spec names, selects or chains, found or not. */
  readonly requested: number;
  readonly resolved: number;
  /** The first ones; {@link problemCount} counts all. */
  readonly problems: readonly Problem[];
  readonly problemCount: number;
  /** To be passed in next time: what hysteresis is relative to. */
  readonly centres: ChainCentres;
  readonly follows: ReadonlyMap<string, readonly FollowedPrice[]>;
  /** Something could not be looked up yet (not: does not exist). What is placed of the set should stay until it can. */
  readonly pending: boolean;
  /** A name was not found, though every master is loaded: a fresher master may know it. */
  readonly unknownNames: boolean;
}

/** Why there is no market to look in: what is placed stays, if that may pass. */
export interface NoMarket {
  readonly reason: string;
  readonly message: string;
  readonly mayPass: boolean;
}

const noAccount: NoMarket = {
  reason: 'NoAccount',
  message:
    'there is no TickerAccount that this set may use: create one in this namespace, let one of another namespace name this one in spec.allowedNamespaces, or change spec.accountSelector',
  mayPass: false,
};

/**
 * Turns a set's spec into instruments. Pure. Each item is taken from the first market that has it; one that comes after a
 * market that is not loaded is pending, lest everything move when that is.
 *
 * @param markets of the accounts that the set may use, in order of preference
 * @param former centres of the last resolution
 * @param noMarket what to say where `markets` is empty
 */
export function resolve(
  spec: Items & Pick<InstrumentSetSpec, 'greeks'>,
  markets: readonly ResolverMarket[],
  former: ChainCentres,
  noMarket?: NoMarket,
): Resolution {
  return new Resolver(markets, former, spec.greeks !== undefined).resolve(spec, noMarket);
}

class Resolver {
  readonly #markets: readonly ResolverMarket[];
  readonly #former: ChainCentres;
  readonly #greeks: boolean;
  readonly #found = new Map<string, Map<number, ResolvedInstrument>>();
  readonly #problems: Problem[] = [];
  readonly #centres = new Map<string, number>();
  readonly #follows = new Map<string, FollowedPrice[]>();
  #problemCount = 0;
  #missing = 0;
  #pending = false;
  #unknownNames = false;

  constructor(markets: readonly ResolverMarket[], former: ChainCentres, greeks: boolean) {
    this.#markets = markets;
    this.#former = former;
    this.#greeks = greeks;
  }

  resolve(spec: Items, noMarket = noAccount): Resolution {
    if (this.#markets.length === 0) this.#noMarket(spec, noMarket);
    else {
      // Chains first: they know their options' underlying from the user, not by guessing.
      spec.optionChains?.forEach((chain, index) => {
        this.#chain(chain, `spec.optionChains[${index}]`);
      });
      for (const name of spec.instruments ?? []) this.#explicit(name);
      spec.selectors?.forEach((selector, index) => {
        this.#select(selector, `spec.selectors[${index}]`);
      });
    }
    const instruments = new Map([...this.#found].map(([market, rows]) => [market, [...rows.values()]]));
    const resolved = [...instruments.values()].reduce((sum, rows) => sum + rows.length, 0);
    return {
      instruments,
      resolved,
      // Items that overlap count once, and so do instruments that are asked for twice.
      requested: resolved + this.#missing,
      problems: this.#problems,
      problemCount: this.#problemCount,
      centres: this.#centres,
      follows: this.#follows,
      pending: this.#pending,
      unknownNames: this.#unknownNames,
    };
  }

  #noMarket(spec: Items, { reason, message, mayPass }: NoMarket): void {
    const items = (spec.instruments?.length ?? 0) + (spec.selectors?.length ?? 0) + (spec.optionChains?.length ?? 0);
    this.#problem({ instrument: 'spec', reason, message }, items);
    this.#pending ||= mayPass;
  }

  #explicit(name: string): void {
    const market = this.#firstWith(name, (catalog) => catalog.find(name));
    if (market !== undefined) this.#add(market.id, market.catalog, market.found);
  }

  #select(selector: InstrumentSelector, path: string): void {
    const market = this.#firstWith(path, (catalog, last) => {
      const result = select(selector, path, catalog);
      return result.requested > 1 || result.instruments.length > 0 || last ? result : undefined;
    });
    if (market === undefined) return;
    const { instruments, problems, requested } = market.found;
    for (const problem of problems) this.#problem(problem, 0);
    this.#missing += requested - instruments.length;
    if (instruments.length === 0 && requested === 1) this.#unknownNames = true;
    for (const instrument of instruments) this.#add(market.id, market.catalog, instrument);
  }

  #chain(chain: OptionChain, path: string): void {
    const market = this.#firstWith(
      path,
      (catalog, last) => last || catalog.find(chain.underlying) !== undefined || undefined,
    );
    if (market === undefined) return;
    const spot = this.#markets.find(({ id }) => id === market.id)?.spot ?? (() => undefined);
    const result = resolveChain(chain, path, market.catalog, spot, this.#former);
    for (const problem of result.problems) this.#problem(problem, 0);
    this.#pending ||= result.pending;
    this.#unknownNames ||= result.underlying === undefined;
    for (const [key, centre] of result.centres) this.#centres.set(key, centre);
    const followed = this.#follows.get(market.id) ?? [];
    this.#follows.set(market.id, [...followed, ...result.follows]);
    const found = result.options.length + (result.underlying === undefined ? 0 : 1);
    this.#missing += result.requested - found;
    if (result.underlying === undefined) return;
    this.#add(market.id, market.catalog, result.underlying);
    for (const option of result.options) this.#add(market.id, market.catalog, option, result.underlying);
  }

  /** The first market in which `look` finds something. */
  #firstWith<T>(
    what: string,
    look: (catalog: InstrumentCatalog, last: boolean) => T | undefined,
  ): { id: string; catalog: InstrumentCatalog; found: T } | undefined {
    for (const [index, { id, catalog }] of this.#markets.entries()) {
      if (catalog === undefined) {
        const message = `the instrument master of ${id} has not been loaded yet; a shard that serves one of its accounts must log in first`;
        this.#problem({ instrument: what, reason: 'InstrumentMasterUnavailable', message });
        this.#pending = true;
        return undefined;
      }
      const found = look(catalog, index === this.#markets.length - 1);
      if (found !== undefined) return { id, catalog, found };
    }
    this.#unknownNames = true;
    this.#problemCount++;
    this.#missing++;
    if (this.#problems.length < shownProblems) this.#problems.push(this.#unknown(what));
    return undefined;
  }

  #unknown(name: string): Problem {
    const catalogs = this.#markets.map(({ catalog }) => catalog).filter((catalog) => catalog !== undefined);
    const expiry = catalogs.map((catalog) => catalog.expiredOn(name)).find((date) => date !== undefined);
    if (expiry !== undefined) {
      return { instrument: name, reason: 'InstrumentExpired', message: `${name} expired on ${expiry}: remove it` };
    }
    const suggestions = catalogs.map((catalog) => catalog.suggestions(name)).find((each) => each.length > 0) ?? [];
    const message = `${name} is not in the instrument master${suggestions.length > 0 ? didYouMean(suggestions) : ': check its exchange and tradingsymbol'}`;
    return { instrument: name, reason: 'UnknownInstrument', message };
  }

  #add(market: string, catalog: InstrumentCatalog, instrument: Instrument, chained?: Instrument): void {
    const rows = this.#found.get(market) ?? new Map<number, ResolvedInstrument>();
    this.#found.set(market, rows);
    if (rows.has(instrument.token)) return;
    const underlying = chained ?? underlyingOf(instrument, catalog);
    const option = instrument.type === 'CE' || instrument.type === 'PE';
    if (option && underlying === undefined && this.#greeks) {
      const message = `the underlying of ${instrument.symbol} is not in the instrument master: it is streamed without Greeks (name the underlying in spec.optionChains)`;
      this.#problem(
        { instrument: `${instrument.exchange}:${instrument.symbol}`, reason: 'UnderlyingNotFound', message },
        0,
      );
    }
    rows.set(instrument.token, {
      token: instrument.token,
      rate: expectedTickRate(instrument),
      underlying: underlying?.token,
      instrument,
    });
  }

  #problem(problem: Problem, missing = 1): void {
    this.#problemCount++;
    this.#missing += missing;
    if (this.#problems.length < shownProblems) this.#problems.push(problem);
  }
}
