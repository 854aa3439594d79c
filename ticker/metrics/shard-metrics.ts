import type { Clock } from '../../runtime/clock.ts';
import type { Metrics, PulledTable } from '../../runtime/metrics/metrics.ts';
import type { AccountSnapshot } from '../shard/account-totals.ts';
import type { Shard } from '../shard/shard.ts';
import { outageMetrics } from './outage-definitions.ts';
import { collectOutage } from './outage-metrics.ts';
import { shardMetrics, slicePhases } from './shard-definitions.ts';

const { frameDuration, ...gaugesAndCounters } = shardMetrics;
type Pulled = PulledTable<typeof gaugesAndCounters>;

/** Seconds of work on one frame, observed for a shard; what {@link import('../shard/shard.ts').ShardOptions} takes. */
export function frameObserver(metrics: Metrics, shard: string): (seconds: number) => void {
  const duration = metrics.histogram(frameDuration);
  const labels = { shard };
  return (seconds) => duration.observe(labels, seconds);
}

/** Exposes what a shard counts. Returns how to end it. */
export function registerShardMetrics(metrics: Metrics, shard: Pick<Shard, 'snapshot'>, clock: Clock): () => void {
  const pulled = metrics.pulledAll(gaugesAndCounters);
  const outage = metrics.pulledAll(outageMetrics);
  return metrics.collect(() => {
    const snapshot = shard.snapshot();
    const { shard: name, accounts, apiAnsweredAt } = snapshot;
    collectOutage(outage, snapshot);
    const now = clock.monotonic();
    pulled.leaseAge.add({ shard: name }, (now - apiAnsweredAt) / 1000);
    for (const account of accounts) collectAccount(pulled, name, account, now);
  });
}

function collectAccount(pulled: Pulled, shard: string, snapshot: AccountSnapshot, now: number): void {
  const { account, totals, serving } = snapshot;
  const by = { shard, account };
  pulled.frames.add(by, totals.frames);
  pulled.malformed.add(by, totals.malformedFrames);
  pulled.received.add(by, totals.received);
  pulled.invalid.add(by, totals.invalid);
  for (const rule of shardMetrics.breaches.labels.rule) {
    pulled.breaches.add({ ...by, rule }, totals.byRule.get(rule) ?? 0);
  }
  pulled.unknown.add(by, totals.unknown);
  pulled.unrouted.add(by, totals.unrouted);
  pulled.greeks.add({ ...by, result: 'solved' }, totals.greeksSolved);
  pulled.greeks.add({ ...by, result: 'unsolved' }, totals.greeksUnsolved);
  pulled.conflated.add(by, totals.conflated);
  pulled.batched.add(by, totals.batched);
  pulled.bars.add(by, totals.bars);
  pulled.lateForBar.add(by, totals.lateForBar);
  pulled.published.add(by, totals.published);
  pulled.batches.add(by, totals.batches);
  pulled.late.add(by, totals.late);
  pulled.spare.add(by, totals.spare);
  pulled.moves.add({ ...by, kind: 'warm' }, totals.movesWarm);
  pulled.moves.add({ ...by, kind: 'cold' }, totals.movesCold);
  pulled.marks.add(by, totals.marks);
  pulled.warmed.add(by, totals.warmed);
  pulled.warming.add(by, totals.warmingMillis / 1000);
  pulled.dropped.add({ ...by, reason: 'full' }, totals.droppedFull);
  pulled.dropped.add({ ...by, reason: 'ended' }, totals.droppedEnded);
  pulled.lostBySink.add(by, totals.lostBySink);
  pulled.opened.add(by, totals.opened);
  for (const [code, count] of totals.connectionsLost) pulled.lost.add({ ...by, code }, count);
  for (const [code, count] of totals.connectionsRefused) pulled.refused.add({ ...by, code }, count);
  if (serving === undefined) return;
  pulled.heldTicks.add(by, serving.held);
  pulled.heldBatches.add(by, serving.heldBatches);
  pulled.heldBytes.add(by, serving.heldBytes);
  for (const phase of slicePhases) pulled.slices.add({ ...by, phase }, serving.phases.get(phase) ?? 0);
  pulled.sessionOpen.add(by, serving.sessionOpen ? 1 : 0);
  pulled.connections.add(by, serving.connections);
  for (const [code, count] of serving.loginFailures) pulled.loginFailures.add({ ...by, code }, count);
  pulled.credentials.add(by, serving.credentials === 'Valid' ? 1 : 0);
  pulled.tickAge.add(by, (now - serving.lastTickAt) / 1000);
  pulled.subscribed.add(by, serving.subscribed);
  pulled.ticking.add(by, serving.ticking);
  pulled.silent.add(by, serving.silent);
}
