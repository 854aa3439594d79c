import type { Pod } from '../cluster/resources.ts';
import type { ShardIdentity } from '../crds/index.ts';

/** The shard that runs in a pod. */
export function shardOf({ metadata }: Pod): ShardIdentity {
  return { shard: metadata.name, uid: metadata.uid ?? '' };
}

/**
 * Which end of the pod's process the kubelet tells of: a word that is the same for as long as it tells of the same end,
 * undefined while the process runs, or has not run yet. A container that runs again is no end: the shard is back under
 * its own name, and goes on where it was.
 */
export function processEnd({ status }: Pod): string | undefined {
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return status.phase;
  for (const { name, restartCount, state } of status?.containerStatuses ?? []) {
    const backOff = state?.waiting?.reason === 'CrashLoopBackOff';
    if (state?.terminated !== undefined || backOff) return `${name} ${restartCount}`;
  }
  return undefined;
}
