import type { HeldBatch } from '../backlog.ts';
import type { LaneState, SentMark } from './lane-state.ts';

/** Batches that should be written, in order, and what must be written of calls with them that were sent already. */
export interface SpoolWork {
  readonly items: readonly HeldBatch[];
  readonly marks: readonly SentMark[];
}

/** What a process left of a slice. */
export interface Restored {
  /** Oldest first; only those of which something waits. */
  readonly lanes: readonly RestoredLane[];
  /** Above every id that is known to have been given. */
  readonly nextId: number;
}

export const nothingRestored: Restored = { lanes: [], nextId: 1 };

/** What a process left of one lane. `held` is evicted: its bodies are in the spool only. */
export interface RestoredLane extends LaneState {
  readonly held: readonly HeldBatch[];
  /** Calls that were sent, or about to be. */
  readonly marks: readonly SentMark[];
}
