import type { World } from '../promtool.testing.ts';
import {
  account,
  gateway,
  gatewayPod,
  gone,
  grows,
  histogram,
  leading,
  openWorld,
  operator,
  pods,
  series,
  shard,
  standby,
  stays,
} from './world.testing.ts';

/** What lets an alert fire in an otherwise healthy installation, and what nearly does. */
export interface AlertCase {
  readonly fires: World;
  /** Labels of what fires, beside the alert's name and severity. */
  readonly labels: Readonly<Record<string, string>>;
  /** Just not enough. */
  readonly quiet: World;
  /** Where what it needs does not exist in a closed market, whatever its severity then would be. */
  readonly silentWhenClosed?: true;
}

const ns = { namespace: 'ticks' };
const ofAccount = { ...ns, account: 'desk/a' };
const ofShard = { ...ns, shard: 'ticker-0' };
const process = (target: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(target).filter(([label]) => label !== 'shard'));

/** Every series of a metric, or of every metric of a target, with these values. */
const all = (matching: RegExp, values: string): World =>
  Object.fromEntries(
    Object.keys(openWorld)
      .filter((key) => matching.test(key))
      .map((key) => [key, values]),
  );
const slowly = (name: string, labels: Readonly<Record<string, string>>, bounds: readonly number[], bound: number) =>
  histogram(name, labels, bound, bounds);
const reasons = { noCapacity: { reason: 'NoCapacity' }, noAccount: { reason: 'NoAccount' } };
const deliver = { ...pods, stage: 'deliver' };
const spoolBytes = shard('ticker_spool_bytes');
const dropped = account('ticker_ticks_dropped_total', { reason: 'full' });

export const alertCases: Readonly<Record<string, AlertCase>> = {
  TickerWatchdog: { fires: {}, labels: {}, quiet: {} },
  TickerNoData: { fires: all(/./, gone), labels: {}, quiet: all(/pod="ticker-(0|gateway|operator-a)/, gone) },
  TickerOperatorAbsent: {
    fires: all(/pod="ticker-operator/, gone),
    labels: ns,
    quiet: all(/pod="ticker-operator-a/, gone),
  },
  TickerShardsAbsent: { fires: all(/pod="ticker-0"/, gone), labels: ns, quiet: all(/pod="ticker-gateway/, gone) },
  TickerTargetDown: {
    fires: { [series('up', gatewayPod)]: stays(0) },
    labels: gatewayPod,
    quiet: { [series('up', { ...gatewayPod, job: 'something-else' })]: stays(0) },
  },
  TickerShardsNotScraped: {
    fires: { [operator('ticker_operator_workload_pods', { state: 'present' })]: stays(3) },
    labels: ns,
    quiet: { [operator('ticker_operator_workload_pods', { state: 'present' })]: stays(0) },
  },

  TickerNoLeader: {
    fires: { [operator('ticker_operator_leading')]: stays(0) },
    labels: ns,
    quiet: { [operator('ticker_operator_leading')]: stays(0), [series('ticker_operator_leading', standby)]: stays(1) },
  },
  TickerSeveralLeaders: {
    fires: { [series('ticker_operator_leading', standby)]: stays(1) },
    labels: ns,
    quiet: { [series('ticker_operator_leading', { ...standby, namespace: 'other' })]: stays(1) },
  },
  TickerReconcilesFailing: {
    fires: { [operator('ticker_operator_reconciles_total', { result: 'failed' })]: grows(1) },
    labels: ns,
    quiet: { [operator('ticker_operator_reconciles_total', { result: 'failed' })]: grows(0.2) },
  },
  TickerReconcileStuck: {
    fires: { [operator('ticker_operator_queue_depth')]: stays(1) },
    labels: ns,
    quiet: { [operator('ticker_operator_queue_depth')]: '1 1 1 0 1 1 1 0 '.repeat(6).trim() },
  },
  TickerReconcileSlow: {
    fires: slowly(
      'ticker_operator_reconcile_duration_seconds',
      { ...leading, result: 'succeeded' },
      [0.1, 1, 5, 10, 30],
      10,
    ),
    labels: ns,
    quiet: slowly(
      'ticker_operator_reconcile_duration_seconds',
      { ...leading, result: 'succeeded' },
      [0.1, 1, 5, 10, 30],
      5,
    ),
  },
  TickerWatchStale: {
    fires: { [operator('ticker_operator_watch_age_seconds', { kind: 'Lease' })]: grows(60) },
    labels: { ...ns, kind: 'Lease' },
    quiet: { [operator('ticker_operator_watch_age_seconds', { kind: 'Lease' })]: stays(149) },
  },
  TickerApiErrors: {
    fires: { [operator('ticker_api_requests_total', { verb: 'patch', resource: 'leases', status: '5xx' })]: grows(20) },
    labels: ns,
    quiet: { [operator('ticker_api_requests_total', { verb: 'patch', resource: 'leases', status: '5xx' })]: grows(5) },
  },
  TickerRolloutStopped: {
    fires: { [operator('ticker_operator_workload_rollout', { phase: 'Stopped' })]: stays(1) },
    labels: ns,
    quiet: { [operator('ticker_operator_workload_rollout', { phase: 'Watching' })]: stays(1) },
  },
  TickerInstrumentMasterOld: {
    fires: { [operator('ticker_operator_catalog_age_seconds', { market: 'kite' })]: grows(60, 110_000) },
    labels: { ...ns, market: 'kite' },
    quiet: { [operator('ticker_operator_catalog_age_seconds', { market: 'kite' })]: grows(60, 86_400) },
  },
  TickerHandoversFailing: {
    fires: { [operator('ticker_operator_moves_total', { kind: 'planned', result: 'failed' })]: grows(0.5) },
    labels: ns,
    quiet: { [operator('ticker_operator_moves_total', { kind: 'planned', result: 'cancelled' })]: grows(0.5) },
  },
  TickerSetsNotReady: {
    fires: { [operator('ticker_operator_sets', { condition: 'Ready', status: 'False' })]: stays(1) },
    labels: ns,
    quiet: { [operator('ticker_operator_sets', { condition: 'Resolved', status: 'False' })]: stays(1) },
  },

  TickerDoubleOwned: {
    fires: { [operator('ticker_operator_slices_double_owned')]: stays(1) },
    labels: ns,
    // What a replica that leads no longer remembers is not what is so.
    quiet: { [series('ticker_operator_slices_double_owned', standby)]: stays(1) },
  },
  TickerSlicesUnowned: {
    fires: { [operator('ticker_operator_slices_unowned')]: stays(2) },
    labels: ns,
    quiet: { [series('ticker_operator_slices_unowned', standby)]: stays(2) },
  },
  TickerShardSuspect: {
    fires: { [operator('ticker_operator_shards', { state: 'suspect' })]: stays(1) },
    labels: ns,
    quiet: { [operator('ticker_operator_shards', { state: 'draining' })]: stays(1) },
  },
  TickerShardsNotReady: {
    fires: { [operator('ticker_operator_workload_pods', { state: 'wanted' })]: stays(2) },
    labels: ns,
    quiet: { [operator('ticker_operator_workload_pods', { state: 'ready' })]: stays(2) },
  },
  TickerLeaseLate: {
    fires: { [shard('ticker_lease_renewal_age_seconds')]: stays(8) },
    labels: ofShard,
    quiet: { [shard('ticker_lease_renewal_age_seconds')]: stays(2.5) },
  },

  TickerAccountDown: {
    fires: { [account('ticker_connections_open')]: stays(0) },
    labels: ofAccount,
    // Somebody has suspended it.
    quiet: {
      [account('ticker_connections_open')]: stays(0),
      [operator('ticker_operator_account_capacity', { account: 'desk/a' })]: stays(0),
    },
  },
  TickerCredentialsRefused: {
    fires: { [account('ticker_account_credentials_valid')]: stays(0) },
    labels: ofAccount,
    // A successor that has not logged in yet.
    quiet: {
      [series('ticker_account_credentials_valid', { ...pods, shard: 'ticker-1', account: 'desk/a' })]: stays(0),
    },
  },
  TickerConnectionLimit: {
    fires: {
      [account('ticker_connections_refused_total', { code: 'PROVIDER_CONNECTION_LIMIT' })]: grows(2),
      [account('ticker_slices', { phase: 'Connecting' })]: stays(1),
    },
    labels: ofAccount,
    quiet: {
      [account('ticker_connections_refused_total', { code: 'PROVIDER_UNREACHABLE' })]: grows(2),
      [account('ticker_slices', { phase: 'Connecting' })]: stays(1),
    },
  },
  TickerConnectionsUnstable: {
    fires: { [account('ticker_connections_lost_total', { code: 'PROVIDER_CONNECTION_LOST' })]: grows(1) },
    labels: ofAccount,
    quiet: { [account('ticker_connections_lost_total', { code: 'PROVIDER_CONNECTION_LOST' })]: grows(0.2) },
  },
  TickerCapacityExhausted: {
    fires: { [operator('ticker_operator_instruments_unplaced', reasons.noCapacity)]: stays(120) },
    labels: ns,
    quiet: { [operator('ticker_operator_instruments_unplaced', reasons.noAccount)]: stays(120) },
  },
  TickerInstrumentsWithoutAccount: {
    fires: { [operator('ticker_operator_instruments_unplaced', reasons.noAccount)]: stays(5) },
    labels: { ...ns, ...reasons.noAccount },
    quiet: { [operator('ticker_operator_instruments_unplaced', reasons.noCapacity)]: stays(5) },
  },

  TickerTicksStale: {
    fires: { [account('ticker_last_tick_age_seconds')]: grows(60) },
    labels: ofAccount,
    // Nothing is subscribed, so nothing can come.
    quiet: {
      [account('ticker_last_tick_age_seconds')]: grows(60),
      [account('ticker_instruments_subscribed')]: stays(0),
    },
  },
  TickerInstrumentsSilent: {
    fires: {
      [account('ticker_instruments_silent')]: stays(400),
      [account('ticker_instruments_subscribed')]: stays(3000),
    },
    labels: ofAccount,
    quiet: { [account('ticker_instruments_silent')]: stays(200) },
  },
  TickerTicksInvalid: {
    fires: {
      [account('ticker_ticks_invalid_total')]: grows(1200),
      [account('ticker_ticks_received_total')]: grows(60_000),
    },
    labels: ofAccount,
    quiet: { [account('ticker_ticks_invalid_total')]: grows(500) },
  },
  TickerFramesMalformed: {
    fires: {
      [account('ticker_frames_malformed_total')]: grows(12),
      [account('ticker_frames_received_total')]: grows(6000),
    },
    labels: ofAccount,
    quiet: { [account('ticker_frames_malformed_total')]: grows(3) },
  },
  TickerExchangeDelay: {
    fires: slowly('ticker_exchange_delay_seconds', pods, [0.5, 1, 5, 10, 30], 10),
    labels: ofShard,
    quiet: slowly('ticker_exchange_delay_seconds', pods, [0.5, 1, 5, 10, 30], 5),
  },

  TickerRedisUnreachable: {
    fires: { [shard('ticker_sink_breaker_state', { state: 'closed' })]: stays(0) },
    labels: ofShard,
    quiet: { [shard('ticker_sink_breaker_state', { state: 'open' })]: stays(0) },
  },
  TickerSpoolFilling: { fires: { [spoolBytes]: stays(0.6e9) }, labels: ofShard, quiet: { [spoolBytes]: stays(0.4e9) } },
  TickerSpoolNearlyFull: {
    fires: { [spoolBytes]: stays(0.9e9) },
    labels: ofShard,
    quiet: { [spoolBytes]: stays(0.8e9) },
  },
  TickerSpoolNotWritable: {
    fires: { [shard('ticker_spool_writable')]: stays(0) },
    labels: ofShard,
    // A pod without a spool has none to write to.
    quiet: { [shard('ticker_spool_writable')]: stays(0), [shard('ticker_spool_limit_bytes')]: stays(0) },
  },
  TickerTicksDropped: {
    fires: { [dropped]: grows(100) },
    labels: ofAccount,
    quiet: { [account('ticker_ticks_dropped_total', { reason: 'ended' })]: grows(100) },
  },
  TickerTicksLostBySink: {
    fires: { [account('ticker_ticks_lost_by_sink_total')]: grows(1) },
    labels: ofAccount,
    quiet: { [account('ticker_ticks_lost_by_sink_total')]: stays(900) },
  },
  TickerDeliverySlow: {
    fires: slowly('ticker_stage_duration_seconds', deliver, [0.01, 0.1, 0.25, 0.5, 1], 0.5),
    labels: ns,
    quiet: slowly('ticker_stage_duration_seconds', deliver, [0.01, 0.1, 0.25, 0.5, 1], 0.25),
  },
  TickerFeedPaused: {
    fires: { [shard('ticker_feed_paused_seconds_total')]: grows(6) },
    labels: ofShard,
    quiet: { [shard('ticker_feed_paused_seconds_total')]: grows(1) },
  },

  TickerGatewaySlowReaders: {
    fires: { [gateway('ticker_gateway_batches_dropped_total')]: grows(120) },
    labels: ns,
    quiet: { [gateway('ticker_gateway_batches_dropped_total')]: grows(30) },
  },
  TickerGatewayRefusing: {
    fires: { [gateway('ticker_gateway_clients_refused_total', { code: 'GATEWAY_TOO_MANY_CLIENTS' })]: grows(1) },
    labels: { ...ns, code: 'GATEWAY_TOO_MANY_CLIENTS' },
    quiet: { [gateway('ticker_gateway_clients_refused_total', { code: 'GATEWAY_UNAUTHORIZED' })]: grows(1) },
  },

  TickerEventLoopLag: {
    fires: { [series('nodejs_eventloop_lag_p99_seconds', gatewayPod)]: stays(0.6) },
    labels: process(gatewayPod),
    // Another program of the namespace.
    quiet: { [series('nodejs_eventloop_lag_p99_seconds', { ...gatewayPod, instance: '10.0.0.9:80' })]: stays(0.6) },
  },
  TickerMemoryHigh: {
    fires: { [series('process_resident_memory_bytes', process(pods))]: stays(950e6) },
    labels: process(pods),
    quiet: { [series('process_resident_memory_bytes', process(pods))]: stays(850e6) },
  },
  TickerTasksFailing: {
    fires: { [series('ticker_task_failures_total', { ...process(pods), task: 'slice: delivery' })]: grows(1) },
    labels: { ...ns, job: 'ticker-shard', pod: 'ticker-0', task: 'slice: delivery' },
    quiet: { [series('ticker_task_failures_total', { ...process(pods), task: 'slice: delivery' })]: grows(0.2) },
  },

  ...budgetCases('Freshness', {
    fires: { [account('ticker_last_tick_age_seconds')]: stays(30) },
    quiet: { [account('ticker_last_tick_age_seconds')]: stays(9) },
  }),
  ...budgetCases('Completeness', {
    fires: { [dropped]: grows(120), [account('ticker_ticks_batched_total')]: grows(60_000) },
    quiet: { [dropped]: grows(3) },
  }),
  ...budgetCases('Latency', {
    fires: slowly('ticker_delivery_duration_seconds', pods, [0.01, 0.15, 0.25, 0.5, 1], 0.5),
    quiet: slowly('ticker_delivery_duration_seconds', pods, [0.01, 0.15, 0.25, 0.5, 1], 0.25),
  }),
};

function budgetCases(title: string, { fires, quiet }: Pick<AlertCase, 'fires' | 'quiet'>): Record<string, AlertCase> {
  const labels = { ...ns, slo: title.toLowerCase() };
  const both: AlertCase = { fires, labels, quiet, ...(title === 'Freshness' && { silentWhenClosed: true as const }) };
  return {
    [`Ticker${title}BudgetBurn`]: both,
    [`Ticker${title}BudgetErosion`]: both,
  };
}
