import { accountSession } from '../promql.ts';
import { type DashboardSpec, metric, type PanelSpec, p, perSecond, rate } from './spec.ts';

const account = 'account=~"$account"';
const shard = 'shard=~"$shard"';
const both = [account, shard] as const;

const now: readonly PanelSpec[] = [
  {
    title: 'Market open',
    description: 'Accounts that have a session now.',
    kind: 'stat',
    unit: 'short',
    queries: [{ expr: `sum(${metric(accountSession, account)})`, legend: 'open' }],
  },
  {
    title: 'Login accepted',
    description: '1 while the broker accepts the login.',
    kind: 'stat',
    unit: 'short',
    queries: [
      { expr: `min(max by (account) (${metric('ticker_account_credentials_valid', account)}))`, legend: 'accepted' },
    ],
    thresholds: { red: 1, down: true },
    alert: 'TickerCredentialsRefused',
  },
  {
    title: 'Connections',
    description: 'Open WebSocket connections to the broker.',
    kind: 'stat',
    unit: 'short',
    queries: [{ expr: `sum(${metric('ticker_connections_open', ...both)})`, legend: 'open' }],
    alert: 'TickerAccountDown',
  },
  {
    title: 'Newest tick',
    description: 'Its age, of the account that has waited longest. It grows while the market is closed.',
    kind: 'stat',
    unit: 's',
    queries: [{ expr: `max(min by (account) (${metric('ticker_last_tick_age_seconds', account)}))`, legend: 'age' }],
    alert: 'TickerTicksStale',
  },
  {
    title: 'Capacity used',
    description: 'Instruments placed, of those that the accounts may stream.',
    kind: 'stat',
    unit: 'percentunit',
    queries: [
      {
        expr: `sum(max by (namespace, account) (${metric('ticker_operator_account_instruments', account)})) / sum(max by (namespace, account) (${metric('ticker_operator_account_capacity', account)}))`,
        legend: 'used',
      },
    ],
    thresholds: { yellow: 0.8, red: 0.95 },
    alert: 'TickerCapacityExhausted',
  },
  {
    title: 'Lease renewed',
    description: 'How long ago, of the ticker pod that is latest; above 3 s its slices move.',
    kind: 'stat',
    unit: 's',
    queries: [{ expr: `max(${metric('ticker_lease_renewal_age_seconds', shard)})`, legend: 'ago' }],
    thresholds: { yellow: 2, red: 3 },
    alert: 'TickerLeaseLate',
  },
];

const ticks: readonly PanelSpec[] = [
  {
    title: 'Ticks received',
    description: 'By account.',
    kind: 'graph',
    unit: perSecond('ticks'),
    queries: [{ expr: `sum by (account) (${rate('ticker_ticks_received_total', ...both)})`, legend: '{{account}}' }],
    alert: 'TickerTicksStale',
  },
  {
    title: 'From frame to sink',
    description: 'received = invalid + unknown + unrouted + conflated + batched, where each set takes a tick once.',
    kind: 'graph',
    unit: perSecond('ticks'),
    queries: ['received', 'batched', 'published', 'conflated', 'late', 'spare'].map((what) => ({
      expr: `sum(${rate(`ticker_ticks_${what}_total`, ...both)})`,
      legend: what,
    })),
  },
  {
    title: 'Kept out',
    description: 'Ticks that no set gets, and frames that could not be decoded.',
    kind: 'graph',
    unit: perSecond('ticks'),
    queries: [
      ...['invalid', 'unknown', 'unrouted'].map((what) => ({
        expr: `sum(${rate(`ticker_ticks_${what}_total`, ...both)})`,
        legend: what,
      })),
      { expr: `sum(${rate('ticker_frames_malformed_total', ...both)})`, legend: 'malformed frames' },
    ],
    alert: 'TickerTicksInvalid',
  },
  {
    title: 'Validation rules broken',
    description: 'By rule, enforced or reported.',
    kind: 'graph',
    unit: perSecond('ticks'),
    queries: [{ expr: `sum by (rule) (${rate('ticker_validation_breaches_total', ...both)})`, legend: '{{rule}}' }],
    alert: 'TickerTicksInvalid',
  },
  {
    title: 'Greeks',
    description: 'Option ticks for which a volatility was found, and those without.',
    kind: 'graph',
    unit: perSecond('ticks'),
    queries: [{ expr: `sum by (result) (${rate('ticker_greeks_total', ...both)})`, legend: '{{result}}' }],
  },
  {
    title: 'Lost',
    description: 'Dropped, by reason, and lost by the sink.',
    kind: 'graph',
    unit: perSecond('ticks'),
    queries: [
      { expr: `sum by (reason) (${rate('ticker_ticks_dropped_total', ...both)})`, legend: 'dropped: {{reason}}' },
      { expr: `sum(${rate('ticker_ticks_lost_by_sink_total', ...both)})`, legend: 'lost by the sink' },
    ],
    thresholds: { red: 1 },
    alert: 'TickerTicksDropped',
  },
];

const broker: readonly PanelSpec[] = [
  {
    title: 'Slices',
    description: 'By phase.',
    kind: 'graph',
    unit: 'short',
    queries: [{ expr: `sum by (phase) (${metric('ticker_slices', ...both)})`, legend: '{{phase}}' }],
    alert: 'TickerSlicesUnowned',
  },
  {
    title: 'Instruments',
    description: 'Subscribed on open connections, of these ticking, and silent although they were subscribed again.',
    kind: 'graph',
    unit: 'short',
    queries: ['subscribed', 'ticking', 'silent'].map((what) => ({
      expr: `sum(${metric(`ticker_instruments_${what}`, ...both)})`,
      legend: what,
    })),
    alert: 'TickerInstrumentsSilent',
  },
  {
    title: 'Connections lost and refused',
    description: 'Within 5 minutes, by error code.',
    kind: 'graph',
    unit: 'short',
    noValue: 'none',
    queries: ['lost', 'refused'].map((what) => ({
      expr: `sum by (code) (increase(${metric(`ticker_connections_${what}_total`, ...both)}[5m]))`,
      legend: `${what}: {{code}}`,
    })),
    alert: 'TickerConnectionsUnstable',
  },
  {
    title: 'Logins that failed',
    description: 'Within 5 minutes, by error code.',
    kind: 'graph',
    unit: 'short',
    noValue: 'none',
    queries: [
      {
        expr: `sum by (account, code) (increase(${metric('ticker_login_failures_total', ...both)}[5m]))`,
        legend: '{{account}}: {{code}}',
      },
    ],
    alert: 'TickerCredentialsRefused',
  },
  {
    title: 'Slices taken over',
    description: 'warm: nothing is missing. cold: with a gap.',
    kind: 'graph',
    unit: 'short',
    queries: [
      { expr: `sum by (kind) (increase(${metric('ticker_moves_taken_total', ...both)}[5m]))`, legend: '{{kind}}' },
    ],
    alert: 'TickerHandoversFailing',
  },
  {
    title: 'Told to readers',
    description: 'Batches that tell of missing ticks, by reason, or that they may repeat some.',
    kind: 'graph',
    unit: 'short',
    noValue: 'none',
    queries: [
      { expr: `sum by (why) (increase(${metric('ticker_gaps_told_total', shard)}[5m]))`, legend: 'gap: {{why}}' },
      { expr: `sum(increase(${metric('ticker_overlaps_told_total', shard)}[5m]))`, legend: 'overlap' },
    ],
  },
];

const pod: readonly PanelSpec[] = [
  {
    title: 'Work on a frame',
    description: 'P50 and P99 of decoding, validating, enriching and gathering.',
    kind: 'graph',
    unit: 's',
    queries: [0.5, 0.99].map((q) => ({
      expr: p(q, 'shard', 'ticker_frame_processing_seconds', shard),
      legend: `P${q * 100} {{shard}}`,
    })),
  },
  {
    title: 'Stages of a batch',
    description: "P99. gather: until it is sealed, the set's window included; deliver: until the sink has accepted it.",
    kind: 'graph',
    unit: 's',
    queries: [{ expr: p(0.99, 'stage, shard', 'ticker_stage_duration_seconds', shard), legend: '{{stage}} {{shard}}' }],
    thresholds: { red: 0.25 },
    alert: 'TickerDeliverySlow',
  },
  {
    title: 'Calls to the sink',
    description: 'P99 by operation.',
    kind: 'graph',
    unit: 's',
    queries: [{ expr: p(0.99, 'operation', 'ticker_sink_call_duration_seconds', shard), legend: '{{operation}}' }],
    alert: 'TickerRedisUnreachable',
  },
  {
    title: 'Ticks in a batch',
    description: 'P50 and P99.',
    kind: 'graph',
    unit: 'short',
    queries: [0.5, 0.99].map((q) => ({ expr: p(q, '', 'ticker_batch_ticks', shard), legend: `P${q * 100}` })),
  },
  {
    title: 'Published',
    description: 'Payloads that the sink accepted.',
    kind: 'graph',
    unit: 'Bps',
    queries: [{ expr: `sum by (shard) (${rate('ticker_published_bytes_total', shard)})`, legend: '{{shard}}' }],
  },
  {
    title: 'Waiting for the sink',
    description: 'Ticks in memory and in the spool.',
    kind: 'graph',
    unit: 'short',
    queries: [
      { expr: `sum by (shard) (${metric('ticker_outbox_ticks', ...both)})`, legend: '{{shard}}' },
      { expr: `sum by (shard) (${metric('ticker_spool_ticks', shard)})`, legend: '{{shard}}, spooled' },
    ],
    alert: 'TickerSpoolFilling',
  },
  {
    title: 'Circuit breaker',
    description: '1 for the state that it is in.',
    kind: 'timeline',
    unit: 'short',
    span: 8,
    queries: [{ expr: metric('ticker_sink_breaker_state', shard), legend: '{{shard}} {{state}}' }],
    alert: 'TickerRedisUnreachable',
  },
  {
    title: 'Background tasks that failed',
    description: 'Within 5 minutes; they are restarted with backoff.',
    kind: 'graph',
    unit: 'short',
    queries: [
      {
        expr: `topk(10, sum by (job, task) (increase(${metric('ticker_task_failures_total')}[5m])))`,
        legend: '{{job}} {{task}}',
      },
    ],
    alert: 'TickerTasksFailing',
  },
  {
    title: 'Lines logged',
    description: 'By level.',
    kind: 'graph',
    unit: perSecond('lines'),
    queries: [{ expr: `sum by (level) (${rate('ticker_log_lines_total')})`, legend: '{{level}}' }],
    alert: 'TickerTasksFailing',
  },
];

export const drillDown: DashboardSpec = {
  uid: 'ticker-account',
  title: 'Ticks: account and ticker pod',
  description: 'Where it is: one account, or one ticker pod, in depth.',
  variables: ['account', 'shard'],
  rows: [
    { title: 'Now', panels: now },
    { title: 'Ticks of the account', panels: ticks },
    { title: 'At the broker', panels: broker },
    { title: 'The ticker pod', panels: pod },
  ],
};
