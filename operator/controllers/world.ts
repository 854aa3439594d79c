import type { InstrumentSet, SubscriptionSlice, TickerAccount } from '../../crds/index.ts';
import type { CatalogCache } from '../catalog-cache.ts';
import type { MarketSource, MarketSources } from '../market-source.ts';
import { compareText } from '../planner/types.ts';
import { type AccountView, type Providers, viewAccount } from './accounts.ts';
import { type ChannelClaim, claimChannels } from './channels.ts';
import type { Demand, DemandBuilder } from './demand.ts';
import { Eligibility } from './eligibility.ts';
import { idOf, splitId } from './names.ts';
import { isLive, ownerReport, type Shards } from './shards.ts';
import { slicesByAccount } from './slice-writes.ts';

/** What the watch caches hold, with the operator's own last writes over it. */
export interface Observed {
  readonly accounts: readonly TickerAccount[];
  readonly sets: readonly InstrumentSet[];
  readonly slices: readonly SubscriptionSlice[];
  readonly shards: Shards;
}

/** One reconcile's view of everything, derived from what was observed. */
export interface World extends Observed {
  /** In order of id; those that are being deleted are left out. */
  readonly views: readonly AccountView[];
  /** Sets that are not being deleted, by id. */
  readonly liveSets: ReadonlyMap<string, InstrumentSet>;
  readonly claims: ReadonlyMap<string, ChannelClaim>;
  readonly slicesOf: ReadonlyMap<string, readonly SubscriptionSlice[]>;
  readonly sources: MarketSources;
  readonly demand: Demand;
}

export interface WorldTools {
  readonly providers: Providers;
  readonly demand: DemandBuilder;
  readonly catalogs: Pick<CatalogCache, 'catalog'>;
  readonly spots: { price(market: string, token: number): number | undefined };
}

/** @param now milliseconds since the epoch */
export function viewWorld(observed: Observed, tools: WorldTools, now: number): World {
  const sets = observed.sets.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const present = observed.slices.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const slicesOf = slicesByAccount(present);
  const views = observed.accounts
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map((account) => viewAccount(account, slicesOf.get(idOf(account)) ?? [], tools.providers, now))
    .sort((a, b) => compareText(a.id, b.id));
  const claims = claimChannels(sets);
  const demand = tools.demand.build({
    sets,
    claims,
    eligibility: new Eligibility(views),
    slices: present,
    marketOf: new Map(views.map(({ id, market }) => [id, market])),
    catalog: (market) => tools.catalogs.catalog(market),
    spot: (market, token) => tools.spots.price(market, token),
  });
  const liveSets = new Map(sets.map((set) => [idOf(set), set]));
  const sources = sourcesOf(views, slicesOf, observed.shards);
  return { ...observed, views, liveSets, claims, slicesOf, sources, demand };
}

/** Whom to ask about each market: the live shards that have logged in to one of its accounts. */
function sourcesOf(
  views: readonly AccountView[],
  slicesOf: ReadonlyMap<string, readonly SubscriptionSlice[]>,
  shards: Shards,
): MarketSources {
  const sources = new Map<string, MarketSource[]>();
  for (const { id, market, planner } of views) {
    const list = sources.get(market) ?? [];
    sources.set(market, list);
    const slices = slicesOf.get(id) ?? [];
    const first = slices[0];
    const owner = first?.spec.owner;
    if (first === undefined || owner === undefined || planner.state === 'unusable' || !isLive(shards, owner)) continue;
    if (ownerReport(first)?.account?.credentials !== 'Valid') continue;
    list.push({ shard: owner, account: splitId(id), streams: (token) => streamedBy(slices).has(token) });
  }
  return sources;
}

const streamed = new WeakMap<readonly SubscriptionSlice[], ReadonlySet<number>>();

function streamedBy(slices: readonly SubscriptionSlice[]): ReadonlySet<number> {
  let tokens = streamed.get(slices);
  if (tokens === undefined) {
    const groups = slices.flatMap(({ spec }) => spec.groups);
    tokens = new Set(groups.flatMap(({ instruments }) => instruments.map(({ token }) => token)));
    streamed.set(slices, tokens);
  }
  return tokens;
}
