import type { LatestValue } from '../sinks/sink.ts';

/**
 * Ticks of one set, encoded, but not stamped yet: the token, `seq` and everything else of the header are the outbox's
 * to give, once more under a new token where the first was refused.
 */
export interface GatheredBatch {
  readonly setUid: string;
  readonly count: number;
  /** The columns, encoded once: for `json` the text of the `columns` object, for `arrow` a stream with a blank header. */
  readonly body: string | Uint8Array;
  /**
   * Nobody reads the body, or a payload made of it, any more: its memory is used again. Not calling it (of what was
   * dropped, say) costs the collector's time only.
   */
  readonly release?: () => void;
  readonly latest: readonly LatestValue[];
  /** Receive time of the first and the last tick, conflated ones too, microseconds since the epoch. */
  readonly firstReceived: number;
  readonly lastReceived: number;
  /** Readers may have had rows of it from another connection: the batch says `overlap`. */
  readonly overlap?: true;
  /** Microseconds from exchange time to receipt of the newest live tick that has an exchange time; absent without one. */
  readonly exchangeDelay?: number;
}
