import type { Token } from '../crds/index.ts';

/** Version of the delivery contract. Within one, columns are only added. */
export const deliveryVersion = 1;

/** Why ticks are missing: what `gap` in a batch says. Times are microseconds since the Unix epoch, UTC. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly why: 'newOwner' | 'reconnect' | 'detached' | 'redis' | 'spool';
  /** How many ticks, where they were counted (dropped from a full buffer). */
  readonly ticks?: number;
}

/** The last batch of the token before. */
export interface Previous extends Token {
  readonly seq: number;
}

/**
 * What every batch says of itself. It belongs to one set and one slice. `seq` counts up by one for each (set, slice,
 * token), from 1.
 */
export interface BatchHeader {
  readonly v: typeof deliveryVersion;
  /** `namespace/name`. */
  readonly set: string;
  /** What its rows are; absent for ticks. Bars have a channel, a stream and a `seq` of their own. */
  readonly kind?: 'bars';
  /** `namespace/name`. */
  readonly slice: string;
  /** UID of the slice: one that is created anew under the same name starts its epochs anew. */
  readonly sliceUid?: string;
  readonly shard: string;
  readonly epoch: number;
  readonly claim: number;
  readonly seq: number;
  /** Ticks (or bars) in this batch; 0 for a heartbeat, whose `seq` is that of the last batch. */
  readonly count: number;
  /** When it was sealed, microseconds since the Unix epoch, UTC. */
  readonly time: number;
  /** On the first batch of a token: the last batch of the token before it; `null` where there was none. */
  readonly prev?: Previous | null;
  readonly gap?: Gap;
  readonly overlap?: true;
  /** Accepted after a newer token: never on the live channel. */
  readonly late?: true;
  /** The last batch of the slice for this set. */
  readonly end?: true;
}
