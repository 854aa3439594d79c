import { accountSession } from '../promql.ts';
import { type DashboardSpec, metric, type PanelSpec, p, perSecond, rate } from './spec.ts';

const leading = `and on (namespace, instance) ${metric('ticker_operator_leading')} == 1`;

const now: readonly PanelSpec[] = [
  {
    title: 'Alerts that fire',
    description: 'Without the watchdog, which always does.',
    kind: 'stat',
    unit: 'short',
    queries: [
      {
        expr: 'count(ALERTS{alertname=~"Ticker.+", alertname!="TickerWatchdog", alertstate="firing"}) or vector(0)',
        legend: 'firing',
      },
    ],
    thresholds: { yellow: 1, red: 3 },
  },
  {
    title: 'Ticks received',
    description: 'From all brokers together.',
    kind: 'stat',
    unit: perSecond('ticks'),
    queries: [{ expr: `sum(${rate('ticker_ticks_received_total')})`, legend: 'received' }],
    alert: 'TickerTicksStale',
  },
  {
    title: 'Accounts connected',
    description: 'Of those whose market is open now, and open in all.',
    kind: 'stat',
    unit: 'short',
    queries: [
      {
        expr: `count(sum by (namespace, account) (${metric('ticker_connections_open')}) > 0) or vector(0)`,
        legend: 'connected',
      },
      { expr: `sum(${metric(accountSession)})`, legend: 'market open' },
    ],
    alert: 'TickerAccountDown',
  },
  {
    title: 'Slices unowned, double-owned',
    description: 'Both 0 when all is well, but for seconds while slices move.',
    kind: 'stat',
    unit: 'short',
    queries: [
      { expr: `sum(${metric('ticker_operator_slices_unowned')} ${leading})`, legend: 'unowned' },
      { expr: `sum(${metric('ticker_operator_slices_double_owned')} ${leading})`, legend: 'double-owned' },
    ],
    thresholds: { red: 1 },
    alert: 'TickerSlicesUnowned',
  },
  {
    title: 'Leaders',
    description: 'Exactly one in each namespace.',
    kind: 'stat',
    unit: 'short',
    queries: [{ expr: `sum by (namespace) (${metric('ticker_operator_leading')})`, legend: '{{namespace}}' }],
    thresholds: { red: 1, down: true },
    alert: 'TickerNoLeader',
  },
  {
    title: 'Error budget left',
    description: 'The objective that has least left, over 30 days.',
    kind: 'stat',
    unit: 'percentunit',
    queries: [{ expr: `min by (slo) (${metric('namespace_slo:ticker_budget_left:ratio_30d')})`, legend: '{{slo}}' }],
    thresholds: { yellow: 0.25, red: 0, down: true },
  },
];

const ticks: readonly PanelSpec[] = [
  {
    title: 'Ticks',
    description: 'Received from brokers, and accepted by the sink: live, or late after another owner had claimed.',
    kind: 'graph',
    unit: perSecond('ticks'),
    queries: ['received', 'published', 'late'].map((what) => ({
      expr: `sum(${rate(`ticker_ticks_${what}_total`)})`,
      legend: what,
    })),
    alert: 'TickerTicksStale',
  },
  {
    title: 'Ticks lost',
    description: 'Dropped from a full buffer, or lost by the sink after it had accepted them. 0 when all is well.',
    kind: 'graph',
    unit: perSecond('ticks'),
    queries: [
      { expr: `sum(${rate('ticker_ticks_dropped_total', 'reason="full"')})`, legend: 'dropped' },
      { expr: `sum(${rate('ticker_ticks_lost_by_sink_total')})`, legend: 'lost by the sink' },
    ],
    thresholds: { red: 1 },
    alert: 'TickerTicksDropped',
  },
  {
    title: 'Delivery',
    description: "From the receipt of a batch's first tick to the sink's acceptance, the window of the set included.",
    kind: 'graph',
    unit: 's',
    queries: [0.5, 0.99].map((q) => ({ expr: p(q, '', 'ticker_delivery_duration_seconds'), legend: `P${q * 100}` })),
    thresholds: { red: 0.25 },
    alert: 'TickerDeliverySlow',
  },
  {
    title: 'Behind the exchange',
    description: "P90 from the exchange's time to the receipt. Exchange times are whole seconds.",
    kind: 'graph',
    unit: 's',
    queries: [{ expr: p(0.9, 'shard', 'ticker_exchange_delay_seconds'), legend: '{{shard}}' }],
    thresholds: { red: 5 },
    alert: 'TickerExchangeDelay',
  },
  {
    title: 'Newest tick, the oldest ten',
    description: 'Age of the newest tick of the accounts that have waited longest while their market is open.',
    kind: 'graph',
    unit: 's',
    queries: [
      {
        expr: `topk(10, min by (namespace, account) (${metric('ticker_last_tick_age_seconds')}) and on (namespace, account) ${accountSession} == 1)`,
        legend: '{{account}}',
      },
    ],
    thresholds: { yellow: 10, red: 60 },
    alert: 'TickerTicksStale',
  },
  {
    title: 'Market open',
    description: 'By the calendar of each account.',
    kind: 'timeline',
    unit: 'short',
    span: 8,
    queries: [{ expr: metric(accountSession), legend: '{{account}}' }],
  },
];

const placement: readonly PanelSpec[] = [
  {
    title: 'Instruments',
    description: 'Asked for by all sets, found, given a place, and subscribed at the broker.',
    kind: 'graph',
    unit: 'short',
    queries: [
      { expr: `sum by (stage) (${metric('ticker_operator_instruments')} ${leading})`, legend: '{{stage}}' },
      { expr: `sum(${metric('ticker_instruments_subscribed')})`, legend: 'subscribed' },
    ],
    alert: 'TickerSetsNotReady',
  },
  {
    title: 'Instruments without a place',
    description: 'By reason. 0 when all is well.',
    kind: 'graph',
    unit: 'short',
    queries: [
      { expr: `sum by (reason) (${metric('ticker_operator_instruments_unplaced')} ${leading})`, legend: '{{reason}}' },
    ],
    thresholds: { red: 1 },
    alert: 'TickerCapacityExhausted',
  },
  {
    title: 'Ticker pods',
    description: 'By what the operator thinks of them.',
    kind: 'graph',
    unit: 'short',
    queries: [{ expr: `sum by (state) (${metric('ticker_operator_shards')} ${leading})`, legend: '{{state}}' }],
    alert: 'TickerShardSuspect',
  },
  {
    title: 'Handovers',
    description: 'Of slices to other ticker pods, by kind and result.',
    kind: 'graph',
    unit: perSecond('moves'),
    queries: [
      { expr: `sum by (kind, result) (${rate('ticker_operator_moves_total')})`, legend: '{{kind}} {{result}}' },
    ],
    alert: 'TickerHandoversFailing',
  },
  {
    title: 'Reconciles',
    description: 'P99 of their duration, and how many fail.',
    kind: 'graph',
    unit: 's',
    queries: [
      { expr: p(0.99, '', 'ticker_operator_reconcile_duration_seconds'), legend: 'P99' },
      { expr: `sum(${rate('ticker_operator_reconciles_total', 'result="failed"')})`, legend: 'failed a second' },
    ],
    thresholds: { red: 5 },
    alert: 'TickerReconcileSlow',
  },
  {
    title: 'Accounts and sets that are not Ready',
    description: 'At rest because their market is closed, they are Ready.',
    kind: 'graph',
    unit: 'short',
    queries: ['accounts', 'sets'].map((what) => ({
      expr: `sum(${metric(`ticker_operator_${what}`, 'condition="Ready"', 'status!="True"')} ${leading})`,
      legend: what,
    })),
    thresholds: { red: 1 },
    alert: 'TickerSetsNotReady',
  },
];

const machinery: readonly PanelSpec[] = [
  {
    title: 'Calls to the sink',
    description: 'By answer. unavailable: no answer came.',
    kind: 'graph',
    unit: perSecond('calls'),
    queries: [{ expr: `sum by (answer) (${rate('ticker_sink_calls_total')})`, legend: '{{answer}}' }],
    alert: 'TickerRedisUnreachable',
  },
  {
    title: 'Spool',
    description: 'Share of its bound that is used; past the bound the oldest ticks are dropped.',
    kind: 'graph',
    unit: 'percentunit',
    max: 1,
    queries: [
      {
        expr: `max by (shard) (${metric('ticker_spool_bytes')}) / (max by (shard) (${metric('ticker_spool_limit_bytes')}) > 0)`,
        legend: '{{shard}}',
      },
    ],
    thresholds: { yellow: 0.5, red: 0.85 },
    alert: 'TickerSpoolFilling',
    noValue: 'no spool',
  },
  {
    title: 'Gateway',
    description: 'Readers over WebSocket, and messages that they get.',
    kind: 'graph',
    unit: 'short',
    queries: [
      { expr: `sum(${metric('ticker_gateway_clients')})`, legend: 'readers' },
      { expr: `sum(${rate('ticker_gateway_messages_sent_total')})`, legend: 'messages a second' },
    ],
    alert: 'TickerGatewaySlowReaders',
  },
  {
    title: 'CPU',
    description: 'Of each process, in cores.',
    kind: 'graph',
    unit: 'short',
    queries: [
      {
        expr: `sum by (job, instance) (${rate('process_cpu_seconds_total')} and on (namespace, instance) ticker_build_info)`,
        legend: '{{job}} {{instance}}',
      },
    ],
  },
  {
    title: 'Memory',
    description: "Share of the container's limit.",
    kind: 'graph',
    unit: 'percentunit',
    max: 1,
    queries: [
      {
        expr: `${metric('process_resident_memory_bytes')} / ${metric('ticker_memory_limit_bytes')}`,
        legend: '{{job}} {{instance}}',
      },
    ],
    thresholds: { yellow: 0.8, red: 0.9 },
    alert: 'TickerMemoryHigh',
  },
  {
    title: "Event loop's lag",
    description: 'P99 of each process: by so much everything that it does is late.',
    kind: 'graph',
    unit: 's',
    queries: [
      {
        expr: `${metric('nodejs_eventloop_lag_p99_seconds')} and on (namespace, instance) ticker_build_info`,
        legend: '{{job}} {{instance}}',
      },
    ],
    thresholds: { red: 0.25 },
    alert: 'TickerEventLoopLag',
  },
];

export const fleet: DashboardSpec = {
  uid: 'ticker-fleet',
  title: 'Ticks: fleet',
  description: 'Whether all is well, over all accounts and ticker pods.',
  variables: [],
  rows: [
    { title: 'Now', panels: now },
    { title: 'Ticks', panels: ticks },
    { title: 'Placement', panels: placement },
    { title: 'Machinery', panels: machinery },
  ],
};
