import type { GatheredBatch } from '../pipeline/gathered-batch.ts';
import { heldBytes } from './backlog.ts';

export interface StandbyBounds {
  /** Bounds of what is held; past either, the oldest goes, and with it the marks that it reached back to. */
  readonly maxBytes: number;
  readonly maxBatches: number;
  /** Milliseconds by which one of two connections of an account may be behind the other. */
  readonly feedSkew: number;
}

/** Marks without an echo that are remembered: a minute of them. */
const marksKept = 600;

interface Kept {
  readonly id: number;
  readonly batch: GatheredBatch;
  readonly bytes: number;
}

/**
 * What a successor holds and does not publish, in the order of receipt, with its marks in it. An accepted echo of a mark
 * says that the sink has everything that was received before it, so what is older goes. Pure: times are monotonic
 * milliseconds of this process alone.
 *
 * A mark reaches back a little further than the moment it was given: the owner's connection may be behind this one, and
 * what it had not received yet when it echoed must be held here.
 */
export class StandbyBuffer {
  readonly #bounds: StandbyBounds;
  readonly #run: string;
  #kept: Kept[] = [];
  #nextId = 1;
  #bytes = 0;
  #ticks = 0;
  /** Where the buffer stood, newest last; of those that are older than the skew only the newest. */
  #moments: { readonly at: number; readonly id: number }[] = [];
  #marks: { readonly n: number; readonly id: number }[] = [];
  #lastMark = 0;
  /** Everything from this batch on is held, and the sink has all that came before. */
  #echoed: number | undefined;
  /** Ticks that went because the sink has them from the owner, or for want of room. */
  spare = 0;

  /** @param run tells this process's marks from all others */
  constructor(bounds: StandbyBounds, run: string) {
    this.#bounds = bounds;
    this.#run = run;
  }

  /** Ticks that it holds. */
  get held(): number {
    return this.#ticks;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Marks given so far. */
  get marks(): number {
    return this.#lastMark;
  }

  /** It holds all that the sink lacks. */
  get warm(): boolean {
    return this.#echoed !== undefined;
  }

  /** Everything is subscribed from `now` on: marks of before say nothing any more. What is held stays. */
  begin(now: number): void {
    this.#moments = [{ at: now, id: this.#nextId }];
    this.#marks = [];
    this.#echoed = undefined;
  }

  /** What is subscribed is not confirmed (any more): it is not warm until a mark that follows {@link begin} is echoed. */
  pause(): void {
    this.#moments = [];
    this.#marks = [];
    this.#echoed = undefined;
  }

  get paused(): boolean {
    return this.#moments.length === 0;
  }

  add(batch: GatheredBatch): void {
    const bytes = heldBytes(batch);
    this.#kept.push({ id: this.#nextId++, batch, bytes });
    this.#bytes += bytes;
    this.#ticks += batch.count;
    const { maxBytes, maxBatches } = this.#bounds;
    let drop = 0;
    let over = this.#bytes - maxBytes;
    while (drop < this.#kept.length - 1 && (over > 0 || this.#kept.length - drop > maxBatches)) {
      over -= this.#kept[drop++]!.bytes;
    }
    if (drop > 0) this.#dropBefore(this.#kept[drop]!.id);
  }

  /** A new mark, to be left at the sink; take what is gathered before. Undefined while it would not reach back far enough. */
  mark(now: number): string | undefined {
    if (this.paused) return undefined;
    this.#moments.push({ at: now, id: this.#nextId });
    const from = this.#moments.findLastIndex(({ at }) => at <= now - this.#bounds.feedSkew);
    if (from < 0) return undefined;
    this.#moments.splice(0, from);
    this.#marks.push({ n: ++this.#lastMark, id: this.#moments[0]!.id });
    if (this.#marks.length > marksKept) this.#marks.shift();
    return `${this.#run}.${this.#lastMark}`;
  }

  /** An accepted call has echoed this mark. Returns whether it was one that is remembered. */
  echoed(mark: string): boolean {
    const dot = mark.lastIndexOf('.');
    const n = Number(mark.slice(dot + 1));
    const found = mark.slice(0, dot) === this.#run ? this.#marks.findIndex((each) => each.n === n) : -1;
    if (found < 0) return false;
    const { id } = this.#marks[found]!;
    this.#marks.splice(0, found + 1);
    this.#dropBefore(id);
    this.#echoed = id;
    return true;
  }

  /** Everything that is held, in order; it is the caller's now. */
  take(): GatheredBatch[] {
    const batches = this.#kept.map(({ batch }) => batch);
    this.#kept = [];
    this.#bytes = 0;
    this.#ticks = 0;
    this.pause();
    return batches;
  }

  /** Drops all that is held. */
  clear(): void {
    this.#dropBefore(this.#nextId);
    this.pause();
  }

  #dropBefore(id: number): void {
    let gone = 0;
    for (; gone < this.#kept.length && this.#kept[gone]!.id < id; gone++) {
      const { batch, bytes } = this.#kept[gone]!;
      this.#bytes -= bytes;
      this.#ticks -= batch.count;
      this.spare += batch.count;
      batch.release?.();
    }
    if (gone > 0) this.#kept.splice(0, gone);
    // It no longer reaches back to these.
    const first = Math.max(id, this.#kept[0]?.id ?? 0);
    this.#marks = this.#marks.filter((mark) => mark.id >= first);
    if (this.#echoed !== undefined && this.#echoed < first) this.#echoed = undefined;
  }
}
