import type { SubscriptionSlice } from '../../crds/index.ts';
import { isLive, type Shards } from './shards.ts';

/** The coverage invariant as numbers; both are 0 when all is well. */
export interface Coverage {
  /** Slices that no live shard is named for. */
  readonly unowned: number;
  /**
   * Slices that two live shards say they stream under the epoch of today. A former owner that has not been refused yet
   * still streams under an older one: that is a handover.
   */
  readonly doubleOwned: number;
}

export function coverageOf(slices: readonly SubscriptionSlice[], shards: Shards): Coverage {
  let unowned = 0;
  let doubleOwned = 0;
  const present = slices.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  for (const slice of present) {
    if (!isLive(shards, slice.spec.owner)) unowned++;
    const streaming = (slice.status?.shards ?? []).filter(
      (report) =>
        report.phase === 'Streaming' && (report.token?.epoch ?? 0) >= slice.spec.epoch && isLive(shards, report),
    );
    if (streaming.length > 1) doubleOwned++;
  }
  return { unowned, doubleOwned };
}
