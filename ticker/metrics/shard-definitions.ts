import type { MetricDefinition } from '../../runtime/metrics/definition.ts';
import { ruleNames } from '../pipeline/validation/rules.ts';

/** Stable codes of errors that end a connection or refuse one, or a login; see `docs/reference/errors.md`. */
const connectionCodes = [
  'PROVIDER_CONNECTION_LOST',
  'PROVIDER_CONNECTION_SILENT',
  'PROVIDER_CONNECTION_LIMIT',
  'PROVIDER_RATE_LIMITED',
  'PROVIDER_UNREACHABLE',
  'PROVIDER_BAD_RESPONSE',
  'PROVIDER_CREDENTIALS_REFUSED',
  'SHARD_STREAM_STALLED',
] as const;
const loginCodes = [
  'PROVIDER_CREDENTIALS_REFUSED',
  'PROVIDER_CREDENTIALS_MISSING',
  'PROVIDER_RATE_LIMITED',
  'PROVIDER_UNREACHABLE',
  'PROVIDER_BAD_RESPONSE',
  'PROVIDER_UNKNOWN',
] as const;

export const slicePhases = ['Connecting', 'Streaming', 'Draining', 'Suspended', 'Refused', 'Failed'] as const;

const byAccount = { shard: 'shard', account: 'account' } as const;

/**
 * What a shard exposes of each account that it serves, read at the scrape from counters that it keeps anyway. `ticks` is
 * a counter of ticks; a tick that two sets take counts twice from `batched` on.
 */
export const shardMetrics = {
  frames: {
    name: 'ticker_frames_received_total',
    type: 'counter',
    help: 'Frames with ticks that the broker sent.',
    unit: 'frames',
    labels: byAccount,
  },
  malformed: {
    name: 'ticker_frames_malformed_total',
    type: 'counter',
    help: 'Frames that could not be decoded to their end; the ticks before the fault are kept.',
    unit: 'frames',
    labels: byAccount,
  },
  received: {
    name: 'ticker_ticks_received_total',
    type: 'counter',
    help: 'Ticks decoded. Each is invalid, unknown, unrouted, or batched at least once.',
    unit: 'ticks',
    labels: byAccount,
  },
  invalid: {
    name: 'ticker_ticks_invalid_total',
    type: 'counter',
    help: 'Ticks kept out of every set because they break an enforced validation rule.',
    unit: 'ticks',
    labels: byAccount,
  },
  breaches: {
    name: 'ticker_validation_breaches_total',
    type: 'counter',
    help: 'Validation rules broken, enforced or reported. A tick may break several.',
    unit: 'breaches',
    labels: { ...byAccount, rule: ruleNames },
  },
  unknown: {
    name: 'ticker_ticks_unknown_total',
    type: 'counter',
    help: 'Ticks of an instrument token that the slice does not have, such as one just unsubscribed.',
    unit: 'ticks',
    labels: byAccount,
  },
  unrouted: {
    name: 'ticker_ticks_unrouted_total',
    type: 'counter',
    help: 'Ticks of an underlying that is streamed for the Greeks of its options only.',
    unit: 'ticks',
    labels: byAccount,
  },
  greeks: {
    name: 'ticker_greeks_total',
    type: 'counter',
    help: 'Option ticks whose implied volatility and Greeks were looked for. Unsolved: no volatility explains the price, or the underlying has no price yet.',
    unit: 'ticks',
    labels: { ...byAccount, result: ['solved', 'unsolved'] },
  },
  batched: {
    name: 'ticker_ticks_batched_total',
    type: 'counter',
    help: 'Ticks put into batches: published + late + dropped + waiting.',
    unit: 'ticks',
    labels: byAccount,
  },
  published: {
    name: 'ticker_ticks_published_total',
    type: 'counter',
    help: 'Ticks that the sink accepted live.',
    unit: 'ticks',
    labels: byAccount,
  },
  batches: {
    name: 'ticker_batches_published_total',
    type: 'counter',
    help: 'Batches with ticks that the sink accepted live.',
    unit: 'batches',
    labels: byAccount,
  },
  late: {
    name: 'ticker_ticks_late_total',
    type: 'counter',
    help: "Ticks that the sink accepted after a newer owner's claim: they are in the late stream only.",
    unit: 'ticks',
    labels: byAccount,
  },
  dropped: {
    name: 'ticker_ticks_dropped_total',
    type: 'counter',
    help: 'Ticks that nobody gets. full: the buffer reached its bound while the sink was away, and the next batch tells the gap; ended: the slice has ended, or the sink keeps nothing of so old an owner.',
    unit: 'ticks',
    labels: { ...byAccount, reason: ['full', 'ended'] },
  },
  lostBySink: {
    name: 'ticker_ticks_lost_by_sink_total',
    type: 'counter',
    help: 'Ticks that the sink had accepted and lost afterwards with its data, as far as that is remembered.',
    unit: 'ticks',
    labels: byAccount,
  },
  heldTicks: {
    name: 'ticker_outbox_ticks',
    type: 'gauge',
    help: 'Ticks that wait for the sink.',
    unit: 'ticks',
    labels: byAccount,
  },
  heldBatches: {
    name: 'ticker_outbox_batches',
    type: 'gauge',
    help: 'Batches that wait for the sink.',
    unit: 'batches',
    labels: byAccount,
  },
  heldBytes: {
    name: 'ticker_outbox_bytes',
    type: 'gauge',
    help: 'Encoded batches that wait for the sink.',
    unit: 'bytes',
    labels: byAccount,
  },
  slices: {
    name: 'ticker_slices',
    type: 'gauge',
    help: 'Slices that the shard serves, by phase.',
    unit: 'slices',
    labels: { ...byAccount, phase: slicePhases },
  },
  connections: {
    name: 'ticker_connections_open',
    type: 'gauge',
    help: 'WebSocket connections to the broker that are open.',
    unit: 'connections',
    labels: byAccount,
  },
  opened: {
    name: 'ticker_connections_opened_total',
    type: 'counter',
    help: 'WebSocket connections to the broker that were opened; above one for each slice they are reconnects.',
    unit: 'connections',
    labels: byAccount,
  },
  lost: {
    name: 'ticker_connections_lost_total',
    type: 'counter',
    help: 'Open connections that ended though they were wanted, by error code.',
    unit: 'connections',
    labels: { ...byAccount, code: connectionCodes },
  },
  refused: {
    name: 'ticker_connections_refused_total',
    type: 'counter',
    help: 'Connections that could not be opened, by error code: the WebSocket upgrade was refused, or nobody answered.',
    unit: 'connections',
    labels: { ...byAccount, code: connectionCodes },
  },
  loginFailures: {
    name: 'ticker_login_failures_total',
    type: 'counter',
    help: 'Logins that failed, by error code.',
    unit: 'logins',
    labels: { ...byAccount, code: loginCodes },
  },
  credentials: {
    name: 'ticker_account_credentials_valid',
    type: 'gauge',
    help: "1 while the broker accepts the account's login, else 0.",
    unit: '0 or 1',
    labels: byAccount,
  },
  tickAge: {
    name: 'ticker_last_tick_age_seconds',
    type: 'gauge',
    help: 'Since the newest frame with ticks on any connection of the account; before the first, since the shard took the account up.',
    unit: 'seconds',
    labels: byAccount,
  },
  subscribed: {
    name: 'ticker_instruments_subscribed',
    type: 'gauge',
    help: 'Instruments asked for on open connections.',
    unit: 'instruments',
    labels: byAccount,
  },
  ticking: {
    name: 'ticker_instruments_ticking',
    type: 'gauge',
    help: 'Instruments that have ticked live since they were subscribed.',
    unit: 'instruments',
    labels: byAccount,
  },
  silent: {
    name: 'ticker_instruments_silent',
    type: 'gauge',
    help: 'Instruments that send nothing although they were subscribed repeatedly.',
    unit: 'instruments',
    labels: byAccount,
  },
  leaseAge: {
    name: 'ticker_lease_renewal_age_seconds',
    type: 'gauge',
    help: "Since the API server last took a renewal of the shard's lease; above 3 s the operator suspects the shard.",
    unit: 'seconds',
    labels: { shard: 'shard' },
  },
  frameDuration: {
    name: 'ticker_frame_processing_seconds',
    type: 'histogram',
    help: 'Decoding, validating, enriching and gathering one frame.',
    unit: 'seconds',
    labels: { shard: 'shard' },
    buckets: [5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.05],
  },
} as const satisfies Record<string, MetricDefinition>;
