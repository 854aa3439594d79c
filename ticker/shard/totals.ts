import type { SliceSnapshot } from './slice-snapshot.ts';

/**
 * Sums over slices since the process began. A tick that two sets take counts twice from `batched` on, and bars are
 * counted from there on too.
 */
export interface ShardTotals {
  /** Ticks received. */
  readonly received: number;
  readonly invalid: number;
  readonly unknown: number;
  readonly unrouted: number;
  readonly malformedFrames: number;
  /** Ticks put into batches: `published + late + held + spare + lost - restored`, once a pipeline is flushed. */
  readonly batched: number;
  /** Ticks of which a set that conflates took a newer one instead; no part of `batched`. */
  readonly conflated: number;
  /** Bars among these. */
  readonly bars: number;
  /** Ticks that came after their bar was published. */
  readonly lateForBar: number;
  /** Ticks that the sink accepted live. */
  readonly published: number;
  readonly batches: number;
  /** Ticks that the sink accepted after a newer owner's claim. */
  readonly late: number;
  /** Ticks that wait for the sink. */
  readonly held: number;
  /** Of these, the ones that the spool has: they outlive the process. */
  readonly spooled: number;
  /** Ticks that a process before this one left; they are in `published`, `late`, `held` and `lost`, not in `batched`. */
  readonly restored: number;
  /** Ticks that a successor received and did not publish: the owner had them. */
  readonly spare: number;
  /** Slices taken over from another shard, by a successor that held all that the sink lacked, and otherwise. */
  readonly movesWarm: number;
  readonly movesCold: number;
  /** Marks that successors left at the sink. */
  readonly marks: number;
  /** Times that a successor became warm, and the milliseconds that all of these took together. */
  readonly warmed: number;
  readonly warmingMillis: number;
  /** Times that feeds were left unread for the spool to catch up, and the milliseconds of that together. */
  readonly feedPauses: number;
  readonly feedPausedMillis: number;
  /** Ticks dropped from a full buffer, or given up; nobody gets them. */
  readonly lost: number;
  /** Published, and lost by the sink afterwards. */
  readonly lostBySink: number;
  readonly greeksSolved: number;
  readonly greeksUnsolved: number;
}

const zero: ShardTotals = {
  received: 0,
  invalid: 0,
  unknown: 0,
  unrouted: 0,
  malformedFrames: 0,
  batched: 0,
  conflated: 0,
  bars: 0,
  lateForBar: 0,
  published: 0,
  batches: 0,
  late: 0,
  held: 0,
  spooled: 0,
  restored: 0,
  spare: 0,
  movesWarm: 0,
  movesCold: 0,
  marks: 0,
  warmed: 0,
  warmingMillis: 0,
  feedPauses: 0,
  feedPausedMillis: 0,
  lost: 0,
  lostBySink: 0,
  greeksSolved: 0,
  greeksUnsolved: 0,
};

export function addUp(slices: readonly SliceSnapshot[], before: ShardTotals = zero): ShardTotals {
  return slices.reduce<ShardTotals>(
    (sum, { pipeline, outbox, standby, feedPause }) => ({
      received: sum.received + pipeline.received,
      invalid: sum.invalid + pipeline.invalid,
      unknown: sum.unknown + pipeline.unknown,
      unrouted: sum.unrouted + pipeline.unrouted,
      malformedFrames: sum.malformedFrames + pipeline.malformedFrames,
      batched: sum.batched + pipeline.batched,
      conflated: sum.conflated + pipeline.conflated,
      bars: sum.bars + pipeline.bars,
      lateForBar: sum.lateForBar + pipeline.lateTicks,
      published: sum.published + outbox.published,
      batches: sum.batches + outbox.batchesPublished,
      late: sum.late + outbox.late,
      held: sum.held + outbox.held + standby.held,
      spooled: sum.spooled + outbox.spooled,
      restored: sum.restored + outbox.restored,
      spare: sum.spare + standby.spare,
      movesWarm: sum.movesWarm + outbox.takenOverWarm,
      movesCold: sum.movesCold + outbox.takenOverCold,
      marks: sum.marks + standby.marks,
      warmed: sum.warmed + standby.warmed,
      warmingMillis: sum.warmingMillis + standby.warmingMillis,
      feedPauses: sum.feedPauses + feedPause.pauses,
      feedPausedMillis: sum.feedPausedMillis + feedPause.pausedMillis,
      lost: sum.lost + outbox.dropped + outbox.discarded + (pipeline.dropped ?? 0),
      lostBySink: sum.lostBySink + outbox.lostBySink,
      greeksSolved: sum.greeksSolved + pipeline.greeksSolved,
      greeksUnsolved: sum.greeksUnsolved + pipeline.greeksUnsolved,
    }),
    before,
  );
}
