import type { ShardIdentity, SliceShardStatus, SubscriptionSlice } from '../../crds/index.ts';
import { sameShard, shardKey } from '../planner/assign-shards.ts';
import type { PlannerShard } from '../planner/types.ts';

/** The shards that there are, by `<shard>/<uid>`. */
export type Shards = ReadonlyMap<string, PlannerShard>;

/** The shard and pod that a lease's `holderIdentity` (`<shard>/<uid>`) names. */
export function parseHolder(holder: string | undefined): ShardIdentity | undefined {
  const slash = holder?.indexOf('/') ?? -1;
  if (holder === undefined || slash < 1 || slash === holder.length - 1) return undefined;
  return { shard: holder.slice(0, slash), uid: holder.slice(slash + 1) };
}

/** True of a shard that renews its lease, draining or not. */
export function isLive(shards: Shards, identity: ShardIdentity | undefined): boolean {
  const shard = identity === undefined ? undefined : shards.get(shardKey(identity));
  return shard !== undefined && shard.state !== 'suspect';
}

/** True of a live shard that takes slices. */
export function isReady(shards: Shards, identity: ShardIdentity | undefined): boolean {
  return identity !== undefined && shards.get(shardKey(identity))?.state === 'ready';
}

/** What one shard says of a slice. */
export function reportOf(slice: SubscriptionSlice, identity: ShardIdentity): SliceShardStatus | undefined {
  return slice.status?.shards?.find((report) => sameShard(report, identity));
}

/** What the named owner of a slice says of it. */
export function ownerReport(slice: SubscriptionSlice): SliceShardStatus | undefined {
  const { owner } = slice.spec;
  return owner === undefined ? undefined : reportOf(slice, owner);
}

/** The token that beat the owner that is still named, where the sink has refused it: it must be named anew above that. */
export function refusedWith(slice: SubscriptionSlice): { epoch: number } | undefined {
  const report = ownerReport(slice);
  if (report?.phase !== 'Refused' || report.beatenBy === undefined) return undefined;
  // An older report may still stand after the owner was named anew.
  return report.beatenBy.epoch >= slice.spec.epoch ? report.beatenBy : undefined;
}
