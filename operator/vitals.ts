import type { LoopCounts } from './controllers/loop.ts';
import type { ReconcilerCounts } from './controllers/reconciler.ts';
import type { Ended } from './handover/decide.ts';
import type { HandoverKind } from './handover/memory.ts';

/** One watch of the operator. */
export interface WatchVitals {
  readonly kind: 'TickerAccount' | 'InstrumentSet' | 'SubscriptionSlice' | 'Lease' | 'Pod';
  readonly synced: boolean;
  readonly objects: number;
  /** Milliseconds since the API server last said anything. */
  readonly lastEventAge: number;
  /** Failed lists and watches. */
  readonly failures: number;
}

/** How the operator itself works: counts since its start. */
export interface OperatorVitals {
  /** Whether it writes. */
  readonly leads: boolean;
  readonly watches: readonly WatchVitals[];
  readonly loop: LoopCounts;
  readonly reconciler: ReconcilerCounts;
}

/** Told how long things took, in seconds, where that is measured. */
export interface OperatorObserver {
  /** From the first change that asked for a reconcile to its start. */
  waited(seconds: number): void;
  reconciled(result: 'succeeded' | 'failed', seconds: number): void;
  planned(seconds: number): void;
  /** Slices or statuses were written, `written` of them; told of none too. */
  wrote(what: 'slices' | 'statuses', written: number, seconds: number): void;
  /** A handover of a slice to another shard, from its first step to the claim, or to its end without one. */
  handedOver(kind: HandoverKind, result: Ended['result'], seconds: number): void;
}
