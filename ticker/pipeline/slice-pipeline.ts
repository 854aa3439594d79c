import type { SubscriptionSliceSpec } from '../../crds/index.ts';
import type { Connection } from '../providers/provider.ts';
import type { GatheredBatch } from './gathered-batch.ts';
import type { Breach } from './validation/quarantine.ts';

/** Counts since the start of one slice's pipeline. Every received tick ends in exactly one of `invalid`, `unknown`, `unrouted`, or in batches. */
export interface PipelineCounters {
  frames: number;
  /** Rows decoded. */
  received: number;
  /** Frames that could not be decoded to their end. */
  malformedFrames: number;
  /** Rows of a token that the slice does not have. */
  unknown: number;
  /** Rows quarantined by a rule that is enforced for every set of the instrument. */
  invalid: number;
  /** Rows of an underlying that is streamed for Greeks only. */
  unrouted: number;
  /** Rows that batches deliver; a row of an instrument in two sets counts twice. Bars are rows too. */
  batched: number;
  /**
   * Rows of which a set that conflates kept a newer one of the same instrument in the same batch. With `batched` this
   * is every row that a set took, counted once for each.
   */
  conflated: number;
  /** Breaches by rule name, enforced or reported. */
  readonly byRule: Map<string, number>;
  /** Bars put into batches. */
  bars: number;
  /** Ticks that came after their bar was published. */
  lateTicks: number;
  greeksSolved: number;
  /** Options whose price no volatility explains, or whose underlying has no price yet. */
  greeksUnsolved: number;
}

/** From a frame of one connection to batches of its slice's sets. No I/O and no clock: times are passed in. */
export interface SlicePipeline {
  readonly counters: PipelineCounters;
  /** Takes over sets and instruments. What stays keeps its state; ticks already gathered of what went are still delivered. */
  configure(spec: SubscriptionSliceSpec): void;
  /**
   * Decodes and processes one frame. Never throws for a bad frame: it counts. Another `connection` than the last frame's
   * means that everything was subscribed anew: histories start again, and the first rows may be the broker's cached
   * last values. Take what is due after each frame.
   */
  frame(connection: Pick<Connection, 'decode'>, frame: Uint8Array, receivedAtMicros: number): void;
  /** Everything is subscribed on a new connection: bars that begin from now on are whole. */
  connectionOpened(atMicros: number): void;
  /** Nothing is received until the next connection: bars of this time are partial. */
  connectionLost(atMicros: number): void;
  /** Publishes the bars that run as they stand, marked as partial; take them. */
  sealBars(): void;
  /** Batches that are due at `now` (milliseconds, the scale of {@link nextDue}), or all when `all`. In the order of gathering for each set. */
  take(now: number, all?: boolean): GatheredBatch[];
  /** A successor keeps the newest row of each instrument, from now on; or no longer. */
  keepNewest(keep: boolean): void;
  /**
   * The newest row of each instrument since {@link keepNewest}, in batches that say `overlap`; before them what is still
   * gathered. They count as received at `nowMicros`, and in `batched`.
   */
  newest(nowMicros: number): GatheredBatch[];
  /** When the oldest open window ends, or `Infinity`; 0 when a batch is full. */
  nextDue(): number;
  /**
   * Instruments that have ticked live since they were configured, on the connection of the last frame. The broker's
   * cached last value is delivered (marked `cached`) but is not live: its exchange time is more than 60 s before the
   * subscription, it is the first row and has no exchange time, or its exchange has no session at its time.
   */
  ticking(): number;
  /** `EXCHANGE:TRADINGSYMBOL`; undefined where it is not configured. */
  nameOf(token: number): string | undefined;
  /** Tokens, at most `limit`, of which no row at all has come on the connection of the last frame. */
  unheard(limit: number): number[];
  /** Rows that broke a rule so far, enforced or reported. */
  readonly breached: number;
  /** The newest of them, the newest last; a bounded number. */
  breaches(): readonly Breach[];
}
