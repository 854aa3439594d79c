import type { MetricDefinition } from '../../runtime/metrics/definition.ts';

const shard = { shard: 'shard' } as const;

export const breakerStates = ['closed', 'halfOpen', 'open'] as const;

/** What a shard exposes of how it does without its sink: of the circuit breaker and the spool. */
export const outageMetrics = {
  breaker: {
    name: 'ticker_sink_breaker_state',
    type: 'gauge',
    help: '1 for the state that the circuit breaker before the sink is in, else 0; of a cluster, the one that is farthest from closed.',
    unit: '0 or 1',
    labels: { ...shard, state: breakerStates },
  },
  opened: {
    name: 'ticker_sink_breaker_opened_total',
    type: 'counter',
    help: 'Times that the circuit breaker opened because calls in a row had no answer.',
    unit: 'times',
    labels: shard,
  },
  rejected: {
    name: 'ticker_sink_breaker_rejected_total',
    type: 'counter',
    help: 'Calls that it turned away; their batches wait.',
    unit: 'calls',
    labels: shard,
  },
  spoolBytes: {
    name: 'ticker_spool_bytes',
    type: 'gauge',
    help: 'Files of the spool; 0 without one.',
    unit: 'bytes',
    labels: shard,
  },
  spoolLimit: {
    name: 'ticker_spool_limit_bytes',
    type: 'gauge',
    help: 'Bound of the spool; past it the oldest ticks are dropped. 0 without one.',
    unit: 'bytes',
    labels: shard,
  },
  spoolSegments: {
    name: 'ticker_spool_segments',
    type: 'gauge',
    help: 'Files of the spool.',
    unit: 'files',
    labels: shard,
  },
  spoolBatches: {
    name: 'ticker_spool_batches',
    type: 'gauge',
    help: 'Batches in the spool that wait for the sink.',
    unit: 'batches',
    labels: shard,
  },
  spoolTicks: {
    name: 'ticker_spool_ticks',
    type: 'gauge',
    help: 'Ticks in the spool that wait for the sink, so that they outlive the process.',
    unit: 'ticks',
    labels: shard,
  },
  spoolWritten: {
    name: 'ticker_spool_written_batches_total',
    type: 'counter',
    help: 'Batches written to the spool.',
    unit: 'batches',
    labels: shard,
  },
  spoolReplayed: {
    name: 'ticker_spool_replayed_batches_total',
    type: 'counter',
    help: 'Batches read back from the spool to be delivered.',
    unit: 'batches',
    labels: shard,
  },
  spoolDropped: {
    name: 'ticker_spool_dropped_batches_total',
    type: 'counter',
    help: 'Batches dropped with the oldest segment because the spool reached its bound; their ticks are in ticker_ticks_dropped_total.',
    unit: 'batches',
    labels: shard,
  },
  spoolWritable: {
    name: 'ticker_spool_writable',
    type: 'gauge',
    help: '1 while the spool takes what is written, 0 where it does not, or where there is none.',
    unit: '0 or 1',
    labels: shard,
  },
  feedPauses: {
    name: 'ticker_feed_pauses_total',
    type: 'counter',
    help: 'Times that the feed of a slice was left unread, for a second at most, because memory neared its bound while the spool was taking it over.',
    unit: 'times',
    labels: shard,
  },
  feedPaused: {
    name: 'ticker_feed_paused_seconds_total',
    type: 'counter',
    help: 'Time that feeds were left unread, over all slices.',
    unit: 'seconds',
    labels: shard,
  },
  spoolFailures: {
    name: 'ticker_spool_write_failures_total',
    type: 'counter',
    help: 'Writes to the spool that failed; what they held stayed in memory.',
    unit: 'writes',
    labels: shard,
  },
} as const satisfies Record<string, MetricDefinition>;
