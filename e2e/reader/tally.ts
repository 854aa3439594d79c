import { IntervalSet } from '../../bench/load/interval-set.ts';
import type { BatchHeader } from '../../ticker/delivery.ts';
import type { InstrumentReport, OwnerReport, ReaderReport, ToldEnd, ToldGap } from './report.ts';

/** What the reader uses of a batch of format json. */
export interface Batch extends BatchHeader {
  readonly columns?: { readonly token: readonly number[]; readonly volume: readonly (number | null)[] };
}

interface Instrument {
  readonly set: string;
  readonly token: number;
  last: number;
  /** When the batch was sealed that brought the last. */
  sealed: number;
  longestGap: number;
  gapBegan: number;
  gapSealed: number;
  /** Of the last live tick. */
  source: string | undefined;
  movingGap: number;
  stayingGap: number;
  repeated: number;
  numbered: boolean;
  readonly live: IntervalSet;
  readonly overlap: IntervalSet;
  readonly stream: IntervalSet;
  readonly late: IntervalSet;
}

/** The newest token of one set in one slice, the last `seq` of it, and when that batch was sealed. */
interface Place {
  epoch: number;
  claim: number;
  seq: number;
  sealed: number;
  /** When the last one that had ticks was sealed. */
  withTicks: number;
}

function placeKey({ set, slice, sliceUid }: Batch): string {
  return `${set} ${sliceUid ?? slice}`;
}

/** Milliseconds without a tick after which an instrument is no longer waited for. */
const forgotten = 10_000;
/** Gaps that are kept; a run with more of them is broken in another way. */
const mostGaps = 10_000;

/**
 * What a reader that follows the delivery contract knows: which ticks came, when, and what it was told of those that did
 * not come. Times are milliseconds since the epoch, of the reader's own clock.
 */
export class Tally {
  readonly #instruments = new Map<string, Instrument>();
  readonly #places = new Map<string, Place>();
  readonly #owners = new Map<string, { -readonly [K in keyof OwnerReport]: OwnerReport[K] }>();
  readonly #gaps: ToldGap[] = [];
  /** By place; at most one for each place that is known. */
  readonly #ends = new Map<string, { -readonly [K in keyof ToldEnd]: ToldEnd[K] }>();
  #since: number;
  #batches = 0;
  #rows = 0;
  #stale = 0;

  constructor(now: number) {
    this.#since = now;
  }

  /** Begins anew; instruments that ticked a moment ago, and who sent last, stay known. */
  reset(now: number): void {
    const known = [...this.#instruments.values()].filter(({ last }) => now - last < forgotten);
    this.#instruments.clear();
    for (const { set, token } of known) this.#instrument(set, token, now);
    this.#owners.clear();
    this.#gaps.length = 0;
    this.#ends.clear();
    this.#since = now;
    this.#batches = 0;
    this.#rows = 0;
    this.#stale = 0;
  }

  /** A batch that came live. */
  take(batch: Batch, now: number): void {
    const before = this.#places.get(placeKey(batch))?.withTicks ?? 0;
    if (batch.kind === 'bars' || !this.#follow(batch, now)) return;
    this.#seeEnd(batch);
    if (batch.gap !== undefined) {
      const open = batch.gap.from === 0;
      this.#tell({
        set: batch.set,
        slice: batch.slice,
        from: open ? before : batch.gap.from / 1000,
        to: batch.gap.to / 1000,
        why: batch.gap.why,
        open,
      });
    }
    this.#batches++;
    const { token = [], volume = [] } = batch.columns ?? {};
    const from = `${batch.slice} ${batch.epoch}.${batch.claim}`;
    token.forEach((each, row) => {
      const instrument = this.#instrument(batch.set, each, now);
      const gap = now - instrument.last;
      const moved = instrument.source !== undefined && instrument.source !== from;
      if (moved) instrument.movingGap = Math.max(instrument.movingGap, gap);
      else instrument.stayingGap = Math.max(instrument.stayingGap, gap);
      if (gap > instrument.longestGap) {
        instrument.longestGap = gap;
        instrument.gapBegan = instrument.last;
        instrument.gapSealed = batch.time / 1000 - instrument.sealed;
      }
      instrument.last = now;
      instrument.sealed = batch.time / 1000;
      instrument.source = from;
      this.#rows++;
      const number = volume[row];
      if (!number) instrument.numbered = false;
      else if (batch.overlap === true) instrument.overlap.add(number);
      else if (!instrument.live.add(number)) instrument.repeated++;
    });
  }

  /** A batch that lies in a stream. */
  find(batch: Batch, where: 'stream' | 'late'): void {
    const { token = [], volume = [] } = batch.columns ?? {};
    token.forEach((each, row) => {
      const number = volume[row];
      if (number) this.#instruments.get(`${batch.set} ${each}`)?.[where].add(number);
    });
  }

  report(now: number): ReaderReport {
    return {
      since: this.#since,
      now,
      batches: this.#batches,
      rows: this.#rows,
      stale: this.#stale,
      gaps: this.#gaps,
      owners: [...this.#owners.values()],
      ends: [...this.#ends.values()],
      instruments: [...this.#instruments.values()].map((each): InstrumentReport => {
        const silent = now - each.last > each.longestGap;
        return {
          set: each.set,
          token: each.token,
          longestGap: silent ? now - each.last : each.longestGap,
          gapBegan: silent ? each.last : each.gapBegan,
          gapSealed: silent ? now - each.sealed : each.gapSealed,
          movingGap: each.movingGap,
          stayingGap: Math.max(each.stayingGap, now - each.last),
          live: each.live.edges,
          overlap: each.overlap.edges,
          stream: each.stream.edges,
          late: each.late.edges,
          repeated: each.repeated,
          numbered: each.numbered,
        };
      }),
    };
  }

  /** Checks that nothing is missing before this batch. False where it is of an older token: a reader drops it. */
  #follow(batch: Batch, now: number): boolean {
    const { set, slice, epoch, claim, seq, time, count, prev } = batch;
    const key = placeKey(batch);
    const place = this.#places.get(key);
    const sealed = time / 1000;
    if (place === undefined) {
      this.#places.set(key, { epoch, claim, seq, sealed, withTicks: sealed });
    } else {
      const order = epoch - place.epoch || claim - place.claim;
      if (order < 0) {
        this.#stale++;
        return false;
      }
      // A heartbeat repeats the last `seq`.
      const before = count === 0 ? seq : seq - 1;
      const missing =
        order === 0
          ? before > place.seq
          : before > 0 ||
            (prev != null && prev.epoch === place.epoch && prev.claim === place.claim && prev.seq > place.seq);
      if (missing) this.#tell({ set, slice, from: place.sealed, to: sealed, why: 'seq' });
      Object.assign(place, { epoch, claim, seq, sealed, ...(count > 0 && { withTicks: sealed }) });
    }
    if (count === 0) return true;
    const owner = this.#owners.get(`${slice} ${epoch}.${claim}`);
    if (owner !== undefined) owner.last = now;
    else
      this.#owners.set(`${slice} ${epoch}.${claim}`, {
        slice,
        shard: batch.shard,
        epoch,
        claim,
        first: now,
        last: now,
      });
    return true;
  }

  #seeEnd(batch: Batch): void {
    const key = placeKey(batch);
    const ended = this.#ends.get(key);
    if (ended !== undefined) ended.after++;
    else if (batch.end === true) this.#ends.set(key, { set: batch.set, slice: batch.slice, after: 0 });
  }

  #tell(gap: ToldGap): void {
    if (this.#gaps.length < mostGaps) this.#gaps.push(gap);
  }

  #instrument(set: string, token: number, now: number): Instrument {
    const key = `${set} ${token}`;
    const known = this.#instruments.get(key);
    if (known !== undefined) return known;
    const made: Instrument = {
      set,
      token,
      last: now,
      sealed: now,
      longestGap: 0,
      gapBegan: now,
      gapSealed: 0,
      source: undefined,
      movingGap: 0,
      stayingGap: 0,
      repeated: 0,
      numbered: true,
      live: new IntervalSet(),
      overlap: new IntervalSet(),
      stream: new IntervalSet(),
      late: new IntervalSet(),
    };
    this.#instruments.set(key, made);
    return made;
  }
}
