import type { SliceSet, SubscriptionSliceSpec } from '../../crds/index.ts';
import type { TradingCalendar } from '../../crds/sessions/trading-calendar.ts';
import type { GatheredBatch } from '../pipeline/gathered-batch.ts';
import type { InstrumentRecord } from '../pipeline/instrument-table.ts';
import type { TokenSlots } from '../pipeline/routes.ts';
import { Packet, type TickColumns } from '../tick-columns.ts';
import { BarWindows } from './bar-windows.ts';
import { Coverage } from './coverage.ts';
import type { BarTick } from './instrument-bars.ts';
import { type BarCounters, SetBars } from './set-bars.ts';

/** Bars of every set of one slice that wants them. */
export class SliceBars {
  readonly #counters: BarCounters;
  readonly #coverage = new Coverage();
  readonly #sets = new Map<string, SetBars>();
  #calendar: TradingCalendar | undefined;
  #windows = new Map<string, BarWindows>();
  /** Filled anew for each row. */
  readonly #tick: BarTick = { time: 0, received: 0, price: 0, volume: 0, openInterest: 0, cached: false };

  constructor(counters: BarCounters) {
    this.#counters = counters;
  }

  /** The bars of a set; undefined where it wants none. */
  of(setUid: string): SetBars | undefined {
    return this.#sets.get(setUid);
  }

  /**
   * Takes over sets and instruments. Returns the bars of sets that left or changed, published as they stand.
   *
   * @param record of a slot; undefined where the slice does not stream it
   */
  configure(
    spec: SubscriptionSliceSpec,
    calendar: TradingCalendar | undefined,
    slots: TokenSlots,
    record: (slot: number) => InstrumentRecord | undefined,
  ): GatheredBatch[] {
    if (calendar !== this.#calendar) this.#windows = new Map();
    this.#calendar = calendar;
    const former = new Map(this.#sets);
    const joining = new Set(spec.joining);
    this.#sets.clear();
    spec.sets.forEach((set, index) => {
      if (set.bars === undefined) return;
      const known = former.get(set.uid);
      const stays = known?.fits(set, set.bars.intervals) === true;
      const bars = stays ? known : new SetBars(set, set.bars.intervals, this.#coverage, this.#counters);
      if (stays) former.delete(set.uid);
      this.#sets.set(set.uid, bars);
      const instruments = new Map<number, { record: InstrumentRecord; windows: BarWindows }>();
      for (const group of spec.groups) {
        if (!group.sets.includes(index)) continue;
        const windows = this.#windowsOf(group.exchange, set.bars.timezone);
        for (const { token } of group.instruments) {
          const slot = slots.get(token);
          const known = slot < 0 ? undefined : record(slot);
          if (known !== undefined) instruments.set(slot, { record: known, windows });
        }
      }
      bars.configure(instruments, joining);
    });
    return [...former.values()].flatMap((gone) => {
      gone.seal();
      return gone.take(Number.NEGATIVE_INFINITY);
    });
  }

  /** A connection was opened and everything subscribed, at `at` (milliseconds since the epoch). */
  opened(at: number): void {
    if (this.#coverage.open) return;
    this.#coverage.opened(at);
    for (const bars of this.#sets.values()) bars.reopened();
  }

  lost(at: number): void {
    this.#coverage.lost(at);
  }

  /** Gives row `row` to a set's bars. */
  add(bars: SetBars, slot: number, ticks: TickColumns, row: number, time: number, cached: boolean): void {
    const packet = ticks.packet[row]!;
    const tick = this.#tick;
    tick.time = time / 1000;
    tick.received = ticks.receiveTime[row]! / 1000;
    tick.price = ticks.lastPrice[row]!;
    tick.volume = packet === Packet.quote || packet === Packet.full ? ticks.volume[row]! : Number.NaN;
    tick.openInterest = packet === Packet.full ? ticks.openInterest[row]! : Number.NaN;
    tick.cached = cached;
    bars.tick(slot, tick);
  }

  nextDue(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const bars of this.#sets.values()) due = Math.min(due, bars.due);
    return due;
  }

  take(now: number): GatheredBatch[] {
    return [...this.#sets.values()].flatMap((bars) => (bars.due <= now ? bars.take(now) : []));
  }

  /** Publishes all that runs as it stands, marked as partial. */
  seal(): void {
    for (const bars of this.#sets.values()) bars.seal();
  }

  #windowsOf(exchange: string, timezone: SliceSetTimezone): BarWindows {
    const key = this.#calendar === undefined ? timezone : exchange;
    let windows = this.#windows.get(key);
    if (windows === undefined) {
      windows =
        this.#calendar === undefined
          ? BarWindows.aroundTheClock(timezone)
          : new BarWindows(this.#calendar.of(exchange).days);
      this.#windows.set(key, windows);
    }
    return windows;
  }
}

type SliceSetTimezone = NonNullable<SliceSet['bars']>['timezone'];
