import type { SubscriptionSliceSpec } from '../../crds/index.ts';
import { TradingCalendar } from '../../crds/sessions/trading-calendar.ts';
import type { BarCounters, SetBars } from '../bars/set-bars.ts';
import { SliceBars } from '../bars/slice-bars.ts';
import type { Connection } from '../providers/provider.ts';
import type { TickColumns } from '../tick-columns.ts';
import type { Encoders } from './format/encoders.ts';
import type { GatheredBatch } from './gathered-batch.ts';
import { History, timeOf } from './history.ts';
import type { InstrumentRecord, InstrumentTable } from './instrument-table.ts';
import { NewestRows } from './newest-rows.ts';
import { ReadyBatches } from './ready-batches.ts';
import { acquireSlots, compileRoutes, type Entry, noRoutes, type Routes } from './routes.ts';
import { SetBatcher } from './set-batcher.ts';
import { SliceGreeks } from './slice-greeks.ts';
import type { PipelineCounters, SlicePipeline } from './slice-pipeline.ts';
import { saneMask, usualPolicy } from './validation/policy.ts';
import { type Breach, Quarantine } from './validation/quarantine.ts';
import type { RowContext } from './validation/rule.ts';
import { ruleNames } from './validation/rules.ts';
import { jumpShare } from './validation/tolerances.ts';
import { ruleBit, Validator } from './validation/validator.ts';

const historyMask = ruleBit('volumeDecreased') | ruleBit('timeMovedBack');

/** What the slices of an account share. */
export interface Shared {
  readonly table: InstrumentTable;
  /** Decoded into, emptied before the next chunk of a frame. */
  readonly ticks: TickColumns;
  readonly encoders: Encoders;
}

/** {@link PipelineCounters}, with `received = invalid + unknown + unrouted + routed`. */
export interface SliceCounters extends PipelineCounters, BarCounters {
  /** Rows that at least one set took. */
  routed: number;
  /** Ticks in sealed batches that nobody took in time; see {@link ReadyBatches}. 0 while `take` follows each frame. */
  dropped: number;
}

/** The pipeline of one slice; see {@link SlicePipeline}. */
export class AccountSlice implements SlicePipeline {
  readonly counters: SliceCounters = {
    frames: 0,
    received: 0,
    malformedFrames: 0,
    unknown: 0,
    invalid: 0,
    unrouted: 0,
    routed: 0,
    batched: 0,
    conflated: 0,
    dropped: 0,
    bars: 0,
    lateTicks: 0,
    droppedBars: 0,
    byRule: new Map(),
    greeksSolved: 0,
    greeksUnsolved: 0,
  };
  readonly #shared: Shared;
  readonly #history = new History();
  readonly #quarantine = new Quarantine();
  readonly #ready = new ReadyBatches();
  readonly #bars = new SliceBars(this.counters);
  readonly #greeks: SliceGreeks;
  readonly #context: RowContext = {
    first: true,
    previousExchangeTime: 0,
    volumeChangedTime: 0,
    previousVolume: 0,
    previousPrice: 0,
    previousClose: 0,
    scalePrice: 0,
  };
  #validator = new Validator(0);
  #batchers: SetBatcher[] = [];
  #routes: Routes = noRoutes;
  #connection: object | undefined;
  /** The open connection was told of, before its first frame. */
  #announced = false;
  #lastFrame = Number.NEGATIVE_INFINITY;
  #calendar: TradingCalendar | undefined;
  #sessions = '';
  #live = 0;
  /** The slice's only set, where rows may be decoded straight into its batch. */
  #only: SetBatcher | undefined;
  /** Of the row that was examined last: whether it may be the broker's cached value, and the rules that it breaks. */
  #cached = false;
  #broken = 0;
  #keepsNewest = false;

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#greeks = new SliceGreeks(shared.table, this.counters);
  }

  configure(spec: SubscriptionSliceSpec): void {
    const { table } = this.#shared;
    const before = this.#routes;
    const slots = acquireSlots(spec, table, before.slots);
    this.#batchers = this.#configureSets(spec);
    this.#chooseOnly();
    const sessions = JSON.stringify(spec.sessions) ?? '';
    if (sessions !== this.#sessions) {
      this.#calendar = spec.sessions === undefined ? undefined : new TradingCalendar(spec.sessions);
      this.#sessions = sessions;
    }
    this.#history.reserve(table.capacity);
    this.#routes = compileRoutes(spec, slots, table.capacity, this.#batchers, before, this.#calendar);
    const record = (slot: number) => this.#routes.entries[slot]?.record;
    for (const batch of this.#bars.configure(spec, this.#calendar, slots, record)) this.#pushBars(batch);
    this.#batchers.forEach((batcher, index) => {
      const groups = spec.groups.filter(({ sets }) => sets.includes(index));
      const instruments = groups.reduce((sum, group) => sum + group.instruments.length, 0);
      batcher.expect(instruments, table.capacity);
      batcher.bars = this.#bars.of(batcher.uid);
      const atSeal = spec.sets[index]?.greeks?.when === 'batch';
      batcher.complete = atSeal ? (rows) => this.#greeks.solveLast(this.#routes, batcher, rows) : undefined;
    });
    let mask = 0;
    this.#live = 0;
    slots.forEach((slot) => {
      const entry = this.#routes.entries[slot];
      if (entry === undefined) return;
      mask |= entry.route.counted;
      if (before.entries[slot]?.record.token !== entry.record.token) this.#history.forget(slot);
      if (this.#history.isLive(slot)) this.#live++;
    });
    this.#validator = new Validator(mask);
    before.slots.forEach((slot, token) => {
      if (!slots.has(token)) table.release(slot);
    });
  }

  /** Gives back what it holds of the account's table. Batches can still be taken. */
  close(): void {
    for (const batcher of this.#batchers) if (!batcher.empty) this.#push(batcher.seal());
    this.#routes.slots.forEach((slot) => {
      this.#shared.table.release(slot);
    });
    this.#batchers = [];
    this.#only = undefined;
    this.#routes = noRoutes;
    this.#live = 0;
  }

  frame(connection: Pick<Connection, 'decode'>, frame: Uint8Array, receivedAtMicros: number): void {
    if (connection !== this.#connection) {
      this.#connection = connection;
      this.#history.reconnected();
      this.#live = 0;
      if (!this.#announced) {
        this.#bars.lost(this.#lastFrame / 1000);
        this.#bars.opened(receivedAtMicros / 1000);
      }
      this.#announced = false;
    }
    this.#lastFrame = receivedAtMicros;
    this.counters.frames++;
    const only = this.#only;
    let offset = 0;
    do {
      const from = offset;
      const ticks = only === undefined ? this.#shared.ticks : only.rows.room();
      if (only === undefined) ticks.clear();
      const first = ticks.length;
      try {
        offset = connection.decode(frame, offset, receivedAtMicros, ticks);
      } catch {
        // Rows before the fault are good.
        this.counters.malformedFrames++;
        offset = -1;
      }
      this.counters.received += ticks.length - first;
      this.#validator.survey(ticks, first);
      if (only === undefined) for (let row = 0; row < ticks.length; row++) this.#row(ticks, row);
      else this.#rowsInPlace(only, first, receivedAtMicros);
      if (offset >= 0 && offset <= from) {
        this.counters.malformedFrames++;
        break;
      }
    } while (offset >= 0);
    for (const batcher of this.#batchers) if (batcher.immediate && !batcher.empty) this.#push(batcher.seal());
  }

  connectionOpened(atMicros: number): void {
    this.#announced = true;
    this.#bars.opened(atMicros / 1000);
  }

  connectionLost(atMicros: number): void {
    this.#bars.lost(atMicros / 1000);
  }

  sealBars(): void {
    this.#bars.seal();
  }

  take(now: number, all = false): GatheredBatch[] {
    for (const batch of this.#bars.take(now)) this.#pushBars(batch);
    for (const batcher of this.#batchers) if (all ? !batcher.empty : batcher.isDue(now)) this.#push(batcher.seal());
    return this.#ready.take();
  }

  keepNewest(keep: boolean): void {
    if (keep === this.#keepsNewest) return;
    this.#keepsNewest = keep;
    for (const batcher of this.#batchers) batcher.newest = keep ? new NewestRows() : undefined;
    this.#chooseOnly();
  }

  newest(nowMicros: number): GatheredBatch[] {
    const batches: GatheredBatch[] = [];
    for (const batcher of this.#batchers) {
      const wanted = (record: InstrumentRecord, slot: number): boolean => {
        const entry = this.#routes.entries[slot];
        return entry?.record === record && entry.route.deliveries.some(({ sets }) => sets.includes(batcher));
      };
      if (!batcher.empty) batches.push(batcher.seal());
      for (const batch of batcher.sealNewest(nowMicros, wanted)) {
        this.counters.batched += batch.count;
        batches.push(batch);
      }
    }
    return batches;
  }

  nextDue(): number {
    if (!this.#ready.empty) return 0;
    let due = this.#bars.nextDue();
    for (const batcher of this.#batchers) if (batcher.due < due) due = batcher.due;
    return due;
  }

  ticking(): number {
    return this.#live;
  }

  nameOf(token: number): string | undefined {
    return this.#routes.entries[this.#shared.table.slotOf(token)]?.record.name;
  }

  unheard(limit: number): number[] {
    const tokens: number[] = [];
    for (const [slot, entry] of this.#routes.entries.entries()) {
      if (tokens.length >= limit) break;
      if (entry !== undefined && !this.#history.heard(slot)) tokens.push(entry.record.token);
    }
    return tokens;
  }

  get breached(): number {
    return this.#quarantine.written;
  }

  /** The newest rows that broke a rule, the newest last; a bounded number. */
  breaches(): Breach[] {
    return this.#quarantine.breaches();
  }

  #chooseOnly(): void {
    const [only] = this.#batchers;
    this.#only = this.#batchers.length === 1 && only?.direct === true ? only : undefined;
  }

  #configureSets(spec: SubscriptionSliceSpec): SetBatcher[] {
    const old = new Map(this.#batchers.map((batcher) => [batcher.uid, batcher]));
    const batchers = spec.sets.map((set) => {
      const known = old.get(set.uid);
      if (known === undefined) {
        const batcher = new SetBatcher(set, this.#shared.encoders);
        if (this.#keepsNewest) batcher.newest = new NewestRows();
        return batcher;
      }
      old.delete(set.uid);
      const gathered = known.configure(set);
      if (gathered !== undefined) this.#push(gathered);
      return known;
    });
    for (const gone of old.values()) if (!gone.empty) this.#push(gone.seal());
    return batchers;
  }

  /** A row for all the sets that want it. */
  #row(ticks: TickColumns, row: number): void {
    const entry = this.#examine(ticks, row);
    if (entry === undefined) return;
    if (entry.route.deliveries.length === 0) this.#unrouted(entry, ticks, row);
    else {
      const taken = this.#route(entry, ticks, row);
      if (taken) this.counters.routed++;
      this.#settle(entry, ticks, row, taken);
    }
  }

  /** Rows that were decoded into the batch of the slice's only set, from `first` on: those that it does not take go. */
  #rowsInPlace(set: SetBatcher, first: number, received: number): void {
    const { rows } = set;
    const ticks = rows.columns;
    const end = ticks.length;
    const greeks = this.#greeks;
    greeks.reserve(end);
    let plain = 0;
    let to = first;
    let from = first;
    for (let row = first; row < end; row++) {
      const at = to + row - from;
      const plainly = this.#plain(ticks, row);
      if (plainly !== undefined) {
        plain++;
        rows.keep(at, plainly.record, false);
        if (plainly.option) greeks.keep(at, plainly);
        if (set.bars !== undefined) this.#addToBars(set.bars, ticks, row, false);
        continue;
      }
      const entry = this.#examine(ticks, row);
      if (entry !== undefined && this.#keeps(set, entry, ticks, row, at)) continue;
      rows.close(to, from, row - from);
      to += row - from;
      from = row + 1;
    }
    this.counters.routed += plain;
    this.counters.batched += plain;
    rows.close(to, from, end - from);
    ticks.length = to + end - from;
    this.#greeks.solveInPlace(this.#routes, rows, first);
    set.took(received, first);
    if (set.full) this.#push(set.seal(true));
  }

  /**
   * The row's instrument where it plainly is one of the only set's, in a session, and follows what came before; then it is
   * remembered, and nothing else need be asked. Undefined says nothing, and changes nothing but the row's slot.
   */
  #plain(ticks: TickColumns, row: number): Entry | undefined {
    const slot = this.#shared.table.slotOf(ticks.token[row]!);
    ticks.slot[row] = slot;
    if (slot < 0 || !this.#validator.plain(row)) return undefined;
    const entry = this.#routes.entries[slot];
    if (entry === undefined || entry.joining || entry.route.deliveries.length === 0) return undefined;
    if (this.#isClosed(entry, ticks, row) || !this.#follows(slot, entry, ticks, row)) return undefined;
    return entry;
  }

  /** Whether the instrument's exchange has no session at the row's time. */
  #isClosed({ route: { calendar } }: Entry, ticks: TickColumns, row: number): boolean {
    return calendar !== undefined && calendar.at(timeOf(ticks, row) / 1000).state === 'closed';
  }

  /** Whether the only set keeps the row, as row `at` of its batch. */
  #keeps(set: SetBatcher, entry: Entry, ticks: TickColumns, row: number, at: number): boolean {
    const delivery = entry.route.deliveries[0];
    if (delivery === undefined) {
      this.#unrouted(entry, ticks, row);
      return false;
    }
    const keeps = (this.#broken & set.policy.enforced) === 0;
    if (keeps) {
      set.rows.keep(at, entry.record, this.#cached);
      if (entry.option) this.#greeks.keep(at, entry);
      this.counters.routed++;
      this.counters.batched++;
      if (entry.joining) set.overlaps(at);
      if (set.bars !== undefined) this.#addToBars(set.bars, ticks, row, this.#cached);
    }
    this.#settle(entry, ticks, row, keeps);
    return keeps;
  }

  /**
   * Finds the row's instrument, judges it and remembers it; what it found is in `#cached` and `#broken`. Undefined where
   * the slice does not have its token.
   */
  #examine(ticks: TickColumns, row: number): Entry | undefined {
    const slot = this.#shared.table.slotOf(ticks.token[row]!);
    ticks.slot[row] = slot;
    const entry = slot < 0 ? undefined : this.#routes.entries[slot];
    if (entry === undefined) {
      this.counters.unknown++;
      return undefined;
    }
    const closed = this.#isClosed(entry, ticks, row);
    if (this.#validator.plain(row) && this.#follows(slot, entry, ticks, row)) {
      this.#cached = closed;
      this.#broken = 0;
      return entry;
    }
    const context = this.#context;
    this.#history.describe(slot, ticks, row, context);
    this.#cached = closed || this.#history.isCached(slot, ticks, row, context.first);
    this.#broken = this.#judge(slot, entry, ticks, row);
    return entry;
  }

  /** A row of an underlying that is streamed for Greeks only. */
  #unrouted(entry: Entry, ticks: TickColumns, row: number): void {
    const sane = (this.#broken & usualPolicy.enforced) === 0;
    if (sane) this.counters.unrouted++;
    this.#settle(entry, ticks, row, sane);
  }

  /** What follows of a row that is good enough, or not. */
  #settle(entry: Entry, ticks: TickColumns, row: number, good: boolean): void {
    if (!good) this.counters.invalid++;
    if (this.#broken !== 0) this.#countBreaches(entry, this.#broken, ticks, row, !good);
    if (good && !this.#cached && this.#history.becomesLive(ticks.slot[row]!)) this.#live++;
  }

  /** Whether a plain row follows what came before; then it is remembered, and its price for the account. */
  #follows(slot: number, entry: Entry, ticks: TickColumns, row: number): boolean {
    const { lastPrice } = this.#shared.table;
    const most = jumpShare * this.#scale(slot, entry);
    if (!this.#history.follow(slot, ticks, row, lastPrice[slot]!, most)) return false;
    lastPrice[slot] = ticks.lastPrice[row]!;
    return true;
  }

  /** What a jump of the instrument's price is measured by: an option's by its underlying's price. */
  #scale(slot: number, entry: Entry): number {
    const { lastPrice } = this.#shared.table;
    if (!entry.option) return lastPrice[slot]!;
    const { underlyingSlot } = entry;
    const underlying = underlyingSlot < 0 ? Number.NaN : lastPrice[underlyingSlot]!;
    return underlying > 0 ? underlying : entry.strike;
  }

  /** The rules that the row breaks; remembers it for the next one, and its price for the account. */
  #judge(slot: number, entry: Entry, ticks: TickColumns, row: number): number {
    const { lastPrice } = this.#shared.table;
    const context = this.#context;
    context.previousPrice = lastPrice[slot]!;
    context.scalePrice = this.#scale(slot, entry);
    const broken = this.#validator.broken(ticks, row, context);
    const price = ticks.lastPrice[row]!;
    const sane = (broken & saneMask) === 0;
    this.#history.remember(slot, ticks, row, sane, (broken & historyMask) !== 0);
    if (sane && price > 0 && price < Number.POSITIVE_INFINITY) lastPrice[slot] = price;
    return broken;
  }

  /** Gives the row to every set that takes it; returns whether one did. */
  #route(entry: Entry, ticks: TickColumns, row: number): boolean {
    const broken = this.#broken;
    let taken = false;
    for (const { greeks: wanted, sets } of entry.route.deliveries) {
      let greeks: Float64Array | undefined;
      for (const set of sets) {
        if ((broken & set.policy.enforced) !== 0) continue;
        if (wanted !== undefined && greeks === undefined && entry.option)
          greeks = this.#greeks.solveOne(wanted, entry, ticks, row);
        if (set.add(ticks, row, entry.record, this.#cached, greeks)) this.counters.batched++;
        else this.counters.conflated++;
        if (entry.joining) set.overlaps(set.rows.length - 1);
        if (set.full) this.#push(set.seal(true));
        if (set.bars !== undefined) this.#addToBars(set.bars, ticks, row, this.#cached);
        taken = true;
      }
    }
    return taken;
  }

  #addToBars(bars: SetBars, ticks: TickColumns, row: number, cached: boolean): void {
    this.#bars.add(bars, ticks.slot[row]!, ticks, row, timeOf(ticks, row), cached);
  }

  #countBreaches(entry: Entry, broken: number, ticks: TickColumns, row: number, quarantined: boolean): void {
    const counted = broken & entry.route.counted;
    if (counted === 0) return;
    const { byRule } = this.counters;
    for (let bit = 0; bit < ruleNames.length; bit++) {
      if ((counted & (1 << bit)) === 0) continue;
      const name = ruleNames[bit]!;
      byRule.set(name, (byRule.get(name) ?? 0) + 1);
    }
    this.#quarantine.add(entry.record, counted, ticks.receiveTime[row]!, ticks.lastPrice[row]!, quarantined);
  }

  #pushBars(batch: GatheredBatch): void {
    this.counters.batched += batch.count;
    this.#push(batch);
  }

  #push(batch: GatheredBatch): void {
    this.counters.dropped += this.#ready.push(batch);
  }
}
