import type { ShardIdentity } from '../../crds/index.ts';
import type { Decision } from '../handover/decide.ts';
import type { AccountHandovers, Handovers } from '../handover/handovers.ts';
import type { Plan } from '../planner/types.ts';
import { slicesByAccount } from './slice-writes.ts';
import type { World } from './world.ts';

/** The next step of the ownership of every slice that the plan keeps, by id. */
export function nextSteps(
  world: World,
  plan: Plan,
  handovers: Handovers,
  now: number,
  liveSince: number | undefined,
): ReadonlyMap<string, Decision> {
  const planned = new Map<string, { slices: number; owner: ShardIdentity | undefined }>();
  for (const { account, owner } of plan.slices) {
    planned.set(account, { slices: (planned.get(account)?.slices ?? 0) + 1, owner });
  }
  const connections = new Map(world.views.map(({ id, planner }) => [id, planner.connections]));
  const accounts = [...slicesByAccount(world.slices)].map(([account, slices]): AccountHandovers => {
    const { slices: count, owner } = planned.get(account) ?? { slices: 0, owner: undefined };
    return {
      account,
      slices,
      connections: connections.get(account) ?? slices.length,
      planned: count,
      // All slices of an account are to be in one shard; those of one that is gone stay until they end.
      wanted: (slice) => (planned.has(account) ? owner : slice.spec.owner),
    };
  });
  return handovers.decide({ accounts, shards: world.shards, now, liveSince });
}

/** Milliseconds until the first of the steps must be looked at again. */
export function firstWait(decisions: ReadonlyMap<string, Decision>): number | undefined {
  let first: number | undefined;
  for (const { wait } of decisions.values()) {
    if (wait !== undefined && (first === undefined || wait < first)) first = wait;
  }
  return first;
}
