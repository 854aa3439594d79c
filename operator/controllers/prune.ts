import type { PatchOperation } from '../../cluster/cluster.ts';
import type { SliceShardStatus, SubscriptionSlice } from '../../crds/index.ts';
import { sameShard, shardKey } from '../planner/assign-shards.ts';
import type { Shards } from './shards.ts';

/** Entries of former owners that live and were refused: more are removed, those of the oldest token first. */
export const keptRefusals = 3;

/**
 * What removes the entries of a slice's status that nobody will change any more, so that the list stays within its bound:
 * those of pods that are gone, and of all but the newest former owners. None where there is nothing to remove; each
 * removal is guarded by a `test`, for shards write to the same list.
 */
export function pruneOperations(slice: SubscriptionSlice, shards: Shards): readonly PatchOperation[] {
  const reports = slice.status?.shards ?? [];
  const { owner, next } = slice.spec;
  const others = reports.filter((report) => !sameShard(report, owner) && !sameShard(report, next));
  const gone = others.filter((report) => !shards.has(shardKey(report)));
  const refused = others
    .filter((report) => shards.has(shardKey(report)) && report.phase === 'Refused')
    .sort((a, b) => epochOf(b) - epochOf(a));
  const stale = new Set([...gone, ...refused.slice(keptRefusals)]);
  const operations: PatchOperation[] = [];
  // From the end, so that what is removed shifts nothing that is still to be.
  for (let index = reports.length - 1; index >= 0; index--) {
    const report = reports[index]!;
    if (!stale.has(report)) continue;
    const path = `/status/shards/${index}`;
    operations.push(
      { op: 'test', path: `${path}/shard`, value: report.shard },
      { op: 'test', path: `${path}/uid`, value: report.uid },
      { op: 'remove', path },
    );
  }
  return operations;
}

function epochOf({ token, beatenBy }: SliceShardStatus): number {
  return token?.epoch ?? beatenBy?.epoch ?? 0;
}
