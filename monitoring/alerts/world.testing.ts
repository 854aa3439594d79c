import type { World } from '../promtool.testing.ts';

/** A healthy installation as Prometheus sees it, for an hour: the ground that cases change something of. */

const minutes = 45;
/** A gauge that stays. */
export const stays = (value: number): string => `${value}x${minutes}`;
/** A counter that grows by so much a minute. */
export const grows = (perMinute: number, from = 0): string => `${from}+${perMinute}x${minutes}`;
/** Not there. */
export const gone = `_x${minutes}`;

type Labels = Readonly<Record<string, string>>;

export function series(name: string, labels: Labels): string {
  return `${name}{${Object.entries(labels)
    .map(([key, value]) => `${key}="${value}"`)
    .join(',')}}`;
}

const target = (component: string, pod: string, host: number): Labels => ({
  namespace: 'ticks',
  job: `ticker-${component}`,
  pod,
  instance: `10.0.0.${host}:9464`,
});
export const leading = target('operator', 'ticker-operator-a', 1);
export const standby = target('operator', 'ticker-operator-b', 2);
export const pods = { ...target('shard', 'ticker-0', 3), shard: 'ticker-0' };
export const gatewayPod = target('gateway', 'ticker-gateway-a', 4);
const { shard: _, ...shardTarget } = pods;
export const processes = [leading, standby, shardTarget, gatewayPod];

/** Of the leading operator. */
export const operator = (name: string, labels: Labels = {}): string => series(name, { ...leading, ...labels });
/** Of the ticker pod. */
export const shard = (name: string, labels: Labels = {}): string => series(name, { ...pods, ...labels });
/** Of the account that the ticker pod serves. */
export const account = (name: string, labels: Labels = {}): string => shard(name, { account: 'desk/a', ...labels });
export const gateway = (name: string, labels: Labels = {}): string => series(name, { ...gatewayPod, ...labels });

function each(keys: readonly string[], value: string): World {
  return Object.fromEntries(keys.map((key) => [key, value]));
}

/** Cumulative buckets of a histogram in which everything lies at or below `bound`, of so many a minute. */
export function histogram(
  name: string,
  labels: Labels,
  bound: number,
  bounds: readonly number[],
  perMinute = 600,
): World {
  const bucket = (le: number | '+Inf'): [string, string] => [
    series(`${name}_bucket`, { ...labels, le: String(le) }),
    grows(le === '+Inf' || le >= bound ? perMinute : 0),
  ];
  return Object.fromEntries([
    ...bounds.map(bucket),
    bucket('+Inf'),
    [series(`${name}_count`, labels), grows(perMinute)],
  ]);
}

/** Everything is well, and the market is open. */
export const openWorld: World = {
  ...each(
    processes.map((labels) => series('up', labels)),
    stays(1),
  ),
  ...each(
    processes.map((labels) => series('ticker_build_info', { ...labels, version: '0.1.0', node: '24' })),
    stays(1),
  ),
  ...each(
    processes.map((labels) => series('nodejs_eventloop_lag_p99_seconds', labels)),
    stays(0.012),
  ),
  ...each(
    processes.map((labels) => series('process_resident_memory_bytes', labels)),
    stays(300e6),
  ),
  ...each(
    processes.map((labels) => series('ticker_memory_limit_bytes', labels)),
    stays(1000e6),
  ),
  ...each(
    processes.map((labels) => series('ticker_task_failures_total', { ...labels, task: 'slice: delivery' })),
    stays(2),
  ),
  [series('ticker_operator_leading', leading)]: stays(1),
  [series('ticker_operator_leading', standby)]: stays(0),
  [operator('ticker_operator_reconciles_total', { result: 'failed' })]: stays(1),
  [operator('ticker_operator_workload_reconciles_total', { result: 'failed' })]: stays(1),
  [operator('ticker_operator_queue_depth')]: stays(0),
  ...histogram(
    'ticker_operator_reconcile_duration_seconds',
    { ...leading, result: 'succeeded' },
    0.1,
    [0.1, 1, 5, 10, 30],
    10,
  ),
  [operator('ticker_operator_watch_age_seconds', { kind: 'Lease' })]: stays(2),
  [operator('ticker_api_requests_total', { verb: 'patch', resource: 'leases', status: '2xx' })]: grows(120),
  [operator('ticker_api_requests_total', { verb: 'patch', resource: 'leases', status: '5xx' })]: stays(3),
  [operator('ticker_operator_workload_rollout', { phase: 'Stopped' })]: stays(0),
  [operator('ticker_operator_workload_pods', { state: 'wanted' })]: stays(1),
  [operator('ticker_operator_workload_pods', { state: 'present' })]: stays(1),
  [operator('ticker_operator_workload_pods', { state: 'ready' })]: stays(1),
  [operator('ticker_operator_catalog_age_seconds', { market: 'kite' })]: grows(60, 3600),
  [operator('ticker_operator_moves_total', { kind: 'planned', result: 'failed' })]: stays(4),
  [operator('ticker_operator_sets', { condition: 'Ready', status: 'False' })]: stays(0),
  [operator('ticker_operator_slices_double_owned')]: stays(0),
  [operator('ticker_operator_slices_unowned')]: stays(0),
  [operator('ticker_operator_shards', { state: 'suspect' })]: stays(0),
  [operator('ticker_operator_instruments_unplaced', { reason: 'NoCapacity' })]: stays(0),
  [operator('ticker_operator_instruments_unplaced', { reason: 'NoAccount' })]: stays(0),
  [operator('ticker_operator_account_capacity', { account: 'desk/a' })]: stays(9000),
  [operator('ticker_operator_account_session_open', { account: 'desk/a' })]: stays(1),
  [shard('ticker_lease_renewal_age_seconds')]: stays(0.4),
  [shard('ticker_sink_breaker_state', { state: 'closed' })]: stays(1),
  [shard('ticker_spool_bytes')]: stays(0),
  [shard('ticker_spool_limit_bytes')]: stays(1e9),
  [shard('ticker_spool_writable')]: stays(1),
  [shard('ticker_feed_paused_seconds_total')]: stays(3),
  ...histogram('ticker_stage_duration_seconds', { ...pods, stage: 'deliver' }, 0.01, [0.01, 0.1, 0.25, 0.5, 1]),
  ...histogram('ticker_delivery_duration_seconds', pods, 0.15, [0.01, 0.15, 0.25, 0.5, 1]),
  ...histogram('ticker_exchange_delay_seconds', pods, 1, [0.5, 1, 5, 10, 30]),
  [account('ticker_session_open')]: stays(1),
  [account('ticker_connections_open')]: stays(3),
  [account('ticker_account_credentials_valid')]: stays(1),
  [account('ticker_slices', { phase: 'Connecting' })]: stays(0),
  [account('ticker_connections_lost_total', { code: 'PROVIDER_CONNECTION_LOST' })]: stays(2),
  [account('ticker_last_tick_age_seconds')]: stays(0.2),
  [account('ticker_instruments_subscribed')]: stays(3000),
  [account('ticker_instruments_silent')]: stays(2),
  [account('ticker_ticks_received_total')]: grows(60_000),
  [account('ticker_ticks_batched_total')]: grows(60_000),
  [account('ticker_ticks_invalid_total')]: grows(6),
  [account('ticker_frames_received_total')]: grows(6000),
  [account('ticker_frames_malformed_total')]: stays(1),
  [account('ticker_ticks_dropped_total', { reason: 'full' })]: stays(0),
  [account('ticker_ticks_dropped_total', { reason: 'ended' })]: grows(1),
  [account('ticker_ticks_lost_by_sink_total')]: stays(0),
  [gateway('ticker_gateway_batches_dropped_total')]: stays(5),
  [gateway('ticker_gateway_messages_sent_total')]: grows(6000),
  [gateway('ticker_gateway_clients_refused_total', { code: 'GATEWAY_UNKNOWN_SET' })]: grows(1),
};

/** What a closed market changes: connections are closed, nothing comes, and the newest tick grows old. */
export const closed: World = {
  [operator('ticker_operator_account_session_open', { account: 'desk/a' })]: stays(0),
  [account('ticker_session_open')]: stays(0),
  [account('ticker_connections_open')]: stays(0),
  [account('ticker_last_tick_age_seconds')]: grows(60, 36_000),
  [account('ticker_instruments_subscribed')]: stays(0),
  [account('ticker_instruments_silent')]: stays(0),
  ...each(
    [
      account('ticker_ticks_received_total'),
      account('ticker_ticks_batched_total'),
      account('ticker_ticks_invalid_total'),
      account('ticker_frames_received_total'),
    ],
    stays(1e6),
  ),
  ...Object.fromEntries(
    Object.keys(openWorld)
      .filter((key) => /^ticker_(stage|delivery|exchange)_.*_(bucket|count)/.test(key))
      .map((key) => [key, stays(1000)]),
  ),
};
