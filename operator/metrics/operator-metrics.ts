import type { Clock } from '../../runtime/clock.ts';
import type { Metrics, PulledTable } from '../../runtime/metrics/metrics.ts';
import type { Operator } from '../operator.ts';
import type { OperatorSnapshot } from '../snapshot.ts';
import type { OperatorObserver, OperatorVitals } from '../vitals.ts';
import { AccountSessions } from './account-sessions.ts';
import { operatorMetrics } from './definitions.ts';

const { reconcileDuration, planDuration, writeDuration, queueLatency, handoverDuration, ...gaugesAndCounters } =
  operatorMetrics;
type Pulled = PulledTable<typeof gaugesAndCounters>;

/** Observes durations; what the operator's options take. */
export function operatorObserver(metrics: Metrics): OperatorObserver {
  const reconciled = metrics.histogram(reconcileDuration);
  const planned = metrics.histogram(planDuration);
  const wrote = metrics.histogram(writeDuration);
  const waited = metrics.histogram(queueLatency);
  const handedOver = metrics.histogram(handoverDuration);
  for (const kind of handoverDuration.labels.kind) handedOver.start({ kind, result: 'completed' });
  return {
    reconciled: (result, seconds) => reconciled.observe({ result }, seconds),
    planned: (seconds) => planned.observe({}, seconds),
    wrote: (what, written, seconds) => void (written > 0 && wrote.observe({ what }, seconds)),
    waited: (seconds) => waited.observe({}, seconds),
    handedOver: (kind, result, seconds) => handedOver.observe({ kind, result }, seconds),
  };
}

/** Exposes what an operator knows and counts. Returns how to end it. */
export function registerOperatorMetrics(
  metrics: Metrics,
  operator: Pick<Operator, 'snapshot' | 'vitals'>,
  clock: Clock,
): () => void {
  const pulled = metrics.pulledAll(gaugesAndCounters);
  const sessions = new AccountSessions();
  return metrics.collect(() => {
    collectVitals(pulled, operator.vitals());
    const snapshot = operator.snapshot();
    if (snapshot === undefined) return;
    const now = clock.now();
    collectSnapshot(pulled, snapshot, now);
    for (const [account, open] of sessions.open(snapshot.accounts, now)) {
      pulled.accountSessionOpen.add({ account }, open ? 1 : 0);
    }
  });
}

function collectVitals(pulled: Pulled, { leads, watches, loop, reconciler }: OperatorVitals): void {
  pulled.leading.add({}, leads ? 1 : 0);
  pulled.reconciles.add({ result: 'succeeded' }, loop.succeeded);
  pulled.reconciles.add({ result: 'failed' }, loop.failed);
  pulled.triggers.add({}, loop.triggers);
  pulled.queueDepth.add({}, loop.waiting ? 1 : 0);
  for (const { kind, synced, objects, lastEventAge, failures } of watches) {
    pulled.watchAge.add({ kind }, lastEventAge / 1000);
    pulled.watchFailures.add({ kind }, failures);
    if (synced) pulled.objects.add({ kind }, objects);
  }
  pulled.writes.add({ result: 'written' }, reconciler.written);
  pulled.writes.add({ result: 'conflict' }, reconciler.conflicts);
  pulled.writes.add({ result: 'failed' }, reconciler.failed);
  pulled.instrumentMoves.add({}, reconciler.instrumentMoves);
  for (const kind of operatorMetrics.moves.labels.kind) {
    for (const result of operatorMetrics.moves.labels.result) {
      pulled.moves.add({ kind, result }, reconciler.handovers.get(`${kind} ${result}`) ?? 0);
    }
  }
}

/** @param now milliseconds since the epoch */
function collectSnapshot(pulled: Pulled, snapshot: OperatorSnapshot, now: number): void {
  const { coverage, shards, accounts, sets, slices, catalogs } = snapshot;
  pulled.slices.add({}, slices.length);
  pulled.unowned.add({}, coverage.unowned);
  pulled.doubleOwned.add({}, coverage.doubleOwned);
  for (const state of operatorMetrics.shards.labels.state) {
    pulled.shards.add({ state }, shards.filter((shard) => shard.state === state).length);
  }
  for (const { market, instruments, loadedAt } of catalogs) {
    pulled.catalogInstruments.add({ market }, instruments);
    if (loadedAt !== undefined) pulled.catalogAge.add({ market }, Math.max(0, now - loadedAt) / 1000);
  }
  collectConditions(pulled, snapshot);
  for (const { requested, resolved, scheduled, unplaced } of sets) {
    pulled.instruments.add({ stage: 'requested' }, requested);
    pulled.instruments.add({ stage: 'resolved' }, resolved);
    pulled.instruments.add({ stage: 'scheduled' }, scheduled);
    for (const [reason, count] of unplaced) pulled.unplaced.add({ reason }, count);
  }
  for (const reason of operatorMetrics.unplaced.labels.reason) pulled.unplaced.add({ reason }, 0);
  for (const { account, instruments, capacity } of accounts) {
    pulled.accountInstruments.add({ account }, instruments);
    pulled.accountCapacity.add({ account }, capacity);
  }
}

function collectConditions(pulled: Pulled, { accounts, sets }: OperatorSnapshot): void {
  const { accounts: ofAccounts, sets: ofSets } = operatorMetrics;
  for (const status of ofAccounts.labels.status) {
    for (const condition of ofAccounts.labels.condition) pulled.accounts.add({ condition, status }, 0);
    for (const condition of ofSets.labels.condition) pulled.sets.add({ condition, status }, 0);
  }
  for (const { type, status } of accounts.flatMap(({ conditions }) => conditions)) {
    pulled.accounts.add({ condition: type, status }, 1);
  }
  for (const { type, status } of sets.flatMap(({ conditions }) => conditions)) {
    pulled.sets.add({ condition: type, status }, 1);
  }
}
