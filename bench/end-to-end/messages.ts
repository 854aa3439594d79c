import type { InstrumentGroup } from '../../crds/index.ts';
import type { RecordedMode } from './recording.ts';

/** One row of the end-to-end table. */
export interface Scenario {
  readonly name: string;
  readonly mode: RecordedMode;
  readonly greeks: boolean;
  readonly format: 'json' | 'arrow';
  readonly stream: boolean;
  readonly latest: boolean;
  /** Frames of so many packets at this pace, each a batch at once (`window: 0`), instead of as many as are taken. */
  readonly pace?: { readonly ticksPerSecond: number; readonly packetsPerFrame: number };
  /** Without metrics, to see what they cost. */
  readonly unmeasured?: true;
}

/** Milliseconds that half, all but a hundredth and all but a thousandth are not above. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** What the processes of a run tell each other. */
export type Message =
  | { readonly kind: 'ready'; readonly port?: number; readonly groups?: readonly InstrumentGroup[] }
  /** To the broker: send so many more ticks. */
  | { readonly kind: 'send'; readonly ticks: number }
  /** To the broker: the subscriber has so many ticks by now. From the subscriber: likewise. */
  | { readonly kind: 'received'; readonly ticks: number }
  /** From the broker: everything that was ordered is sent. */
  | { readonly kind: 'sent'; readonly ticks: number }
  /** To the shard and the subscriber: tell me. */
  | { readonly kind: 'report' }
  /** To the shard and the subscriber: what was timed while warming up does not count. */
  | { readonly kind: 'forget' }
  | { readonly kind: 'shard'; readonly report: ShardReport }
  | { readonly kind: 'subscriber'; readonly report: SubscriberReport }
  | { readonly kind: 'stop' };

export interface ShardReport {
  /** User and system, all threads, microseconds since the process began. */
  readonly cpu: number;
  /** Of the main thread only. */
  readonly mainCpu: number;
  /** Milliseconds, monotonic. */
  readonly wall: number;
  readonly received: number;
  readonly published: number;
  readonly lost: number;
  readonly invalid: number;
  readonly greeksSolved: number;
  readonly batches: number;
  /** Resident bytes. */
  readonly rss: number;
  /** Work on a frame, from its bytes to sealed batches, for each of its ticks. */
  readonly processing: Percentiles;
}

export interface SubscriberReport {
  readonly ticks: number;
  readonly batches: number;
  readonly bytes: number;
  /** Batches whose `seq` under their token was skipped, or came twice. */
  readonly missing: number;
  readonly repeated: number;
  /** Batches that were read to the last value; what was wrong in them. */
  readonly checked: number;
  readonly faults: readonly string[];
  /** From the frame's arrival at the shard to the batch's here; where a batch is a frame. */
  readonly delivery: Percentiles;
}

export function tell(message: Message): void {
  process.send?.(message);
}

/** @param handle called with each message of the parent; the process ends when the parent is gone */
export function listen(handle: (message: Message) => void): void {
  process.on('message', handle);
  process.once('disconnect', () => process.exit(0));
}
