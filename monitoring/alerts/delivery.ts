import { increaseBy, maxBy, quantile, rateBy } from '../promql.ts';
import { type Alert, accountOpenElseWarn, always, openElseWarn } from './definition.ts';

const shard = 'namespace, shard';
const spoolFill = `${maxBy(shard, 'ticker_spool_bytes')} / (${maxBy(shard, 'ticker_spool_limit_bytes')} > 0)`;

/** The way to the sink, and what is kept while it is away. */
export const deliveryAlerts: readonly Alert[] = [
  {
    name: 'TickerRedisUnreachable',
    severity: 'critical',
    hours: openElseWarn,
    for: '1m',
    expr: `${maxBy(shard, 'ticker_sink_breaker_state{state="closed"}')} == 0`,
    summary: 'Ticker pod {{ $labels.shard }} of {{ $labels.namespace }} cannot reach Redis: readers get nothing.',
    description:
      'Its circuit breaker is open. Ticks are kept, in memory and then in the spool, and delivered when Redis is back.',
  },
  {
    name: 'TickerSpoolFilling',
    severity: 'warning',
    hours: always,
    for: '1m',
    expr: `${spoolFill} > 0.5`,
    summary: 'The spool of {{ $labels.shard }} is more than half full: Redis takes too little.',
    description: 'It is {{ $value | humanizePercentage }} full; when it is full, the oldest ticks are dropped.',
  },
  {
    name: 'TickerSpoolNearlyFull',
    severity: 'critical',
    hours: openElseWarn,
    for: '30s',
    expr: `${spoolFill} > 0.85`,
    summary: 'The spool of {{ $labels.shard }} is nearly full: ticks are about to be lost.',
    description: 'It is {{ $value | humanizePercentage }} full; the oldest ticks are dropped next.',
  },
  {
    name: 'TickerSpoolNotWritable',
    severity: 'warning',
    hours: always,
    for: '1m',
    expr: `${maxBy(shard, 'ticker_spool_writable')} == 0 and on (${shard}) ${maxBy(shard, 'ticker_spool_limit_bytes')} > 0`,
    summary: 'Ticker pod {{ $labels.shard }} cannot write its spool: while Redis is away, only memory keeps ticks.',
    description: 'The volume is full, read-only or gone.',
  },
  {
    name: 'TickerTicksDropped',
    severity: 'critical',
    hours: accountOpenElseWarn,
    for: '0m',
    expr: `${increaseBy('namespace, account', 'ticker_ticks_dropped_total{reason="full"}', '5m')} > 0`,
    summary: 'Ticks of account {{ $labels.account }} are being lost: Redis has been away for too long.',
    description: '{{ $value | humanize }} ticks were dropped within 5 minutes; readers were told of the gap.',
  },
  {
    name: 'TickerTicksLostBySink',
    severity: 'warning',
    hours: always,
    for: '0m',
    expr: `${increaseBy('namespace, account', 'ticker_ticks_lost_by_sink_total', '10m')} > 0`,
    summary: 'Redis has lost ticks of account {{ $labels.account }} that it had accepted.',
    description:
      '{{ $value | humanize }} ticks. It was restarted without its data, or failed over to a replica that lacked them.',
  },
  {
    name: 'TickerDeliverySlow',
    severity: 'warning',
    hours: always,
    for: '10m',
    expr: `${quantile(0.99, 'namespace', 'ticker_stage_duration_seconds_bucket{stage="deliver"}', '5m')} > 0.25`,
    summary: 'Ticks of {{ $labels.namespace }} reach Redis late.',
    description: "P99 from a batch's sealing to its acceptance is {{ $value | humanizeDuration }}.",
  },
  {
    name: 'TickerFeedPaused',
    severity: 'warning',
    hours: always,
    for: '5m',
    expr: `${rateBy(shard, 'ticker_feed_paused_seconds_total', '5m')} > 0.05`,
    summary: 'Ticker pod {{ $labels.shard }} leaves its feeds unread, for memory is nearly full.',
    description:
      'Feeds were paused {{ $value | humanizePercentage }} of the time; the process or its disk cannot keep up.',
  },
];
