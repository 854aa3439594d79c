import { IntervalSet } from './interval-set.ts';
import type { LedgerEntry, ReaderReport, SentRange, ShardReport, SliceSeen } from './messages.ts';

/** What became of every tick of a run, in ticks. */
export interface Account {
  readonly sent: number;
  /** Sent by the broker, and not received by a shard: its connection had ended. */
  readonly notReceived: number;
  readonly invalid: number;
  /** In the hands of the reader of streams, each counted once. */
  readonly received: number;
  /** In batches that Redis acknowledged and lost with its data before that reader had them. */
  readonly lostByRedis: number;
  /** These batches: slice, token, first and last `seq`. */
  readonly lostBatches: ReaderReport['missing'];
  /** Batches of which reader and ledger do not agree that they were acknowledged and are missing. */
  readonly disputed: number;
  /**
   * Dropped past a bound by the shard's count, and as the gaps told it to the reader. Where a batch comes after both what
   * was dropped and what Redis lost, its gap tells the sum of the two: what the shard counts as lost by Redis is taken off.
   */
  readonly dropped: number;
  readonly told: number;
  /** What is left: `sent − notReceived − invalid − received − lostByRedis − dropped`. */
  readonly lost: number;
  /** Read twice: in batches that do not say so, and in batches that do (`overlap`). */
  readonly duplicated: number;
  readonly repeated: number;
  /** Published, and not heard by the reader of Pub/Sub; and heard twice. */
  readonly pubsubMissed: number;
  readonly pubsubDuplicated: number;
}

export interface Evidence {
  readonly ranges: readonly SentRange[];
  /** The last word of each shard process, in order. */
  readonly shards: readonly ShardReport[];
  readonly ledger: readonly LedgerEntry[];
  readonly streams: ReaderReport;
  readonly pubsub: ReaderReport;
  /** Redis lost its data in this run; else nothing that it acknowledged may be missing. */
  readonly redisLost?: boolean;
}

/** Closes the sum over broker, shards, ledger and readers, none of which knows of another's count. */
export function closeAccount(evidence: Evidence): Account {
  const { ranges, shards, ledger, streams, pubsub, redisLost = false } = evidence;
  const sent = sum(ranges.map(({ from, to }) => to - from));
  const receivedByShards = sum(shards.flatMap((shard) => Object.values(shard.received)));
  const notReceived = sent - receivedByShards;
  const invalid = sum(shards.map(({ totals }) => totals.invalid + totals.unknown));
  const dropped = sum(shards.map(({ totals }) => totals.lost));
  const received = distinct(streams);
  const unread = ledger.filter(([uid, epoch, claim, seq]) => !hasBatch(streams.slices, uid, `${epoch}.${claim}`, seq));
  const lostByRedis = redisLost ? sum(unread.map(([, , , , count]) => count)) : 0;
  return {
    sent,
    notReceived,
    invalid,
    received,
    lostByRedis,
    lostBatches: streams.missing,
    disputed: disputed(unread, streams),
    dropped,
    told:
      (streams.told['spool'] ?? 0) + (streams.told['redis'] ?? 0) - sum(shards.map(({ totals }) => totals.lostBySink)),
    lost: sent - notReceived - invalid - received - lostByRedis - dropped,
    duplicated: streams.duplicated,
    repeated: streams.repeated,
    pubsubMissed: receivedByShards - invalid - dropped - distinct(pubsub),
    pubsubDuplicated: pubsub.duplicated,
  };
}

/**
 * What every slice should have delivered: of each connection the first ticks, as many as the shard process that it
 * belonged to says it received, for a connection keeps its order.
 */
export function expectedTicks(ranges: readonly SentRange[], shards: readonly ShardReport[]): Map<string, IntervalSet> {
  const expected = new Map<string, IntervalSet>();
  const connections = new Map<string, number>();
  for (const { uid, from, to } of ranges) {
    const index = connections.get(uid) ?? 0;
    connections.set(uid, index + 1);
    const count = shards[index]?.received[uid] ?? 0;
    if (count > to - from) throw new Error(`${uid} received ${count} ticks of ${to - from}`);
    const ticks = expected.get(uid) ?? new IntervalSet();
    expected.set(uid, ticks);
    ticks.addRange(from, from + count);
  }
  return expected;
}

/** Ticks that are expected and a reader lacks, and that it has though they are not expected. */
export function compareTicks(
  expected: ReadonlyMap<string, IntervalSet>,
  reader: ReaderReport,
): { readonly missing: number; readonly unexpected: number } {
  let [missing, unexpected] = [0, 0];
  for (const { uid, ticks } of reader.slices) {
    const seen = new IntervalSet(ticks);
    const wanted = expected.get(uid) ?? new IntervalSet();
    missing += seen.missingFrom(wanted).size;
    unexpected += wanted.missingFrom(seen).size;
  }
  return { missing, unexpected };
}

function distinct({ slices }: ReaderReport): number {
  return sum(slices.map(({ ticks }) => new IntervalSet(ticks).size));
}

function hasBatch(slices: readonly SliceSeen[], uid: string, token: string, seq: number): boolean {
  const edges = slices.find((slice) => slice.uid === uid)?.batches[token];
  return edges !== undefined && new IntervalSet(edges).has(seq);
}

/** The reader names what it lacks by the headers alone, the ledger by what the sink answered: they must agree. */
function disputed(unread: readonly LedgerEntry[], { missing }: ReaderReport): number {
  const byLedger = new Set(unread.map(([uid, epoch, claim, seq]) => `${uid} ${epoch}.${claim} ${seq}`));
  let agreed = 0;
  let named = 0;
  for (const [uid, token, from, to] of missing) {
    for (let seq = from; seq <= to; seq++) {
      named++;
      if (byLedger.has(`${uid} ${token} ${seq}`)) agreed++;
    }
  }
  return named + byLedger.size - 2 * agreed;
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
