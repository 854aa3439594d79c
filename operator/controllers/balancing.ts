import { hasClaimed } from '../handover/decide.ts';
import type { BalanceOptions } from '../planner/balance.ts';
import type { World } from './world.ts';

/** Milliseconds without a new shard before accounts are moved for balance alone. */
export const balanceAfter = 10_000;

/** Accounts that are moved at a time for balance alone; more follow once these have been. */
const mostAtOnce = 8;

/**
 * Whether accounts may be moved for balance alone, and which: only where all is well, so that a move costs nobody
 * anything. Undefined where something else is under way.
 */
export function balancing({ views, slices, shards, slicesOf }: World): BalanceOptions | undefined {
  if ([...shards.values()].some(({ state }) => state !== 'ready')) return undefined;
  const calm = slices.every(
    (slice) => slice.metadata.deletionTimestamp === undefined && slice.spec.next === undefined && hasClaimed(slice),
  );
  if (!calm) return undefined;
  const movable = views.filter(({ id, planner }) => {
    const own = slicesOf.get(id)?.length ?? 0;
    return planner.state === 'usable' && planner.connections > own;
  });
  return { movable: new Set(movable.map(({ id }) => id)), most: mostAtOnce };
}
