import type { Token } from '../../../crds/index.ts';
import { compareTokens } from '../../sinks/token.ts';

/** How a lane of the outbox stands. Batches belong to the lane with the highest `from` that is not above their id. */
export interface LaneState {
  /** No batch of it has a lower id. */
  readonly from: number;
  /** Its newest token; absent before the first claim. */
  readonly token?: Token;
  /** What is left of it may be delivered late only. */
  readonly late: boolean;
  /** Everything up to this batch is accepted, or given up. */
  readonly accepted: number;
  /** The last accepted `seq` under `token`, by the set's UID. */
  readonly seqs: Readonly<Record<string, number>>;
}

/** A call that is about to be sent: `n` of `token` ends with the batch `through`. */
export interface SentMark {
  readonly token: Token;
  readonly n: number;
  /** Counts up whenever numbers are given again: from this mark's `n` on, those of a lower run mean nothing. */
  readonly run: number;
  readonly through: number;
  /** The last `seq` of each set in it, by the set's UID. */
  readonly seqs: Readonly<Record<string, number>>;
}

/** What the sink has, once it is known to have accepted `token`'s calls up to `n`. */
export function acceptedBy(marks: readonly SentMark[], token: Token, n: number): Pick<SentMark, 'through' | 'seqs'> {
  let through = 0;
  let seqs: Record<string, number> = {};
  for (const mark of marks) {
    if (compareTokens(mark.token, token) !== 0 || mark.n > n) continue;
    through = Math.max(through, mark.through);
    seqs = { ...seqs, ...mark.seqs };
  }
  return { through, seqs };
}
