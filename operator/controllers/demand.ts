import type { Instrument } from '../../cluster/market-data.ts';
import type { InstrumentSet, SubscriptionSlice } from '../../crds/index.ts';
import { compareRank } from '../planner/market-table.ts';
import type { DemandedInstrument, SetDemand } from '../planner/types.ts';
import type { InstrumentCatalog } from '../resolver/instrument-catalog.ts';
import type { FollowedPrice } from '../resolver/option-chain.ts';
import { type NoMarket, type Resolution, type ResolverMarket, resolve } from '../resolver/resolver.ts';
import { expectedTickRate } from '../resolver/tick-rate.ts';
import type { AccountView } from './accounts.ts';
import type { ChannelClaim } from './channels.ts';
import type { Eligibility } from './eligibility.ts';
import { idOf } from './names.ts';
import { accountOf, instrumentsOf, type PlacedInstrument, type SliceInstrument } from './placed.ts';
import { recoverCentres } from './recover-centres.ts';

export interface DemandWorld {
  readonly sets: readonly InstrumentSet[];
  readonly claims: ReadonlyMap<string, ChannelClaim>;
  readonly eligibility: Eligibility;
  readonly slices: readonly SubscriptionSlice[];
  /** Market of each account, by id. */
  readonly marketOf: ReadonlyMap<string, string>;
  readonly catalog: (market: string) => InstrumentCatalog | undefined;
  readonly spot: (market: string, token: number) => number | undefined;
}

export interface Demand {
  readonly demands: readonly SetDemand[];
  /** By set; absent for one that may not deliver. */
  readonly resolutions: ReadonlyMap<string, Resolution>;
  /** Instruments demanded for each set: those resolved, and those kept while something is pending. */
  readonly demanded: ReadonlyMap<string, number>;
  readonly instrument: (market: string, token: number) => SliceInstrument | undefined;
  /** The same object as long as `instrument` says the same of a market. */
  readonly version: (market: string) => object;
  readonly follows: ReadonlyMap<string, readonly FollowedPrice[]>;
  /** Markets in which a name was not found. */
  readonly unknownIn: ReadonlySet<string>;
}

/** What one set resolves to in one market. */
interface Resolved {
  readonly market: string;
  readonly instruments: ResolvedInstruments;
}

type ResolvedInstruments = NonNullable<ReturnType<Resolution['instruments']['get']>>;

const noInstruments: ResolvedInstruments = [];

interface Memo {
  readonly generation: number | undefined;
  readonly markets: readonly ResolverMarket[];
  readonly resolution: Resolution;
}

/** Details of the instruments of one market, by token. */
type Details = ReadonlyMap<number, SliceInstrument>;

/** Turns sets into demand; remembers the last resolution of each, and resolves again only what may have changed. */
export class DemandBuilder {
  readonly #memo = new Map<string, Memo>();
  #details: { readonly of: readonly Resolved[]; readonly byMarket: ReadonlyMap<string, Details> } | undefined;

  build(world: DemandWorld): Demand {
    let known: ReadonlyMap<string, readonly Placed[]> | undefined;
    // Only what is pending or resolved anew asks for it.
    const placed = (set: string): readonly Placed[] => {
      known ??= placedBySet(world);
      return known.get(set) ?? [];
    };
    const demands: SetDemand[] = [];
    const resolutions = new Map<string, Resolution>();
    const demanded = new Map<string, number>();
    const resolved: Resolved[] = [];
    const heldBack = new Map<string, Map<number, SliceInstrument>>();
    const follows = new Map<string, FollowedPrice[]>();
    const unknownIn = new Set<string>();
    const present = new Set<string>();
    const ranked = [...world.sets].sort((a, b) => compareRank(rankOf(a), rankOf(b)));
    for (const set of ranked) {
      const id = idOf(set);
      if (world.claims.get(id)?.takenBy !== undefined) continue;
      const uid = set.metadata.uid ?? id;
      present.add(uid);
      const accounts = world.eligibility.byMarket(set);
      const own = () => placed(id);
      const resolution = this.#resolve(uid, set, accounts, world, own);
      resolutions.set(id, resolution);
      if (resolution.unknownNames) for (const market of accounts.keys()) unknownIn.add(market);
      for (const [market, prices] of resolution.follows)
        follows.set(market, [...(follows.get(market) ?? []), ...prices]);
      let count = 0;
      for (const [market, eligible] of accounts) {
        resolved.push({ market, instruments: resolution.instruments.get(market) ?? noInstruments });
        const instruments = wanted(resolution, market, own, world.catalog(market), heldBack);
        if (instruments.length === 0) continue;
        count += instruments.length;
        demands.push({ ...rankOf(set), market, mode: set.spec.mode, accounts: eligible, instruments });
      }
      demanded.set(id, count);
    }
    for (const uid of this.#memo.keys()) if (!present.has(uid)) this.#memo.delete(uid);
    const details = this.#detailsOf(resolved);
    const instrument = (market: string, token: number): SliceInstrument | undefined =>
      details.get(market)?.get(token) ??
      heldBack.get(market)?.get(token) ??
      fromCatalog(world.catalog(market)?.byToken(token));
    // What is held back is known from the slices, which change as they like.
    const version = (market: string): object => heldBack.get(market) ?? details.get(market) ?? heldBack;
    return { demands, resolutions, demanded, instrument, version, follows, unknownIn };
  }

  /** Of sets that name one instrument the oldest says what its underlying is. Remembered while nothing is resolved anew. */
  #detailsOf(resolved: readonly Resolved[]): ReadonlyMap<string, Details> {
    const before = this.#details;
    const stands =
      before !== undefined &&
      before.of.length === resolved.length &&
      before.of.every(({ market, instruments }, n) => {
        const now = resolved[n]!;
        return market === now.market && instruments === now.instruments;
      });
    if (stands) return before.byMarket;
    const byMarket = new Map<string, Map<number, SliceInstrument>>();
    for (const { market, instruments } of resolved) {
      const details = byMarket.get(market) ?? new Map<number, SliceInstrument>();
      byMarket.set(market, details);
      for (const { token, underlying, instrument } of instruments) {
        if (!details.has(token)) details.set(token, { ...fromCatalog(instrument)!, underlying });
      }
    }
    this.#details = { of: resolved, byMarket };
    return byMarket;
  }

  #resolve(
    uid: string,
    set: InstrumentSet,
    accounts: ReadonlyMap<string, readonly string[]>,
    world: DemandWorld,
    placed: () => readonly Placed[],
  ): Resolution {
    const views = world.eligibility.accounts(set);
    const markets = [...accounts.keys()]
      .map((id) => ({ id, catalog: world.catalog(id), spot: (token: number) => world.spot(id, token) }))
      .filter(({ id, catalog }) => catalog !== undefined || usable(views, id));
    const memo = this.#memo.get(uid);
    if (memo !== undefined && memo.generation === set.metadata.generation && stands(memo, markets))
      return memo.resolution;
    const former = memo?.resolution.centres ?? new Map<string, number>();
    const known = former.size > 0 ? former : recoverCentres(placed(), world.catalog);
    const resolution = resolve(set.spec, markets, known, noMarketOf(views));
    this.#memo.set(uid, { generation: set.metadata.generation, markets, resolution });
    return resolution;
  }
}

/** An instrument that is placed for a set now. */
export interface Placed extends PlacedInstrument {
  readonly market: string;
}

function rankOf(set: InstrumentSet): { set: string; created: string } {
  return { set: idOf(set), created: set.metadata.creationTimestamp ?? '' };
}

function usable(views: readonly AccountView[], market: string): boolean {
  return views.some((view) => view.market === market && view.planner.state === 'usable');
}

/** Nothing that the last resolution depends on has changed in a way that matters. */
function stands({ resolution, markets }: Memo, now: readonly ResolverMarket[]): boolean {
  if (resolution.pending || markets.length !== now.length) return false;
  if (!markets.every(({ id, catalog }, n) => now[n]?.id === id && now[n].catalog === catalog)) return false;
  return now.every(({ id, spot }) =>
    (resolution.follows.get(id) ?? []).every(({ token, band }) => {
      const price = spot(token);
      return band !== undefined && (price === undefined || (price >= band.low && price <= band.high));
    }),
  );
}

function noMarketOf(views: readonly AccountView[]): NoMarket | undefined {
  if (views.length === 0) return undefined;
  const troubles = views.slice(0, 3).map(({ id, trouble }) => `${id}: ${trouble?.message ?? 'not usable'}`);
  const message = `none of the ${views.length} accounts that this set may use works; ${troubles.join('; ')}`;
  return { reason: 'NoUsableAccount', message, mayPass: true };
}

/** What a set wants of one market. What is pending keeps what is placed, unless that is known not to exist any more. */
function wanted(
  resolution: Resolution,
  market: string,
  placed: () => readonly Placed[],
  catalog: InstrumentCatalog | undefined,
  heldBack: Map<string, Map<number, SliceInstrument>>,
): readonly DemandedInstrument[] {
  const resolved = resolution.instruments.get(market) ?? noInstruments;
  if (!resolution.pending) return resolved;
  const known = heldBack.get(market) ?? new Map<number, SliceInstrument>();
  heldBack.set(market, known);
  const tokens = new Set(resolved.map(({ token }) => token));
  const held: DemandedInstrument[] = [];
  for (const row of placed()) {
    if (row.market !== market || tokens.has(row.token)) continue;
    const now = catalog?.byToken(row.token);
    if (catalog !== undefined && (now?.symbol !== row.symbol || now.exchange !== row.exchange)) continue;
    tokens.add(row.token);
    if (!known.has(row.token)) known.set(row.token, row);
    held.push({ token: row.token, rate: expectedTickRate({ type: row.type ?? 'EQ' }), underlying: row.underlying });
  }
  return [...resolved, ...held];
}

function fromCatalog(row: Instrument | undefined): SliceInstrument | undefined {
  if (row === undefined) return undefined;
  const { token, exchange, symbol, type, strike, expiry } = row;
  return { token, exchange, symbol, type, strike, expiry };
}

function placedBySet({ slices, marketOf }: DemandWorld): ReadonlyMap<string, readonly Placed[]> {
  const placed = new Map<string, Placed[]>();
  for (const slice of slices) {
    const market = marketOf.get(accountOf(slice));
    if (market === undefined) continue;
    for (const instrument of instrumentsOf(slice)) {
      for (const set of instrument.sets) {
        const list = placed.get(set);
        if (list === undefined) placed.set(set, [{ ...instrument, market }]);
        else list.push({ ...instrument, market });
      }
    }
  }
  return placed;
}
