import type { SliceSet } from '../../crds/index.ts';
import type { SetBars } from '../bars/set-bars.ts';
import type { LatestValue } from '../sinks/sink.ts';
import type { TickColumns } from '../tick-columns.ts';
import type { Encoders } from './format/encoders.ts';
import type { GatheredBatch } from './gathered-batch.ts';
import type { InstrumentRecord } from './instrument-table.ts';
import type { NewestRows } from './newest-rows.ts';
import { PendingLatest } from './pending-latest.ts';
import { RowBatch } from './row-batch.ts';
import { rowTime } from './row-time.ts';
import { type RulePolicy, rulePolicy } from './validation/policy.ts';
import { ruleBit } from './validation/validator.ts';

const notFinite = ruleBit('notFinite');

/** Milliseconds by which a receive time may be ahead of the caller's clock. */
const clockSlack = 1000;

/** Gathers one set's rows of one slice until its window ends or it is full. */
export class SetBatcher {
  readonly uid: string;
  /** The set's bars; undefined where it wants none. */
  bars: SetBars | undefined;
  /** Where the newest row of each instrument is kept; undefined but for a successor that warms up. */
  newest: NewestRows | undefined;
  /** Completes the rows of a batch before it is encoded. */
  complete: ((rows: RowBatch) => void) | undefined;
  /** How the set wants rows judged. */
  policy: RulePolicy;
  #delivery: SliceSet['delivery'];
  #rows: RowBatch;
  /** End of the open window in milliseconds since the epoch; infinite while it is empty. */
  due = Number.POSITIVE_INFINITY;
  readonly #encoders: Encoders;
  /** The first and the last row of the open batch that another connection streams as well; none where they are so. */
  #firstOverlap = Number.POSITIVE_INFINITY;
  #lastOverlap = -1;
  /** Where the open batch has an instrument's row; kept only where the set conflates, so bounded by its `maxTicks`. */
  readonly #kept = new Map<InstrumentRecord, number>();
  #firstReceived = 0;
  #lastReceived = 0;
  /** Latest values that no batch has brought yet, of a set that wants them; there is a row that will. */
  #pending: PendingLatest | undefined;
  /** Receive time of the last row of the batch that brought some last, microseconds. */
  #latestWritten = 0;

  constructor(set: SliceSet, encoders: Encoders) {
    this.uid = set.uid;
    this.policy = rulePolicy(set.validation);
    this.#delivery = set.delivery;
    this.#rows = new RowBatch(set.delivery.maxTicks);
    this.#rows.finite = this.#enforcesFinite;
    this.#encoders = encoders;
    // Loads what the format needs now, not with the first batch.
    encoders.of(set.delivery.format);
  }

  get empty(): boolean {
    return this.#rows.length === 0;
  }

  /** So many instruments, with slots below `slots`, are to come. */
  expect(instruments: number, slots: number): void {
    this.#rows.symbols.expect(instruments, slots);
  }

  /** No row with a number that is not finite gets into a batch. */
  get #enforcesFinite(): boolean {
    return (this.policy.enforced & notFinite) !== 0;
  }

  get full(): boolean {
    return this.#rows.full;
  }

  /** The set wants no batching: what a frame brings is sealed at its end. */
  get immediate(): boolean {
    return this.#delivery.window === 0;
  }

  /** Whether the window has ended at `now`, or began after it: the wall clock was set back. */
  isDue(now: number): boolean {
    return !this.empty && (now >= this.due || now < this.due - this.#delivery.window - clockSlack);
  }

  /** Takes over changed settings; returns what was gathered under the old ones, where they no longer fit. */
  configure(set: SliceSet): GatheredBatch | undefined {
    this.policy = rulePolicy(set.validation);
    this.#rows.finite &&= this.#enforcesFinite;
    const { maxTicks, window, latest, format, conflate } = this.#delivery;
    const next = set.delivery;
    const same = next.maxTicks === maxTicks && next.window === window && next.latest === latest;
    if (same && next.format === format && next.conflate === conflate) return undefined;
    const gathered = this.empty ? undefined : this.seal();
    if (next.maxTicks !== maxTicks) this.#rows = new RowBatch(next.maxTicks);
    if (this.empty) this.#rows.finite = this.#enforcesFinite;
    this.#delivery = next;
    this.#encoders.of(next.format);
    return gathered;
  }

  /**
   * Takes a row; false where it made the batch no longer, for a row of the same instrument is conflated with it: the
   * newer of the two is kept. Seal a batch that is {@link full} before the next.
   */
  add(
    ticks: TickColumns,
    row: number,
    record: InstrumentRecord,
    cached: boolean,
    greeks: Float64Array | undefined,
  ): boolean {
    const received = ticks.receiveTime[row]!;
    const ends = received / 1000 + this.#delivery.window;
    // An earlier end than that of the open window: the wall clock was set back.
    if (ends < this.due) this.due = ends;
    if (this.empty) this.#firstReceived = received;
    this.#lastReceived = received;
    this.newest?.keep(ticks, row, record, cached, greeks);
    if (this.#delivery.conflate) {
      const kept = this.#kept.get(record);
      if (kept !== undefined) {
        if (rowTime(ticks, row) >= rowTime(this.#rows.columns, kept))
          this.#rows.replace(kept, ticks, row, record, cached, greeks);
        return false;
      }
      this.#kept.set(record, this.#rows.length);
    }
    this.#rows.append(ticks, row, record, cached, greeks);
    return true;
  }

  /** Whether rows may be decoded straight into its batch: it keeps every row in the order of arrival. */
  get direct(): boolean {
    return !this.#delivery.conflate && this.newest === undefined;
  }

  /** The batch that is gathered, to decode rows into; say then by {@link took} what came of it. */
  get rows(): RowBatch {
    return this.#rows;
  }

  /** Rows were added to the batch, which had `before`; `received` (microseconds) is when. */
  took(received: number, before: number): void {
    if (this.#rows.length === before) return;
    const ends = received / 1000 + this.#delivery.window;
    // An earlier end than that of the open window: the wall clock was set back.
    if (ends < this.due) this.due = ends;
    if (before === 0) this.#firstReceived = received;
    this.#lastReceived = received;
  }

  /** Another connection streams the instrument of row `row` as well. */
  overlaps(row: number): void {
    this.#firstOverlap = Math.min(this.#firstOverlap, row);
    this.#lastOverlap = Math.max(this.#lastOverlap, row);
  }

  /** The newest rows of the `wanted` instruments. Seal what is gathered before. Counted as received `now` (microseconds). */
  sealNewest(now: number, wanted: (record: InstrumentRecord, slot: number) => boolean): GatheredBatch[] {
    const gathered: GatheredBatch[] = [];
    const seal = (): void => {
      this.#firstReceived = now;
      this.#lastReceived = now;
      this.overlaps(0);
      gathered.push(this.seal());
    };
    this.newest?.copy(this.#rows, wanted, seal);
    if (!this.empty) seal();
    return gathered;
  }

  /**
   * Encodes what was gathered and starts anew.
   *
   * @param full it is sealed because it is full. Latest values are written once a window: if they were within this one, they
   * wait, and so does the last row, to bring them when its window ends, whether another tick comes or not.
   */
  seal(full = false): GatheredBatch {
    const rows = this.#rows;
    const waits = full && this.#latestWait();
    if (waits) rows.columns.length--;
    this.complete?.(rows);
    const exchangeDelay = rows.exchangeDelay();
    const encoder = this.#encoders.of(this.#delivery.format);
    const body = encoder.columns(rows);
    const batch: GatheredBatch = {
      setUid: this.uid,
      count: rows.length,
      body,
      release: () => encoder.release?.(body),
      latest: this.#latestWith(rows, waits),
      firstReceived: this.#firstReceived,
      lastReceived: this.#lastReceived,
      ...(this.#firstOverlap < rows.length ? { overlap: true as const } : {}),
      ...(exchangeDelay === undefined ? {} : { exchangeDelay }),
    };
    this.#kept.clear();
    this.due = Number.POSITIVE_INFINITY;
    if (waits) this.#beginWithLast(rows);
    else {
      rows.clear();
      rows.finite = this.#enforcesFinite;
      this.#forgetOverlap();
    }
    return batch;
  }

  #latestWait(): boolean {
    const { latest, window, maxTicks } = this.#delivery;
    const since = this.#lastReceived - this.#latestWritten;
    // Below 0 the wall clock was set back.
    return latest && maxTicks > 1 && since >= 0 && since < window * 1000;
  }

  #latestWith(rows: RowBatch, waits: boolean): readonly LatestValue[] {
    const pending = this.#pending;
    if (waits) {
      this.#pending ??= new PendingLatest();
      this.#pending.take(rows);
      return [];
    }
    this.#latestWritten = this.#lastReceived;
    if (pending === undefined || pending.empty) return this.#delivery.latest ? this.#encoders.json.latest(rows) : [];
    pending.take(rows);
    const latest = this.#encoders.json.latest(pending.rows);
    pending.clear();
    return latest;
  }

  #forgetOverlap(): void {
    this.#firstOverlap = Number.POSITIVE_INFINITY;
    this.#lastOverlap = -1;
  }

  /** The row behind those that were sealed is the first of the next batch. */
  #beginWithLast(rows: RowBatch): void {
    const overlaps = this.#lastOverlap === rows.length;
    rows.beginWith(rows.length);
    this.#forgetOverlap();
    if (overlaps) this.overlaps(0);
    this.#firstReceived = rows.columns.receiveTime[0]!;
    this.due = this.#firstReceived / 1000 + this.#delivery.window;
    if (this.#delivery.conflate) this.#kept.set(rows.instruments[0]!, 0);
  }
}
