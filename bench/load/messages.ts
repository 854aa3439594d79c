import type { InstrumentGroup } from '../../crds/index.ts';
import type { BreakerSnapshot } from '../../ticker/shard/breaker.ts';
import type { ShardLimits } from '../../ticker/shard/limits.ts';
import type { SpoolSnapshot } from '../../ticker/shard/spool/spool.ts';
import type { ShardTotals } from '../../ticker/shard/totals.ts';

/** What is streamed: every instrument is an index option, each slice one connection of the broker. */
export interface FeedPlan {
  readonly instruments: number;
  readonly mode: 'full' | 'quote';
  /** Instruments of one connection; default as many as the broker allows. */
  readonly perConnection?: number;
}

/** Instruments of one slice: tick `g` of it is the `floor(g / count) + 1`-th of its instrument `first + g % count`. */
export interface SliceShare {
  readonly uid: string;
  readonly first: number;
  readonly count: number;
}

export interface SliceFeed extends SliceShare {
  readonly groups: readonly InstrumentGroup[];
}

/** What was sent on one connection: ticks `from` to `to`, exclusive, of its slice. */
export interface SentRange {
  readonly uid: string;
  from: number;
  to: number;
}

export interface BrokerConfig {
  readonly plan: FeedPlan;
  /** Of {@link micros}, which every process of a run counts from. */
  readonly origin: number;
}

export interface ShardConfig {
  readonly plan: FeedPlan;
  readonly slices: readonly SliceFeed[];
  readonly redis: string;
  readonly broker: string;
  /** Batches that a stream keeps. */
  readonly streamLength: number;
  readonly spool?: { readonly directory: string; readonly maxBytes: number };
  readonly limits?: Partial<ShardLimits>;
}

export interface ReaderConfig {
  readonly redis: string;
  readonly over: 'streams' | 'pubsub';
  readonly origin: number;
  readonly slices: readonly SliceShare[];
}

/** One batch that the sink has accepted: slice, epoch, claim, seq, ticks. */
export type LedgerEntry = readonly [uid: string, epoch: number, claim: number, seq: number, count: number];

export interface ShardReport {
  readonly totals: ShardTotals;
  readonly breaker: BreakerSnapshot;
  readonly spool: SpoolSnapshot | undefined;
  /** Of each slice: ticks received that are streamed for a set. */
  readonly received: Readonly<Record<string, number>>;
  /** Connections opened, over all slices. */
  readonly connections: number;
  /** User and system, all threads, microseconds since the process began. */
  readonly cpu: number;
  /** Milliseconds, monotonic. */
  readonly wall: number;
  /** Resident bytes now, and the most that there were. */
  readonly rss: number;
  readonly peakRss: number;
  /** Bytes of the heap after a full collection, where it was asked for. */
  readonly heap?: number;
}

/** What one reader knows of one slice. */
export interface SliceSeen {
  readonly uid: string;
  /** Ticks, as edges of an interval set. */
  readonly ticks: readonly number[];
  /** Batches of each token (`epoch.claim`), likewise. */
  readonly batches: Readonly<Record<string, readonly number[]>>;
}

export interface ReaderReport {
  readonly slices: readonly SliceSeen[];
  /** Rows read, repeated ones too. */
  readonly rows: number;
  /** Rows that were there before, in batches that do not say so, and in batches that do. */
  readonly duplicated: number;
  readonly repeated: number;
  /** Batches that by `seq` and `prev` were published and did not arrive: slice, token, first and last `seq`. */
  readonly missing: readonly (readonly [uid: string, token: string, from: number, to: number])[];
  /** Ticks that batches say are missing, by `gap.why`; and how many gaps came without a count. */
  readonly told: Readonly<Record<string, number>>;
  readonly toldUncounted: Readonly<Record<string, number>>;
  /** Milliseconds from the broker's frame to this reader's hands. */
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number };
  /** Times that the connection to Redis was lost. */
  readonly lost: number;
}

export type Message =
  | { readonly kind: 'config'; readonly config: BrokerConfig | ShardConfig | ReaderConfig }
  | { readonly kind: 'ready' }
  /** From the broker: where it listens and what it streams. */
  | { readonly kind: 'broker'; readonly port: number; readonly slices: readonly SliceFeed[] }
  /** To the broker: send so many more ticks at this rate over all slices; without `ticks`, until told otherwise. */
  | { readonly kind: 'stream'; readonly rate: number; readonly ticks?: number }
  /** From the broker: everything that was ordered is sent. */
  | { readonly kind: 'sent' }
  /** To everyone: tell me; a reader reads first what is there. */
  | { readonly kind: 'report'; readonly collect?: boolean }
  | { readonly kind: 'ranges'; readonly ranges: readonly SentRange[] }
  | { readonly kind: 'shard'; readonly report: ShardReport; readonly ledger: readonly LedgerEntry[] }
  | { readonly kind: 'reader'; readonly report: ReaderReport }
  /** To a reader of streams: read nothing until told to report or to go on. */
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'stop' };

export type MessageOf<K extends Message['kind']> = Extract<Message, { kind: K }>;

export function tell(message: Message, told?: () => void): void {
  process.send?.(message, undefined, undefined, () => told?.());
}

/** @param handle called with each message of the parent; the process ends when the parent is gone */
export function listen(handle: (message: Message) => void): void {
  process.on('message', handle);
  process.once('disconnect', () => process.exit(0));
}

/** The first message, which says what to do. */
export function configured<T extends BrokerConfig | ShardConfig | ReaderConfig>(): Promise<T> {
  return new Promise((resolve) => {
    process.once('message', (message: Message) => {
      if (message.kind !== 'config') throw new Error(`${message.kind} came before the configuration`);
      resolve(message.config as T);
    });
  });
}

/** Microseconds on a scale that all processes of a machine share. */
export function micros(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
