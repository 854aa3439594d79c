import type { Gap } from '../../ticker/delivery.ts';

/** Half-open ranges `from, to, from, to …` of numbers that the broker gives the ticks of an instrument. */
export type Ranges = readonly number[];

/** What the reader got of one instrument of one set since it was reset. Times are milliseconds since the epoch. */
export interface InstrumentReport {
  readonly set: string;
  readonly token: number;
  /** Longest time between two live arrivals, or from the last one to the report. */
  readonly longestGap: number;
  readonly gapBegan: number;
  /**
   * Time between the seals of the two batches around it, by their shards' clocks. Where it is much less than the gap, the
   * wait was behind the shards: Redis, the network, the reader.
   */
  readonly gapSealed: number;
  /** Longest time between a live tick and the next that came under another token: its slice changed its owner, or was claimed anew; 0 where none did. */
  readonly movingGap: number;
  /** Longest time between two live ticks of one token, or from the last one to the report: what no move made. */
  readonly stayingGap: number;
  /** Live, in a batch without `overlap`. */
  readonly live: Ranges;
  /** Live, in a batch marked `overlap`. */
  readonly overlap: Ranges;
  /** In the stream of accepted batches. */
  readonly stream: Ranges;
  /** In the stream of late batches. */
  readonly late: Ranges;
  /** False for an index: its ticks have no volume, so no number. */
  readonly numbered: boolean;
  /** Numbers that came live and unmarked though they had come before. */
  readonly repeated: number;
}

/** A stretch that the reader was told of. Times are milliseconds since the epoch. */
export interface ToldGap {
  readonly set: string;
  readonly slice: string;
  readonly from: number;
  readonly to: number;
  /** `seq`: batches that were published are missing, as the next one's `seq` or `prev` says. */
  readonly why: Gap['why'] | 'seq';
  /**
   * A new owner does not know since when: since the last tick of each instrument. `from` is when the last batch with ticks
   * was sealed, and the former owner may not have received yet what the broker had sent by then.
   */
  readonly open?: boolean | undefined;
}

/** Who sent live batches with ticks of a slice, in the order in which they began. */
export interface OwnerReport {
  readonly slice: string;
  readonly shard: string;
  readonly epoch: number;
  readonly claim: number;
  readonly first: number;
  readonly last: number;
}

/** A slice said that it has no more for a set. */
export interface ToldEnd {
  readonly set: string;
  readonly slice: string;
  /** Live batches and heartbeats of it for that set that came all the same. */
  readonly after: number;
}

export interface ReaderReport {
  readonly since: number;
  readonly now: number;
  readonly batches: number;
  readonly rows: number;
  /** Live batches of a token older than one that had been seen. */
  readonly stale: number;
  readonly instruments: readonly InstrumentReport[];
  readonly gaps: readonly ToldGap[];
  readonly owners: readonly OwnerReport[];
  readonly ends: readonly ToldEnd[];
}
