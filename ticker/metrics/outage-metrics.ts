import type { PulledTable } from '../../runtime/metrics/metrics.ts';
import type { ShardSnapshot } from '../shard/shard.ts';
import type { SpoolSnapshot } from '../shard/spool/spool.ts';
import { breakerStates, type outageMetrics } from './outage-definitions.ts';

const noSpool: SpoolSnapshot = {
  bytes: 0,
  maxBytes: 0,
  batches: 0,
  segments: 0,
  written: 0,
  replayed: 0,
  dropped: 0,
  writeFailures: 0,
  writable: false,
};

/** Exposes how a shard does without its sink. */
export function collectOutage(pulled: PulledTable<typeof outageMetrics>, snapshot: ShardSnapshot): void {
  const { breaker, spool = noSpool, totals } = snapshot;
  const shard = { shard: snapshot.shard };
  for (const state of breakerStates) pulled.breaker.add({ ...shard, state }, breaker.state === state ? 1 : 0);
  pulled.opened.add(shard, breaker.opened);
  pulled.rejected.add(shard, breaker.rejected);
  pulled.spoolBytes.add(shard, spool.bytes);
  pulled.spoolLimit.add(shard, spool.maxBytes);
  pulled.spoolSegments.add(shard, spool.segments);
  pulled.spoolBatches.add(shard, spool.batches);
  pulled.spoolTicks.add(shard, totals.spooled);
  pulled.spoolWritten.add(shard, spool.written);
  pulled.spoolReplayed.add(shard, spool.replayed);
  pulled.spoolDropped.add(shard, spool.dropped);
  pulled.spoolWritable.add(shard, spool.writable ? 1 : 0);
  pulled.feedPauses.add(shard, totals.feedPauses);
  pulled.feedPaused.add(shard, totals.feedPausedMillis / 1000);
  pulled.spoolFailures.add(shard, spool.writeFailures);
}
