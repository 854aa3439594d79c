/** Ticks: `added = published + late + dropped + discarded + held`, always. */
export interface OutboxCounters {
  added: number;
  /** Accepted live. */
  published: number;
  /** Accepted after a newer token, in the late stream. */
  late: number;
  /** Dropped from the full buffer. */
  dropped: number;
  /** Given up: the slice has ended at the sink, or the sink keeps nothing of so old a token. */
  discarded: number;
  /** Ticks that wait. */
  held: number;
  /** Accepted and published, and lost by the sink afterwards, as far as that is remembered; not part of the sum. */
  lostBySink: number;
  batchesPublished: number;
  /** Claims after another shard's, as a successor that held all that the sink lacked, and otherwise. */
  takenOverWarm: number;
  takenOverCold: number;
  heldBatches: number;
  /** Bytes of them that are in memory. */
  heldBytes: number;
  /** Of `added`: found in the spool of a process before this one. */
  restored: number;
  /** Ticks that wait and that the spool has, so that they outlive this process. */
  spooled: number;
  spooledBatches: number;
}

export function newOutboxCounters(): OutboxCounters {
  return {
    added: 0,
    published: 0,
    late: 0,
    dropped: 0,
    discarded: 0,
    held: 0,
    lostBySink: 0,
    batchesPublished: 0,
    takenOverWarm: 0,
    takenOverCold: 0,
    heldBatches: 0,
    heldBytes: 0,
    restored: 0,
    spooled: 0,
    spooledBatches: 0,
  };
}
