import type { Token } from '../../crds/index.ts';
import type { BatchHeader, Gap } from '../delivery.ts';
import { compareTokens } from '../sinks/token.ts';

/**
 * What a header means to a live reader:
 * - `first`: the first of its set and slice; nothing is known of before.
 * - `next`: follows the last one. `gap`: `missing` batches of the same token did not arrive before it.
 * - `newToken`: another claim or owner goes on; `missing` and `proven` say whether it follows on.
 * - `heartbeat`: no ticks; `missing` where it speaks of batches that did not arrive.
 * - `duplicate`, `olderToken`, `late`: not to be taken.
 */
export type VerdictKind = 'first' | 'next' | 'gap' | 'newToken' | 'heartbeat' | 'duplicate' | 'olderToken' | 'late';

export interface Verdict {
  readonly kind: VerdictKind;
  /** Whether a live reader takes the batch's ticks. */
  readonly take: boolean;
  /** Batches that were published before this one and did not arrive; at least as many where not `proven`. */
  readonly missing: number;
  /** False where the chain to what was seen before cannot be checked. */
  readonly proven: boolean;
  /** Ticks that were never published, as the batch says itself. */
  readonly told?: Gap;
}

/** Sums over everything that was checked. */
export interface SequenceTotals {
  /** Batches to take, and their ticks. */
  batches: number;
  ticks: number;
  heartbeats: number;
  duplicates: number;
  /** Of an older token, or late. */
  older: number;
  missing: number;
  /** Places where the chain could not be checked, the first batch of each set and slice not counted. */
  unproven: number;
  /** Batches that told of a gap. */
  told: number;
}

interface Position extends Token {
  seq: number;
}

/** What is known of one set and slice. */
interface Stream {
  readonly at: Position;
  /** The last of the token before, while no batch of this one has said what it follows. */
  before: Position | undefined;
}

/** Sets × slices that are followed; beyond, the one that was silent longest is forgotten. */
const streamsKept = 4096;

/**
 * Follows the headers that arrive on any number of channels and says what is missing (PROTOCOL 7, readers). Pure; one
 * for each reader. With `missing` and `unproven` at 0, everything that was published since the first header has arrived.
 */
export class BatchSequence {
  readonly totals: SequenceTotals = {
    batches: 0,
    ticks: 0,
    heartbeats: 0,
    duplicates: 0,
    older: 0,
    missing: 0,
    unproven: 0,
    told: 0,
  };
  readonly #streams = new Map<string, Stream>();

  check(header: BatchHeader): Verdict {
    const verdict = this.#judge(header);
    const { totals } = this;
    if (verdict.kind === 'duplicate') totals.duplicates++;
    else if (verdict.kind === 'olderToken' || verdict.kind === 'late') totals.older++;
    else if (header.count === 0) totals.heartbeats++;
    else {
      totals.batches++;
      totals.ticks += header.count;
    }
    totals.missing += verdict.missing;
    if (!verdict.proven) totals.unproven++;
    if (verdict.take && header.gap !== undefined) totals.told++;
    return verdict.take && header.gap !== undefined ? { ...verdict, told: header.gap } : verdict;
  }

  #judge(header: BatchHeader): Verdict {
    if (header.late === true) return ignored('late');
    const key = keyOf(header);
    const known = this.#streams.get(key);
    if (known === undefined) {
      this.#remember(key, { at: position(header), before: undefined });
      return taken(header, 'first');
    }
    this.#remember(key, known);
    const order = compareTokens(header, known.at);
    if (order < 0) return ignored('olderToken');
    if (order > 0) return this.#newToken(header, key, known);
    return sameToken(header, known);
  }

  #newToken(header: BatchHeader, key: string, known: Stream): Verdict {
    // A token that has published nothing does not hide the one before it.
    const before = known.at.seq === 0 && known.before !== undefined ? known.before : known.at;
    const stream: Stream = { at: { ...position(header), seq: 0 }, before };
    this.#remember(key, stream);
    const verdict = sameToken(header, stream);
    return verdict.take ? { ...verdict, kind: 'newToken' } : verdict;
  }

  /** Moves a stream to the end of the map, which is the order of forgetting. */
  #remember(key: string, stream: Stream): void {
    this.#streams.delete(key);
    this.#streams.set(key, stream);
    if (this.#streams.size > streamsKept) this.#streams.delete(this.#streams.keys().next().value!);
  }
}

function sameToken(header: BatchHeader, known: Stream): Verdict {
  const heartbeat = header.count === 0;
  const last = known.at.seq;
  if (heartbeat ? header.seq < last : header.seq <= last) return ignored('duplicate');
  const missing = heartbeat ? header.seq - last : header.seq - last - 1;
  known.at.seq = header.seq;
  const { before } = known;
  if (header.seq === 0 || before === undefined) {
    return taken(header, heartbeat ? 'heartbeat' : missing > 0 ? 'gap' : 'next', missing);
  }
  known.before = undefined;
  const follows = missing === 0 ? followed(header, before) : { missing: 0, proven: false };
  const kind = heartbeat ? 'heartbeat' : missing > 0 ? 'gap' : 'next';
  return taken(header, kind, missing + follows.missing, follows.proven);
}

/** How the first batch of a token follows the last one that was seen of another. */
function followed(header: BatchHeader, before: Position): { missing: number; proven: boolean } {
  const { prev } = header;
  if (prev === undefined || prev === null) return { missing: 0, proven: before.seq === 0 && prev === null };
  const order = compareTokens(prev, before);
  if (order === 0) return { missing: Math.max(0, prev.seq - before.seq), proven: prev.seq >= before.seq };
  // A whole token was missed in between, and perhaps the end of the one before; or the sink has forgotten what was seen.
  return { missing: order > 0 ? prev.seq : 0, proven: before.seq === 0 && order < 0 };
}

/** A slice that is created anew under its name is another one, and its epochs say nothing of the former's. */
function keyOf({ set, kind, slice, sliceUid = slice }: BatchHeader): string {
  return `${set} ${sliceUid} ${kind ?? ''}`;
}

function position(header: BatchHeader): Position {
  return { epoch: header.epoch, claim: header.claim, seq: header.seq };
}

function ignored(kind: VerdictKind): Verdict {
  return { kind, take: false, missing: 0, proven: true };
}

function taken(header: BatchHeader, kind: VerdictKind, missing = 0, proven = true): Verdict {
  return { kind, take: header.count > 0, missing, proven };
}
