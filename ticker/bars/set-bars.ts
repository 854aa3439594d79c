import type { SliceSet } from '../../crds/index.ts';
import type { GatheredBatch } from '../pipeline/gathered-batch.ts';
import type { InstrumentRecord } from '../pipeline/instrument-table.ts';
import type { ClosedBar } from './bar-columns.ts';
import { encodeBars, latestBars } from './bar-columns.ts';
import { barsUid } from './bar-set.ts';
import type { BarWindows, Interval } from './bar-windows.ts';
import type { Coverage } from './coverage.ts';
import { type BarTick, barGrace, InstrumentBars } from './instrument-bars.ts';

/** Bars that wait to be taken: all intervals of 10,000 instruments. Past it the oldest are dropped and counted. */
export const maxClosedBars = 80_000;

/** Counts of one slice's bars. */
export interface BarCounters {
  /** Bars put into batches. */
  bars: number;
  /** Ticks that came after their bar was published. */
  lateTicks: number;
  /** Bars that nobody took in time. */
  droppedBars: number;
}

/** The bars of one set on one slice. Pure: times are passed in. */
export class SetBars {
  readonly uid: string;
  readonly intervals: readonly Interval[];
  readonly #delivery: SliceSet['delivery'];
  readonly #coverage: Coverage;
  readonly #counters: BarCounters;
  #instruments: (InstrumentBars | undefined)[] = [];
  /** Tokens that another slice streams as well. */
  #joining: ReadonlySet<number> = new Set();
  #closed: ClosedBar[] = [];
  /** Milliseconds since the epoch at which a bar is to be published; `Infinity` while none runs. */
  #due = Number.POSITIVE_INFINITY;
  readonly #emit = (record: InstrumentRecord, interval: Interval, bar: ClosedBar['bar']): void => {
    this.#closed.push({ record, interval, bar });
    if (this.#closed.length <= maxClosedBars) return;
    this.#closed.shift();
    this.#counters.droppedBars++;
  };
  readonly #late = (): void => {
    this.#counters.lateTicks++;
  };

  constructor(set: SliceSet, intervals: readonly Interval[], coverage: Coverage, counters: BarCounters) {
    this.uid = barsUid(set.uid);
    this.intervals = intervals;
    this.#delivery = set.delivery;
    this.#coverage = coverage;
    this.#counters = counters;
  }

  get due(): number {
    return this.#closed.length > 0 ? 0 : this.#due;
  }

  /** Whether a change of the set leaves these bars as they are. */
  fits(set: SliceSet, intervals: readonly Interval[]): boolean {
    return (
      intervals.join() === this.intervals.join() && JSON.stringify(set.delivery) === JSON.stringify(this.#delivery)
    );
  }

  /** Takes over the instruments, by slot. Bars of those that left are published as they stand. */
  configure(
    instruments: ReadonlyMap<number, { readonly record: InstrumentRecord; readonly windows: BarWindows }>,
    joining: ReadonlySet<number> = new Set(),
  ): void {
    this.#joining = joining;
    const before = this.#instruments;
    this.#instruments = [];
    for (const [slot, { record, windows }] of instruments) {
      const known = before[slot];
      const stays = known !== undefined && known.record === record && known.windows === windows;
      this.#instruments[slot] = stays
        ? known
        : new InstrumentBars(record, windows, this.intervals, this.#coverage, this.#emit);
      if (stays) before[slot] = undefined;
    }
    for (const gone of before) gone?.seal();
  }

  tick(slot: number, tick: BarTick): void {
    const end = this.#instruments[slot]?.tick(tick, this.#late);
    if (end !== undefined && end + barGrace < this.#due) this.#due = end + barGrace;
  }

  reopened(): void {
    for (const bars of this.#instruments) bars?.reopened();
  }

  /** Publishes all that runs as it stands. */
  seal(): void {
    for (const bars of this.#instruments) bars?.seal();
    this.#due = Number.POSITIVE_INFINITY;
  }

  /** Bars that are due at `now` (milliseconds since the epoch), in order of publication. */
  take(now: number): GatheredBatch[] {
    if (now >= this.#due) this.#closeDue(now);
    const closed = this.#closed;
    if (closed.length === 0) return [];
    this.#closed = [];
    this.#counters.bars += closed.length;
    const batches: GatheredBatch[] = [];
    for (let from = 0; from < closed.length; from += this.#delivery.maxTicks) {
      batches.push(this.#gather(closed.slice(from, from + this.#delivery.maxTicks)));
    }
    return batches;
  }

  #closeDue(now: number): void {
    let end = Number.POSITIVE_INFINITY;
    for (const bars of this.#instruments) if (bars !== undefined) end = Math.min(end, bars.closeDue(now));
    this.#due = end + barGrace;
  }

  #gather(bars: readonly ClosedBar[]): GatheredBatch {
    return {
      setUid: this.uid,
      count: bars.length,
      body: encodeBars(bars),
      latest: this.#delivery.latest ? latestBars(bars) : [],
      firstReceived: Math.min(...bars.map(({ bar }) => bar.start)) * 1000,
      lastReceived: Math.max(...bars.map(({ bar }) => bar.end)) * 1000,
      ...(bars.some(({ record }) => this.#joining.has(record.token)) ? { overlap: true as const } : {}),
    };
  }
}
