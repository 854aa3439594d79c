import { Greek, greekCount } from '../greeks/greeks.ts';
import { depthLevels, Packet, TickColumns } from '../tick-columns.ts';
import { SymbolTable } from './format/symbol-table.ts';
import type { InstrumentRecord } from './instrument-table.ts';

/** Rows that a batch has room for at first; it doubles as needed, up to the set's `maxTicks`. */
const firstCapacity = 64;
/** Batches after which room that none of them has used a quarter of is halved: a burst fills more than usual. */
const shrinkAfter = 64;

/** Rows of one set that wait to be encoded. Its arrays are reused from batch to batch. */
export class RowBatch {
  readonly limit: number;
  columns: TickColumns;
  /** What row `i` is a tick of. Kept by reference, so that a row outlives its instrument's removal. */
  readonly instruments: InstrumentRecord[] = [];
  /** Names of the instruments, for a format that wants them. */
  readonly symbols = new SymbolTable();
  /** 1 where the row may be the broker's cached last value. */
  cached: Uint8Array;
  /** Whether any row has Greeks; while none has, their columns are not filled. */
  enriched = false;
  /** Whether any row may be a cached last value. */
  someCached = false;
  /** Whether every number that a packet carries is known to be finite; for whoever fills it to say. */
  finite = false;
  /** Whether every row has Greeks, all of them finite. */
  allSolved = true;
  /** The most rows of a batch lately, and how many batches that are. */
  #most = 0;
  #batches = 0;

  /** @param limit the most rows, at least 1 */
  constructor(limit: number) {
    this.limit = limit;
    this.columns = new TickColumns(Math.min(limit, firstCapacity));
    this.cached = new Uint8Array(this.columns.capacity);
  }

  get length(): number {
    return this.columns.length;
  }

  get full(): boolean {
    return this.columns.length >= this.limit;
  }

  clear(): void {
    this.#most = Math.max(this.#most, this.length);
    this.columns.clear();
    if (++this.#batches === shrinkAfter) this.#shrink();
    this.enriched = false;
    this.someCached = false;
    this.allSolved = true;
  }

  /** Microseconds from exchange time to receipt of the newest row that is live and has an exchange time. */
  exchangeDelay(): number | undefined {
    const { packet, exchangeTime, receiveTime } = this.columns;
    for (let row = this.length - 1; row >= 0; row--) {
      if ((packet[row] !== Packet.full && packet[row] !== Packet.indexFull) || this.cached[row] === 1) continue;
      if (exchangeTime[row]! > 0) return receiveTime[row]! - exchangeTime[row]!;
    }
    return undefined;
  }

  /**
   * Copies row `row` of `from`. Columns that its packet does not carry are left as they are: readers of a batch ask the
   * packet first.
   *
   * @param greeks iv, delta, gamma, theta, vega, rho; absent where the set wants none
   */
  append(from: TickColumns, row: number, record: InstrumentRecord, cached: boolean, greeks?: Float64Array): void {
    if (this.columns.full) this.#grow();
    this.replace(this.columns.length++, from, row, record, cached, greeks);
  }

  /** The same in place of row `at`. */
  replace(
    at: number,
    from: TickColumns,
    row: number,
    record: InstrumentRecord,
    cached: boolean,
    greeks?: Float64Array,
  ): void {
    const to = this.columns;
    this.instruments[at] = record;
    this.cached[at] = cached ? 1 : 0;
    if (cached) this.someCached = true;
    const packet = from.packet[row]!;
    to.packet[at] = packet;
    to.token[at] = from.token[row]!;
    to.slot[at] = from.slot[row]!;
    to.receiveTime[at] = from.receiveTime[row]!;
    to.lastPrice[at] = from.lastPrice[row]!;
    if (greeks !== undefined) {
      if (!this.enriched) this.#beginGreeks();
      copyGreeks(greeks, to, at);
      if (this.allSolved) this.allSolved = allFinite(greeks);
    } else this.#noGreeks(at);
    if (packet === Packet.ltp) return;
    copyPrices(from, row, to, at);
    if (packet === Packet.indexQuote) return;
    if (packet === Packet.quote || packet === Packet.full) copyQuote(from, row, to, at);
    if (packet === Packet.full || packet === Packet.indexFull) to.exchangeTime[at] = from.exchangeTime[row]!;
    if (packet === Packet.full) copyFull(from, row, to, at);
  }

  /** Row `row` of another batch, with its Greeks. */
  appendFrom(batch: RowBatch, row: number): void {
    if (this.columns.full) this.#grow();
    this.replaceFrom(this.columns.length++, batch, row);
  }

  /** The same in place of row `at`. */
  replaceFrom(at: number, batch: RowBatch, row: number): void {
    const { columns: from } = batch;
    if (batch.enriched) readGreeks(from, row, greeksRead);
    const greeks = batch.enriched ? greeksRead : undefined;
    this.replace(at, from, row, batch.instruments[row]!, batch.cached[row] === 1, greeks);
  }

  /** Columns with room, to decode rows into behind those that are there; then {@link keep} or leave out each of them. */
  room(): TickColumns {
    if (this.columns.full) this.#grow();
    return this.columns;
  }

  /**
   * Says what row `at` is, which was decoded in place: rows that were left out before it are closed up by {@link close}.
   * Its Greeks come later.
   */
  keep(at: number, record: InstrumentRecord, cached: boolean): void {
    this.instruments[at] = record;
    this.cached[at] = cached ? 1 : 0;
    if (cached) this.someCached = true;
  }

  /** Row `row`, which was kept in place, is to get Greeks, into the columns. Those before it have theirs, or none. */
  beginGreeksInPlace(row: number): void {
    if (!this.enriched) this.#beginGreeks(row);
  }

  /** Row `row`, which was kept in place, has no Greeks. */
  withoutGreeks(row: number): void {
    this.#noGreeks(row);
  }

  /** Forgets all rows but `row`, which becomes the first. */
  beginWith(row: number): void {
    this.columns.move(0, row, 1);
    this.instruments[0] = this.instruments[row]!;
    this.cached[0] = this.cached[row]!;
    this.someCached = this.cached[0] === 1;
    this.columns.length = 1;
  }

  /** Gives row `at`, which has none yet, its Greeks. */
  setGreeks(at: number, greeks: Float64Array): void {
    if (!this.enriched) this.#beginGreeks();
    copyGreeks(greeks, this.columns, at);
  }

  /** Moves `count` rows that are kept, from `from` on, to where they belong. */
  close(to: number, from: number, count: number): void {
    if (to !== from && count > 0) this.columns.move(to, from, count);
  }

  /** The rows besides the first with Greeks have none; it need not be the last, where it replaces one. */
  #beginGreeks(rows = this.length): void {
    this.enriched = true;
    const { impliedVolatility, delta, gamma, theta, vega, rho } = this.columns;
    for (const column of [impliedVolatility, delta, gamma, theta, vega, rho]) column.fill(Number.NaN, 0, rows);
  }

  #noGreeks(at: number): void {
    this.allSolved = false;
    if (this.enriched) copyGreeks(noGreeks, this.columns, at);
  }

  #grow(): void {
    const old = this.columns;
    const { cached } = this;
    this.#makeRoom(Math.min(this.limit, old.capacity * 2));
    this.columns.takeOver(old);
    this.cached.set(cached);
  }

  /** Of no rows. */
  #shrink(): void {
    const { capacity } = this.columns;
    if (4 * this.#most <= capacity && capacity > firstCapacity) {
      this.#makeRoom(Math.max(firstCapacity, capacity >> 1));
      this.instruments.length = Math.min(this.instruments.length, this.columns.capacity);
    }
    this.#most = 0;
    this.#batches = 0;
  }

  #makeRoom(capacity: number): void {
    this.columns = new TickColumns(capacity);
    this.cached = new Uint8Array(capacity);
  }
}

const noGreeks = new Float64Array(greekCount).fill(Number.NaN);

const greeksRead = new Float64Array(greekCount);

function readGreeks(from: TickColumns, row: number, to: Float64Array): void {
  to[Greek.iv] = from.impliedVolatility[row]!;
  to[Greek.delta] = from.delta[row]!;
  to[Greek.gamma] = from.gamma[row]!;
  to[Greek.theta] = from.theta[row]!;
  to[Greek.vega] = from.vega[row]!;
  to[Greek.rho] = from.rho[row]!;
}

function allFinite(greeks: Float64Array): boolean {
  const sum =
    greeks[Greek.iv]! +
    greeks[Greek.delta]! +
    greeks[Greek.gamma]! +
    greeks[Greek.theta]! +
    greeks[Greek.vega]! +
    greeks[Greek.rho]!;
  return sum - sum === 0;
}

function copyGreeks(greeks: Float64Array, to: TickColumns, at: number): void {
  to.impliedVolatility[at] = greeks[Greek.iv]!;
  to.delta[at] = greeks[Greek.delta]!;
  to.gamma[at] = greeks[Greek.gamma]!;
  to.theta[at] = greeks[Greek.theta]!;
  to.vega[at] = greeks[Greek.vega]!;
  to.rho[at] = greeks[Greek.rho]!;
}

function copyPrices(from: TickColumns, row: number, to: TickColumns, at: number): void {
  to.open[at] = from.open[row]!;
  to.high[at] = from.high[row]!;
  to.low[at] = from.low[row]!;
  to.close[at] = from.close[row]!;
}

function copyQuote(from: TickColumns, row: number, to: TickColumns, at: number): void {
  to.lastQuantity[at] = from.lastQuantity[row]!;
  to.averagePrice[at] = from.averagePrice[row]!;
  to.volume[at] = from.volume[row]!;
  to.buyQuantity[at] = from.buyQuantity[row]!;
  to.sellQuantity[at] = from.sellQuantity[row]!;
}

function copyFull(from: TickColumns, row: number, to: TickColumns, at: number): void {
  to.lastTradeTime[at] = from.lastTradeTime[row]!;
  to.openInterest[at] = from.openInterest[row]!;
  to.openInterestHigh[at] = from.openInterestHigh[row]!;
  to.openInterestLow[at] = from.openInterestLow[row]!;
  const source = row * depthLevels;
  const target = at * depthLevels;
  for (let level = 0; level < depthLevels; level++) {
    to.bidPrice[target + level] = from.bidPrice[source + level]!;
    to.bidQuantity[target + level] = from.bidQuantity[source + level]!;
    to.bidOrders[target + level] = from.bidOrders[source + level]!;
    to.askPrice[target + level] = from.askPrice[source + level]!;
    to.askQuantity[target + level] = from.askQuantity[source + level]!;
    to.askOrders[target + level] = from.askOrders[source + level]!;
  }
}
