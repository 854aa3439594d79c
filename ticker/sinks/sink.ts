import type { Token } from '../../crds/index.ts';
import type { BatchHeader, Previous } from '../delivery.ts';

/** Newest row of one instrument, for the latest values. */
export interface LatestValue {
  /** Field name: `EXCHANGE:SYMBOL`. */
  readonly instrument: string;
  /** Exchange time in microseconds (receive time where the packet has none); an older one never replaces a newer. */
  readonly time: number;
  readonly json: string;
}

/** One set's batch, sealed and encoded. */
export interface SealedBatch {
  readonly header: BatchHeader;
  /** UID of the set; it is in the keys. */
  readonly setUid: string;
  /** Full channel name; absent where the set does not publish. */
  readonly channel?: string;
  /** Stream bound; absent where the set keeps none. Heartbeats go to no stream. */
  readonly streamMaxLength?: number;
  /** The batch in the set's format, header included. A sink that keeps it copies it: once accepted, its memory is used again. */
  readonly payload: string | Uint8Array;
  readonly latest?: readonly LatestValue[];
  /** For measurements only, of a batch with ticks: receive time of the first, microseconds since the epoch. */
  readonly firstReceived?: number;
  /** For measurements only: see {@link import('../pipeline/gathered-batch.ts').GatheredBatch}. */
  readonly exchangeDelay?: number;
}

/** What a shard sends for one slice: batches of all its sets that are due, or heartbeats (PROTOCOL 1, "call"). */
export interface Call {
  readonly sliceUid: string;
  readonly token: Token;
  /** Counts by one from each claim, from 1. */
  readonly n: number;
  readonly batches: readonly SealedBatch[];
  /** The successor's mark up to which this call and those before it speak for everything that the owner has received. */
  readonly echo?: string;
}

/**
 * PROTOCOL 2. `trimmed`: batches that streams lost for it, where any did. `last` is the last `n` that was accepted of the sender's own token; `mark` the newest that a successor has
 * left since the last claim.
 */
export type Answer =
  | { readonly kind: 'written'; readonly mark?: string; readonly trimmed?: number }
  | { readonly kind: 'already'; readonly mark?: string }
  | { readonly kind: 'refused'; readonly newest: Token; readonly last: number }
  | { readonly kind: 'claimFirst' }
  | { readonly kind: 'gap'; readonly last: number }
  /** The slice has ended (PROTOCOL 7); no token is accepted any more. */
  | { readonly kind: 'ended' };

export type ClaimAnswer =
  | {
      readonly kind: 'claimed';
      readonly token: Token;
      /** The last accepted call before this claim; absent for a new fence. */
      readonly before?: { readonly token: Token; readonly n: number };
      /** For each set (by UID) that a batch was accepted of: the last one. */
      readonly previous: ReadonlyMap<string, Previous>;
    }
  | { readonly kind: 'refused'; readonly newest: Token }
  | { readonly kind: 'ended' };

/** `echo`: the newest mark that an accepted call has echoed since the last claim. */
export type MarkAnswer =
  | { readonly kind: 'marked'; readonly echo?: string }
  /** Nobody has claimed yet: there is no owner to echo it. */
  | { readonly kind: 'claimFirst' }
  | { readonly kind: 'ended' };

export interface ClaimRequest {
  readonly sliceUid: string;
  readonly epoch: number;
  /** The new claim is above this: the highest that the shard remembers of this epoch (memory, volume, slice status). */
  readonly above: number;
  /** UIDs of the sets of the slice, whose keys are created. */
  readonly setUids: readonly string[];
}

/**
 * Where batches go and who may send them is decided, atomically, slice by slice. Two implementations, memory and
 * Redis, pass one contract suite (`sink.contract.ts`). Every method rejects with a coded retryable error
 * (`SINK_UNAVAILABLE`) when the sink cannot be reached or its answer was lost: the caller does not know then whether
 * it was written, and sends the same call again.
 */
export interface Sink {
  claim(request: ClaimRequest): Promise<ClaimAnswer>;
  /** Calls of one slice are sent in order; the next may be sent before the answer to the last. */
  send(call: Call): Promise<Answer>;
  /**
   * What an older token sealed: kept in the set's late stream, never live. `n` goes on from the token's last live one.
   * `claimFirst`: the fence knows no newer token (yet): try again later. `refused` only where the token is older than
   * the 16 that the fence remembers: what is left of it is lost.
   */
  sendLate(call: Call): Promise<Answer>;
  /**
   * A successor's mark (PROTOCOL 4): the answers to the owner's calls carry the newest one. It is compared for equality
   * only; each is given once. A claim forgets marks and echoes.
   */
  mark(sliceUid: string, mark: string): Promise<MarkAnswer>;
  /**
   * Closes the fence for good: a tombstone that refuses every token, kept 7 days; the slice's latest values go at once,
   * its streams with the tombstone. Repeating it does nothing and answers `ended`.
   */
  end(sliceUid: string, token: Token): Promise<Answer>;
  /** Names the part of the sink that has a slice, where parts may fail by themselves: a server of a cluster. */
  placeOf?(sliceUid: string): string;
  /** Calls `listener` with a place whenever a connection to it is made, so that calls may be answered again; returns what ends that. */
  onReachable?(listener: (place: string) => void): () => void;
  /** Resolves when the sink can be reached. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
