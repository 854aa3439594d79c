import type { MetricDefinition } from '../../runtime/metrics/definition.ts';

/** Seconds; dense around the usual window of 100 ms. */
const latency = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.25, 0.5, 1, 2.5, 10, 60];

const shard = { shard: 'shard' } as const;

export const sinkOperations = ['claim', 'send', 'sendLate', 'mark', 'end'] as const;
export type SinkOperation = (typeof sinkOperations)[number];

/** What a shard exposes of its calls to the sink: observed once a call or batch. */
export const sinkMetrics = {
  calls: {
    name: 'ticker_sink_calls_total',
    type: 'counter',
    help: 'Calls to the sink, by what it answered (see the ownership rules in docs/architecture.md). unavailable: no answer came; the call may have been written.',
    unit: 'calls',
    labels: {
      ...shard,
      operation: sinkOperations,
      answer: ['claimed', 'written', 'already', 'refused', 'claimFirst', 'gap', 'marked', 'ended', 'unavailable'],
    },
  },
  callDuration: {
    name: 'ticker_sink_call_duration_seconds',
    type: 'histogram',
    help: 'From a call to the sink to its answer, or to the end of the wait for it.',
    unit: 'seconds',
    labels: { ...shard, operation: sinkOperations },
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
  },
  bytes: {
    name: 'ticker_published_bytes_total',
    type: 'counter',
    help: 'Payloads of live batches and heartbeats that the sink accepted, each counted once, whatever number of transports carry it.',
    unit: 'bytes',
    labels: shard,
  },
  heartbeats: {
    name: 'ticker_heartbeats_published_total',
    type: 'counter',
    help: 'Batches without ticks, which tell quiet from dead.',
    unit: 'batches',
    labels: shard,
  },
  gaps: {
    name: 'ticker_gaps_told_total',
    type: 'counter',
    help: 'Live batches that tell readers of missing ticks, by reason.',
    unit: 'batches',
    labels: { ...shard, why: ['newOwner', 'reconnect', 'detached', 'redis', 'spool'] },
  },
  overlaps: {
    name: 'ticker_overlaps_told_total',
    type: 'counter',
    help: 'Live batches that tell readers that they may repeat ticks of another.',
    unit: 'batches',
    labels: shard,
  },
  trimmed: {
    name: 'ticker_stream_trimmed_batches_total',
    type: 'counter',
    help: 'Batches that went from the streams of the sink because new ones came: those past delivery.stream.maxLength.',
    unit: 'batches',
    labels: shard,
  },
  batchTicks: {
    name: 'ticker_batch_ticks',
    type: 'histogram',
    help: 'Ticks in a live batch.',
    unit: 'ticks',
    labels: shard,
    buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10_000],
  },
  stage: {
    name: 'ticker_stage_duration_seconds',
    type: 'histogram',
    help: "Of a live batch. gather: from its first tick's receipt to its sealing, the set's window included; deliver: from its sealing to the sink's acceptance.",
    unit: 'seconds',
    labels: { ...shard, stage: ['gather', 'deliver'] },
    buckets: latency,
  },
  delivery: {
    name: 'ticker_delivery_duration_seconds',
    type: 'histogram',
    help: "From the receipt of a live batch's first tick to the sink's acceptance: what its oldest tick waited.",
    unit: 'seconds',
    labels: shard,
    buckets: latency,
  },
  exchangeDelay: {
    name: 'ticker_exchange_delay_seconds',
    type: 'histogram',
    help: "From the exchange's time of a live batch's newest tick that has one to its receipt. Exchange times are whole seconds.",
    unit: 'seconds',
    labels: shard,
    buckets: [0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 30, 60],
  },
} as const satisfies Record<string, MetricDefinition>;
