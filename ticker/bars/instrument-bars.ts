import type { InstrumentRecord } from '../pipeline/instrument-table.ts';
import { Bar } from './bar.ts';
import { type BarWindows, barEnd, barStart, type DaySession, type Interval } from './bar-windows.ts';
import type { Coverage } from './coverage.ts';
import { TradedVolume } from './traded-volume.ts';

/**
 * How long after its end a bar waits for ticks that are on their way, milliseconds. It is published then, and never
 * changed: what comes later is counted as late.
 */
export const barGrace = 2_000;

/** One row as bars see it. Times are milliseconds since the epoch; `NaN` where the packet does not say. */
export interface BarTick {
  /** Exchange time, or receive time where the packet has none. */
  time: number;
  received: number;
  price: number;
  /** Cumulative volume of the day. */
  volume: number;
  openInterest: number;
  /** The broker's cached last value, or outside of a session: it trades nothing. */
  cached: boolean;
}

/** Takes a bar that is whole. */
export type Emit = (record: InstrumentRecord, interval: Interval, bar: Bar) => void;

/** Bars of one instrument, one running and one that waits out its grace for each interval. */
export class InstrumentBars {
  readonly record: InstrumentRecord;
  readonly windows: BarWindows;
  readonly #intervals: readonly Interval[];
  readonly #coverage: Coverage;
  readonly #emit: Emit;
  readonly #volume: TradedVolume;
  readonly #current: (Bar | undefined)[] = [];
  readonly #previous: (Bar | undefined)[] = [];
  /** It was subscribed on an open connection, at a time that is not known: its first row says from when it is watched. */
  #fresh: boolean;
  #since = Number.NEGATIVE_INFINITY;
  #lastReceived = Number.NEGATIVE_INFINITY;
  /** Volume of cached rows, for the next bar of each interval. */
  readonly #carry: number[];
  readonly #carryPartial: boolean[];
  #day = Number.NaN;
  /** Start of the last bar that was published; none is published twice. */
  readonly #published: number[];

  constructor(
    record: InstrumentRecord,
    windows: BarWindows,
    intervals: readonly Interval[],
    coverage: Coverage,
    emit: Emit,
  ) {
    this.record = record;
    this.windows = windows;
    this.#intervals = intervals;
    this.#coverage = coverage;
    this.#emit = emit;
    this.#volume = new TradedVolume(windows.always);
    this.#fresh = coverage.open;
    this.#carry = intervals.map(() => 0);
    this.#carryPartial = intervals.map(() => false);
    this.#published = intervals.map(() => Number.NEGATIVE_INFINITY);
  }

  /** Takes a tick. Returns the earliest end of a bar that it opened, or `Infinity`; `late` is told of one too late. */
  tick(tick: BarTick, late: () => void): number {
    const { time, received } = tick;
    if (this.#fresh) {
      this.#fresh = false;
      this.#since = received;
    }
    const watchedSince = Math.max(this.#coverage.since, this.#since);
    const session = this.windows.sessionAt(time);
    const counted = !Number.isNaN(tick.volume);
    const traded = counted ? this.#volume.since(tick.volume, session, watchedSince) : Number.NaN;
    // Traded in part while nothing was received: not all of it may be this bar's.
    const gap = traded > 0 && !this.#volume.whole && this.#lastReceived < this.#coverage.since;
    const doubtful = counted && (gap || this.#volume.corrected);
    // Outside of a session nothing is counted: what was traded since comes later.
    if (session !== undefined) this.#lastReceived = received;
    if (session !== undefined && session.day !== this.#day && !this.windows.always) {
      this.#day = session.day;
      this.#carry.fill(0);
      this.#carryPartial.fill(false);
    }
    const trades = session !== undefined && !tick.cached && tick.price > 0 && tick.price < Number.POSITIVE_INFINITY;
    let due = Number.POSITIVE_INFINITY;
    let isLate = false;
    for (let i = 0; i < this.#intervals.length; i++) {
      const bar = trades ? this.#barOf(i, session, tick, watchedSince) : undefined;
      if (trades && bar === undefined) isLate = true;
      if (bar !== undefined) {
        if (bar.ticks === 0) due = Math.min(due, bar.end);
        bar.trade(time, tick.price, tick.openInterest);
      }
      if (!counted) continue;
      // What a late tick says was traded goes to the running bar: the sum over all bars stays right.
      const running = this.#current[i];
      const runs = trades && running !== undefined && received < running.end + barGrace;
      const takes = bar ?? (runs ? running : undefined);
      if (takes === undefined) {
        this.#carry[i]! += traded;
        if (doubtful) this.#carryPartial[i] = true;
        continue;
      }
      takes.addVolume(traded + this.#carry[i]!);
      if (doubtful || this.#carryPartial[i]) takes.partial = true;
      this.#carry[i] = 0;
      this.#carryPartial[i] = false;
    }
    if (isLate) late();
    return due;
  }

  /** The bar that a tick belongs to; undefined where it is published already. */
  #barOf(i: number, session: DaySession, { time, received }: BarTick, watchedSince: number): Bar | undefined {
    const interval = this.#intervals[i]!;
    const current = this.#current[i];
    const start = barStart(interval, session, time);
    if (current !== undefined && start === current.start) {
      // Too late, though nobody has asked for what is due yet: the outcome must not depend on that.
      return received >= current.end + barGrace ? undefined : current;
    }
    const previous = this.#previous[i];
    if (previous !== undefined && start === previous.start) {
      return received >= previous.end + barGrace ? undefined : previous;
    }
    const end = barEnd(interval, session, start);
    if (received >= end + barGrace || start <= this.#published[i]!) return undefined;
    const older = current !== undefined && start < current.start;
    if (older && previous !== undefined && start < previous.start) return undefined;
    if (previous !== undefined) this.#close(i, previous);
    const bar = new Bar(start, end, this.#coverage.lacks(start, end) || watchedSince > start);
    this.#previous[i] = older ? bar : current;
    if (!older) this.#current[i] = bar;
    return bar;
  }

  /** The connection is back: bars that run lack a part. */
  reopened(): void {
    this.#fresh = false;
    for (const bar of [...this.#current, ...this.#previous]) {
      if (bar !== undefined && this.#coverage.lacks(bar.start, bar.end)) bar.partial = true;
    }
  }

  /** Publishes what ended `barGrace` before `now`. Returns the earliest end that is left, or `Infinity`. */
  closeDue(now: number): number {
    let due = Number.POSITIVE_INFINITY;
    for (const bars of [this.#previous, this.#current]) {
      for (let i = 0; i < bars.length; i++) {
        const bar = bars[i];
        if (bar === undefined) continue;
        if (bar.end + barGrace > now) due = Math.min(due, bar.end);
        else {
          bars[i] = undefined;
          this.#close(i, bar);
        }
      }
    }
    return due;
  }

  /** Publishes everything as it stands: nothing more is received here. */
  seal(): void {
    for (const bars of [this.#previous, this.#current]) {
      for (let i = 0; i < bars.length; i++) {
        const bar = bars[i];
        if (bar === undefined) continue;
        bars[i] = undefined;
        bar.partial = true;
        this.#close(i, bar);
      }
    }
  }

  #close(i: number, bar: Bar): void {
    if (this.#coverage.lacks(bar.start, bar.end)) bar.partial = true;
    this.#published[i] = bar.start;
    this.#emit(this.record, this.#intervals[i]!, bar);
  }
}
