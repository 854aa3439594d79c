import type { SliceShardStatus } from '../../crds/index.ts';
import type { PipelineCounters } from '../pipeline/slice-pipeline.ts';
import type { FeedPauseCounters } from './feed-pause.ts';
import type { OutboxCounters } from './outbox-counters.ts';
import type { StandbyCounters } from './slice-standby.ts';

/** Counts of one slice since this process took it up. */
export interface SliceSnapshot {
  readonly slice: string;
  readonly account: string;
  readonly phase: SliceShardStatus['phase'];
  readonly token: { readonly epoch: number; readonly claim: number } | undefined;
  /** Connections opened. */
  readonly connections: number;
  readonly connected: boolean;
  /** Connections that ended though they were wanted, and that could not be opened, by error code. */
  readonly lost: ReadonlyMap<string, number>;
  readonly refused: ReadonlyMap<string, number>;
  /** Monotonic milliseconds of the newest frame with ticks; of the start, before the first. */
  readonly lastTickAt: number;
  /** Whether any of its exchanges has a session now; true without a calendar. */
  readonly sessionOpen: boolean;
  readonly subscribed: number;
  readonly ticking: number;
  /** Instruments that stay mute although they were asked for repeatedly. */
  readonly silent: number;
  readonly pipeline: PipelineCounters & { readonly dropped?: number };
  readonly outbox: OutboxCounters;
  readonly standby: StandbyCounters;
  readonly feedPause: FeedPauseCounters;
}
