import type { SubscriptionSliceSpec } from '../../crds/index.ts';
import type { Connection } from '../providers/provider.ts';
import type { TickColumns } from '../tick-columns.ts';
import type { Encoders } from './format/encoders.ts';
import type { GatheredBatch } from './gathered-batch.ts';
import { History } from './history.ts';
import type { InstrumentTable } from './instrument-table.ts';
import { ReadyBatches } from './ready-batches.ts';
import { acquireSlots, compileRoutes, type Entry, noRoutes, type Routes } from './routes.ts';
import { SetBatcher } from './set-batcher.ts';
import type { PipelineCounters, SlicePipeline } from './slice-pipeline.ts';
import { saneMask, usualPolicy } from './validation/policy.ts';
import { type Breach, Quarantine } from './validation/quarantine.ts';
import type { RowContext } from './validation/rule.ts';
import { ruleNames } from './validation/rules.ts';
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
export interface SliceCounters extends PipelineCounters {
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
    byRule: new Map(),
    greeksSolved: 0,
    greeksUnsolved: 0,
  };
  readonly #shared: Shared;
  readonly #history = new History();
  readonly #quarantine = new Quarantine();
  readonly #ready = new ReadyBatches();
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
  #live = 0;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  configure(spec: SubscriptionSliceSpec): void {
    const { table } = this.#shared;
    const before = this.#routes;
    const slots = acquireSlots(spec, table, before.slots);
    this.#batchers = this.#configureSets(spec);
    this.#history.reserve(table.capacity);
    this.#routes = compileRoutes(spec, slots, table.capacity, this.#batchers, before);
    let mask = 0;
    this.#live = 0;
    for (const slot of slots.values()) {
      const entry = this.#routes.entries[slot];
      if (entry === undefined) continue;
      mask |= entry.route.counted;
      if (before.entries[slot]?.record.token !== entry.record.token) this.#history.forget(slot);
      this.#live += this.#history.live[slot]!;
    }
    this.#validator = new Validator(mask);
    for (const [token, slot] of before.slots) if (!slots.has(token)) table.release(slot);
  }

  /** Gives back what it holds of the account's table. Batches can still be taken. */
  close(): void {
    for (const batcher of this.#batchers) if (!batcher.empty) this.#push(batcher.seal());
    for (const slot of this.#routes.slots.values()) this.#shared.table.release(slot);
    this.#batchers = [];
    this.#routes = noRoutes;
    this.#live = 0;
  }

  frame(connection: Pick<Connection, 'decode'>, frame: Uint8Array, receivedAtMicros: number): void {
    if (connection !== this.#connection) {
      this.#connection = connection;
      this.#history.reconnected();
      this.#live = 0;
    }
    this.counters.frames++;
    const { ticks } = this.#shared;
    let offset = 0;
    do {
      const from = offset;
      ticks.clear();
      try {
        offset = connection.decode(frame, offset, receivedAtMicros, ticks);
      } catch {
        // Rows before the fault are good.
        this.counters.malformedFrames++;
        offset = -1;
      }
      for (let row = 0; row < ticks.length; row++) this.#row(ticks, row);
      if (offset >= 0 && offset <= from) {
        this.counters.malformedFrames++;
        break;
      }
    } while (offset >= 0);
    for (const batcher of this.#batchers) if (batcher.immediate && !batcher.empty) this.#push(batcher.seal());
  }

  take(now: number, all = false): GatheredBatch[] {
    for (const batcher of this.#batchers) if (all ? !batcher.empty : batcher.isDue(now)) this.#push(batcher.seal());
    return this.#ready.take();
  }

  nextDue(): number {
    if (!this.#ready.empty) return 0;
    let due = Number.POSITIVE_INFINITY;
    for (const batcher of this.#batchers) if (batcher.due < due) due = batcher.due;
    return due;
  }

  ticking(): number {
    return this.#live;
  }

  unheard(limit: number): number[] {
    const tokens: number[] = [];
    for (const [slot, entry] of this.#routes.entries.entries()) {
      if (tokens.length >= limit) break;
      if (entry !== undefined && this.#history.firstReceived[slot] === 0) tokens.push(entry.record.token);
    }
    return tokens;
  }

  /** The newest rows that broke a rule, the newest last; a bounded number. */
  breaches(): Breach[] {
    return this.#quarantine.breaches();
  }

  #configureSets(spec: SubscriptionSliceSpec): SetBatcher[] {
    const old = new Map(this.#batchers.map((batcher) => [batcher.uid, batcher]));
    const batchers = spec.sets.map((set) => {
      const known = old.get(set.uid);
      if (known === undefined) return new SetBatcher(set, this.#shared.encoders);
      old.delete(set.uid);
      const gathered = known.configure(set);
      if (gathered !== undefined) this.#push(gathered);
      return known;
    });
    for (const gone of old.values()) if (!gone.empty) this.#push(gone.seal());
    return batchers;
  }

  #row(ticks: TickColumns, row: number): void {
    const { counters } = this;
    counters.received++;
    const slot = this.#shared.table.slotOf(ticks.token[row]!);
    ticks.slot[row] = slot;
    const entry = slot < 0 ? undefined : this.#routes.entries[slot];
    if (entry === undefined) {
      counters.unknown++;
      return;
    }
    const context = this.#context;
    this.#history.describe(slot, ticks, row, context);
    const cached = this.#history.isCached(slot, ticks, row, context.first);
    const broken = this.#judge(slot, entry, ticks, row);
    const { deliveries } = entry.route;
    let outcome: 'invalid' | 'unrouted' | 'routed';
    if (deliveries.length === 0) outcome = (broken & usualPolicy.enforced) === 0 ? 'unrouted' : 'invalid';
    else outcome = this.#route(entry, ticks, row, cached, broken) ? 'routed' : 'invalid';
    counters[outcome]++;
    if (broken !== 0) this.#countBreaches(entry, broken, ticks, row, outcome === 'invalid');
    if (outcome !== 'invalid' && !cached && this.#history.live[slot] === 0) {
      this.#history.live[slot] = 1;
      this.#live++;
    }
  }

  /** The rules that the row breaks; remembers it for the next one, and its price for the account. */
  #judge(slot: number, entry: Entry, ticks: TickColumns, row: number): number {
    const { lastPrice } = this.#shared.table;
    const context = this.#context;
    context.previousPrice = lastPrice[slot]!;
    context.scalePrice = context.previousPrice;
    if (entry.option) {
      const underlying = entry.underlyingSlot < 0 ? Number.NaN : lastPrice[entry.underlyingSlot]!;
      context.scalePrice = underlying > 0 ? underlying : entry.strike;
    }
    const broken = this.#validator.broken(ticks, row, context);
    const price = ticks.lastPrice[row]!;
    const sane = (broken & saneMask) === 0;
    this.#history.remember(slot, ticks, row, sane, (broken & historyMask) !== 0);
    if (sane && price > 0 && price < Number.POSITIVE_INFINITY) lastPrice[slot] = price;
    return broken;
  }

  /** Gives the row to every set that takes it; returns whether one did. */
  #route(entry: Entry, ticks: TickColumns, row: number, cached: boolean, broken: number): boolean {
    let taken = false;
    for (const { greeks: wanted, sets } of entry.route.deliveries) {
      let greeks: Float64Array | undefined;
      for (const set of sets) {
        if ((broken & set.policy.enforced) !== 0) continue;
        if (wanted !== undefined && greeks === undefined && entry.option) {
          const { enricher, expiry } = wanted;
          const { underlyingSlot } = entry;
          const underlying = underlyingSlot < 0 ? Number.NaN : this.#shared.table.lastPrice[underlyingSlot]!;
          const price = ticks.lastPrice[row]!;
          const at = ticks.receiveTime[row]!;
          if (enricher.solve(ticks.slot[row]!, entry.call, price, underlying, entry.strike, expiry, at))
            this.counters.greeksSolved++;
          else this.counters.greeksUnsolved++;
          greeks = enricher.out;
        }
        if (set.add(ticks, row, entry.record, cached, greeks)) this.counters.batched++;
        else this.counters.conflated++;
        if (set.full) this.#push(set.seal());
        taken = true;
      }
    }
    return taken;
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

  #push(batch: GatheredBatch): void {
    this.counters.dropped += this.#ready.push(batch);
  }
}
