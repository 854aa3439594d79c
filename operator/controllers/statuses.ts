import type { InstrumentSet, SubscriptionSlice, TickerAccount } from '../../crds/index.ts';
import type { CatalogState } from '../catalog-cache.ts';
import type { Failure } from '../handover/memory.ts';
import type { Plan } from '../planner/types.ts';
import { overlapsOf } from '../transfer/overlaps.ts';
import { accountStatus } from './account-status.ts';
import type { Transition } from './conditions.ts';
import { idOf } from './names.ts';
import { countInstruments } from './placed.ts';
import { sameValue } from './same-value.ts';
import { setStatus, type UnplacedInstrument } from './set-status.ts';
import type { World } from './world.ts';

export type StatusWrite =
  | { readonly kind: 'account'; readonly object: TickerAccount; readonly transitions: readonly Transition[] }
  | { readonly kind: 'set'; readonly object: InstrumentSet; readonly transitions: readonly Transition[] };

/** What statuses say besides what can be read from the objects. */
export interface Findings {
  readonly catalogs: readonly CatalogState[];
  /** The newest failure to hand over any of the slices. */
  readonly failure: (slices: readonly SubscriptionSlice[]) => Failure | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * The statuses that differ from what is written.
 *
 * @param slices as they are now, after the writes of this reconcile
 */
export function statusWrites(
  world: World,
  plan: Plan,
  slices: readonly SubscriptionSlice[],
  findings: Findings,
): StatusWrite[] {
  return [...accountWrites(world, slices, findings), ...setWrites(world, plan, slices, findings.now)];
}

function accountWrites(
  world: World,
  slices: readonly SubscriptionSlice[],
  { catalogs, failure, now }: Findings,
): StatusWrite[] {
  const byAccount = new Map<string, SubscriptionSlice[]>();
  for (const slice of slices) {
    const id = `${slice.metadata.namespace ?? ''}/${slice.spec.account}`;
    byAccount.set(id, [...(byAccount.get(id) ?? []), slice]);
  }
  for (const list of byAccount.values()) list.sort((a, b) => a.spec.connection - b.spec.connection);
  const catalogOf = new Map(catalogs.map((state) => [state.market, state]));
  return world.views.flatMap((view): StatusWrite[] => {
    const own = byAccount.get(view.id) ?? [];
    const { status, transitions } = accountStatus(view, {
      slices: own,
      failure: failure(own),
      shards: world.shards,
      catalog: catalogOf.get(view.market),
      now,
    });
    const { account } = view;
    return sameValue(status, account.status) ? [] : [{ kind: 'account', object: { ...account, status }, transitions }];
  });
}

function setWrites(world: World, plan: Plan, slices: readonly SubscriptionSlice[], now: number): StatusWrite[] {
  const bySet = new Map<string, SubscriptionSlice[]>();
  for (const slice of slices) {
    for (const id of countInstruments(slice).bySet.keys()) bySet.set(id, [...(bySet.get(id) ?? []), slice]);
  }
  const unplaced = unplacedBySet(world, plan);
  const overlaps = overlapsOf(slices);
  return [...world.liveSets].flatMap(([id, set]): StatusWrite[] => {
    const { status, transitions } = setStatus(set, {
      claim: world.claims.get(id),
      resolution: world.demand.resolutions.get(id),
      demanded: world.demand.demanded.get(id) ?? 0,
      unplaced: unplaced.get(id) ?? [],
      slices: bySet.get(id) ?? [],
      overlaps: (slice) => overlaps.get(slice.metadata.uid ?? '')?.get(id) ?? 0,
      shards: world.shards,
      now,
    });
    return sameValue(status, set.status) ? [] : [{ kind: 'set', object: { ...set, status }, transitions }];
  });
}

function unplacedBySet(world: World, plan: Plan): ReadonlyMap<string, UnplacedInstrument[]> {
  const bySet = new Map<string, UnplacedInstrument[]>();
  for (const { set, market, token, reason } of plan.unplaced) {
    const row = world.demand.instrument(market, token);
    const name = row === undefined ? String(token) : `${row.exchange}:${row.symbol}`;
    const list = bySet.get(set);
    if (list === undefined) bySet.set(set, [{ name, reason }]);
    else list.push({ name, reason });
  }
  return bySet;
}

/** The object that a status write concerns, by id. */
export function subjectOf(write: StatusWrite): string {
  return `${write.kind} ${idOf(write.object)}`;
}
