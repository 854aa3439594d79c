/**
 * Every bound and wait of a shard, in one place. Milliseconds unless said otherwise. Tests and operators of unusual
 * feeds may give others.
 */
export interface ShardLimits {
  /** Bytes of batches that wait for the sink, for each slice; past it the oldest are dropped and counted. */
  readonly outboxBytes: number;
  /** Batches that wait for the sink, for each slice; past it the oldest are dropped and counted. */
  readonly outboxBatches: number;
  /** Bytes and batches in memory, for each slice, past which the oldest go to the spool, where there is one. */
  readonly spillBytes: number;
  readonly spillBatches: number;
  /** Bytes that are written to the spool, or read ahead from it, at once. */
  readonly spoolChunk: number;
  /**
   * The longest that a slice's feed is left unread in a row, where memory nears its bound and the spool takes on: well
   * below what any broker bears. It is read as long again before it is left the next time.
   */
  readonly feedPause: number;
  /** How long {@link import('./shard.ts').Shard.drain} writes what the sink did not take to the spool. */
  readonly sealTimeout: number;
  /** Calls in a row that the sink could not answer, before the breaker opens. */
  readonly breakerFailures: number;
  /** The breaker's first and longest rest. */
  readonly breakerRest: { readonly first: number; readonly most: number };
  /** Calls of one slice that may wait for their answers. */
  readonly callsInFlight: number;
  readonly batchesPerCall: number;
  readonly bytesPerCall: number;
  /** A slice says at least this often that it lives; PROTOCOL 1 asks for once a second. */
  readonly heartbeat: number;
  /** How often a successor renews its mark at the sink. */
  readonly markInterval: number;
  /** By how much one of two connections of an account may be behind the other; moves overlap by as much more. */
  readonly feedSkew: number;
  /** Bytes and batches that a successor holds, for each slice; past either the oldest go, and it is not warm. */
  readonly standbyBytes: number;
  readonly standbyBatches: number;
  /** An instrument that has sent nothing for this long after its subscription counts as subscribed all the same. */
  readonly confirmWait: number;
  /**
   * A new owner whose connection is open claims with the first ticks, or after this: until then a former owner that lives,
   * and is only not heard of, streams on.
   */
  readonly firstTicks: number;
  /** An instrument without any packet for this long after its subscription was sent is subscribed again. */
  readonly firstPacket: number;
  /** How often such a subscription is sent again before it is only reported. */
  readonly resubscribeAttempts: number;
  /** An instrument that ticked regularly is taken for lost after this many of its usual intervals … */
  readonly silentIntervals: number;
  /** … but never before this. */
  readonly silentAtLeast: number;
  /** A whole stream without a tick is doubted after its usual intervals too, but never before this. */
  readonly stalledAtLeast: number;
  /** A probed stream that doesn't answer within this is dead. */
  readonly probeAnswer: number;
  /** The longest that a quiet stream, whose probes are answered, is left unprobed. */
  readonly quietAtMost: number;
  /** How often subscriptions and data age are looked at. */
  readonly sweep: number;
  /** A connection that lived this long starts its backoff afresh. */
  readonly healthyAfter: number;
  /** A connection or login that takes longer is given up and tried again. */
  readonly connectTimeout: number;
  /** 403 answers to a connection, after a login that was accepted, before the credentials count as refused. */
  readonly refusedConnections: number;
  /** A sink that is away for less is not said to be: nothing is written for it, and what was kept is delivered soon. */
  readonly sinkGrace: number;
  /** Least time between two status writes of a slice; a few that a move waits for go out sooner. */
  readonly statusInterval: number;
  /** The longest that a slice which left the watch, but was not refused yet, is not looked up. */
  readonly lookup: number;
  /** Cut off from API server and sink for this long, a shard gives up connections that the account has none to spare of. */
  readonly detachedGrace: number;
  /** How long {@link import('./shard.ts').Shard.drain} waits for the sink's answers. */
  readonly drainTimeout: number;
  /** How long an instrument master is served before it is fetched again. */
  readonly masterAge: number;
  /** Share of every wait between connections and logins; 1 but for tests. */
  readonly backoffScale: number;
  /** How long before a session opens a slice connects. */
  readonly sessionLead: number;
  /** How long after a session's close a slice stays connected, for ticks that are on their way. */
  readonly sessionLag: number;
  /** Tokens of one question for spot prices. */
  readonly spotTokens: number;
}

export const defaultLimits: ShardLimits = {
  outboxBytes: 64 * 1024 * 1024,
  outboxBatches: 20_000,
  spillBytes: 16 * 1024 * 1024,
  spillBatches: 5_000,
  spoolChunk: 1024 * 1024,
  feedPause: 1_000,
  sealTimeout: 10_000,
  breakerFailures: 5,
  breakerRest: { first: 200, most: 2_000 },
  callsInFlight: 16,
  batchesPerCall: 64,
  bytesPerCall: 1024 * 1024,
  heartbeat: 800,
  markInterval: 100,
  feedSkew: 250,
  standbyBytes: 32 * 1024 * 1024,
  standbyBatches: 10_000,
  confirmWait: 3_000,
  firstTicks: 500,
  firstPacket: 10_000,
  resubscribeAttempts: 3,
  silentIntervals: 30,
  silentAtLeast: 30_000,
  stalledAtLeast: 10_000,
  probeAnswer: 5_000,
  quietAtMost: 3_600_000,
  sweep: 1_000,
  healthyAfter: 30_000,
  connectTimeout: 15_000,
  refusedConnections: 3,
  sinkGrace: 5_000,
  statusInterval: 1_000,
  lookup: 10_000,
  detachedGrace: 60_000,
  drainTimeout: 10_000,
  masterAge: 60_000,
  backoffScale: 1,
  sessionLead: 120_000,
  sessionLag: 10_000,
  spotTokens: 5_000,
};
