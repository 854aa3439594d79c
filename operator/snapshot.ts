import type { Condition, TickerAccountSpec } from '../crds/index.ts';
import type { CatalogState } from './catalog-cache.ts';
import type { Coverage } from './controllers/coverage.ts';
import { idOf } from './controllers/names.ts';
import { accountOf, countInstruments } from './controllers/placed.ts';
import type { Reconciled } from './controllers/reconciler.ts';
import { ownerReport } from './controllers/shards.ts';
import type { PlannerShard, UnplacedReason } from './planner/types.ts';
import type { Problem } from './resolver/problem.ts';

export interface SliceSnapshot {
  /** `namespace/name`, as are all ids here. */
  readonly slice: string;
  readonly account: string;
  readonly connection: number;
  readonly shard: string | undefined;
  readonly epoch: number;
  /** What its owner says; undefined while it says nothing. */
  readonly phase: string | undefined;
  readonly message: string | undefined;
  /** Instruments, in all and confirmed. */
  readonly instruments: number;
  readonly subscribed: number;
}

export interface SetSnapshot {
  readonly set: string;
  readonly channel: string;
  readonly requested: number;
  readonly resolved: number;
  readonly scheduled: number;
  /** Where its instruments are: how many on which slice. */
  readonly placements: readonly { readonly slice: string; readonly instruments: number }[];
  /** Why not: instruments without a place, by reason. */
  readonly unplaced: ReadonlyMap<UnplacedReason, number>;
  readonly problems: readonly Problem[];
  readonly conditions: readonly Condition[];
}

export interface AccountSnapshot {
  readonly account: string;
  readonly market: string;
  readonly state: 'usable' | 'impaired' | 'unusable';
  /** Why it takes nothing (new). */
  readonly trouble: string | undefined;
  readonly shard: string | undefined;
  readonly instruments: number;
  readonly capacity: number;
  /** Its trading calendar, and the exchanges that its slices stream: what says whether ticks are to be expected. */
  readonly sessions: TickerAccountSpec['sessions'];
  readonly exchanges: readonly string[];
  readonly conditions: readonly Condition[];
}

/** What the operator knows and has decided; what `explain` prints and metrics count. */
export interface OperatorSnapshot {
  readonly reconciles: { readonly succeeded: number; readonly failed: number };
  readonly coverage: Coverage;
  readonly shards: readonly (PlannerShard & { readonly accounts: number; readonly instruments: number })[];
  readonly accounts: readonly AccountSnapshot[];
  readonly sets: readonly SetSnapshot[];
  readonly slices: readonly SliceSnapshot[];
  readonly catalogs: readonly CatalogState[];
}

export function takeSnapshot(
  { world, plan, slices, coverage }: Reconciled,
  catalogs: readonly CatalogState[],
  reconciles: OperatorSnapshot['reconciles'],
): OperatorSnapshot {
  const instrumentsOn = new Map<string, number>();
  const ownerOf = new Map<string, string>();
  const exchangesOf = new Map<string, Set<string>>();
  const placements = new Map<string, { slice: string; instruments: number }[]>();
  for (const slice of slices) {
    const account = accountOf(slice);
    const { total, bySet } = countInstruments(slice);
    instrumentsOn.set(account, (instrumentsOn.get(account) ?? 0) + total);
    const exchanges = exchangesOf.get(account) ?? new Set();
    exchangesOf.set(account, exchanges);
    for (const { exchange } of slice.spec.groups) exchanges.add(exchange);
    if (slice.spec.owner !== undefined) ownerOf.set(account, slice.spec.owner.shard);
    for (const [set, instruments] of bySet) {
      placements.set(set, [...(placements.get(set) ?? []), { slice: idOf(slice), instruments }]);
    }
  }
  const unplaced = new Map<string, Map<UnplacedReason, number>>();
  for (const { set, reason } of plan.unplaced) {
    const counts = unplaced.get(set) ?? new Map<UnplacedReason, number>();
    unplaced.set(set, counts.set(reason, (counts.get(reason) ?? 0) + 1));
  }
  const accounts = world.views.map(
    ({ id, market, planner, trouble, capacity, account }): AccountSnapshot => ({
      account: id,
      market,
      state: planner.state,
      trouble: trouble?.message,
      shard: ownerOf.get(id),
      instruments: instrumentsOn.get(id) ?? 0,
      capacity,
      sessions: account.spec.sessions,
      exchanges: [...(exchangesOf.get(id) ?? [])],
      conditions: account.status?.conditions ?? [],
    }),
  );
  return {
    reconciles: { succeeded: reconciles.succeeded, failed: reconciles.failed },
    coverage,
    shards: [...world.shards.values()].map((shard) => {
      const own = accounts.filter((account) => account.shard === shard.identity.shard);
      return {
        ...shard,
        accounts: own.length,
        instruments: own.reduce((sum, { instruments }) => sum + instruments, 0),
      };
    }),
    accounts,
    sets: [...world.liveSets].map(([id, set]): SetSnapshot => {
      const resolution = world.demand.resolutions.get(id);
      const without = unplaced.get(id) ?? new Map<UnplacedReason, number>();
      const missing = [...without.values()].reduce((sum, count) => sum + count, 0);
      return {
        set: id,
        channel: world.claims.get(id)?.channel ?? '',
        requested: resolution?.requested ?? 0,
        resolved: resolution?.resolved ?? 0,
        scheduled: (world.demand.demanded.get(id) ?? 0) - missing,
        placements: placements.get(id) ?? [],
        unplaced: without,
        problems: resolution?.problems ?? [],
        conditions: set.status?.conditions ?? [],
      };
    }),
    slices: slices.map((slice): SliceSnapshot => {
      const report = ownerReport(slice);
      return {
        slice: idOf(slice),
        account: accountOf(slice),
        connection: slice.spec.connection,
        shard: slice.spec.owner?.shard,
        epoch: slice.spec.epoch,
        phase: report?.phase,
        message: report?.message,
        instruments: countInstruments(slice).total,
        subscribed: report?.subscribed ?? 0,
      };
    }),
    catalogs,
  };
}
