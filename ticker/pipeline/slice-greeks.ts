import { Greek, greekCount } from '../greeks/greeks.ts';
import type { TickColumns } from '../tick-columns.ts';
import { type Enricher, wantedOf } from './enrich.ts';
import type { InstrumentTable } from './instrument-table.ts';
import type { Entry, Routes, WantedGreeks } from './routes.ts';
import type { RowBatch } from './row-batch.ts';
import type { SetBatcher } from './set-batcher.ts';
import type { PipelineCounters } from './slice-pipeline.ts';

/** Greeks of one row by themselves, and the same as columns of that one row. */
const oneRowGreeks = new Float64Array(greekCount);
const greek = (index: number): Float64Array => oneRowGreeks.subarray(index, index + 1);
const oneRow = {
  impliedVolatility: greek(Greek.iv),
  delta: greek(Greek.delta),
  gamma: greek(Greek.gamma),
  theta: greek(Greek.theta),
  vega: greek(Greek.vega),
  rho: greek(Greek.rho),
};

/** When and for which rows of one slice Greeks are computed; counted. */
export class SliceGreeks {
  readonly #table: Pick<InstrumentTable, 'lastPrice'>;
  readonly #counters: Pick<PipelineCounters, 'greeksSolved' | 'greeksUnsolved'>;
  /** What each option's underlying stood at, for rows of the batch that is being filled in place. */
  #underlyings = new Float64Array(0);

  constructor(
    table: Pick<InstrumentTable, 'lastPrice'>,
    counters: Pick<PipelineCounters, 'greeksSolved' | 'greeksUnsolved'>,
  ) {
    this.#table = table;
    this.#counters = counters;
  }

  /** Makes room for a batch of so many rows, of which some are then {@link keep kept}. */
  reserve(rows: number): void {
    if (this.#underlyings.length < rows) this.#underlyings = new Float64Array(rows);
  }

  /** Row `at` of the batch is of this option, and its underlying stands where it stands now. */
  keep(at: number, option: Entry): void {
    this.#underlyings[at] = this.#underlyingPrice(option);
  }

  /** Greeks of the rows of a batch from `first` on: several at once, now that they stand where they belong. */
  solveInPlace({ entries }: Routes, rows: RowBatch, first: number): void {
    const ticks = rows.columns;
    let enricher: Enricher | undefined;
    for (let row = first; row < ticks.length; ) {
      const wanted = wantedOf(entries[ticks.slot[row]!]);
      if (wanted === undefined) {
        rows.withoutGreeks(row++);
        continue;
      }
      if (enricher !== wanted.enricher || enricher.full) {
        if (enricher === undefined) rows.beginGreeksInPlace(row);
        else this.#solve(enricher, rows);
        enricher = wanted.enricher;
      }
      row = enricher.addRows(entries, ticks, this.#underlyings, row);
    }
    if (enricher !== undefined) this.#solve(enricher, rows);
  }

  /** One option's Greeks, until the next call. */
  solveOne({ enricher, expiry }: WantedGreeks, entry: Entry, ticks: TickColumns, row: number): Float64Array {
    const underlying = this.#underlyingPrice(entry);
    enricher.add(entry, expiry, ticks.slot[row]!, ticks.lastPrice[row]!, underlying, ticks.receiveTime[row]!, 0);
    if (enricher.solve(oneRow) === 1) this.#counters.greeksSolved++;
    else this.#counters.greeksUnsolved++;
    return oneRowGreeks;
  }

  /** Greeks of the last row of each option in a batch that is about to be sealed. */
  solveLast({ entries }: Routes, set: SetBatcher, rows: RowBatch): void {
    const solved = new Set<number>();
    for (let row = rows.length - 1; row >= 0; row--) {
      const slot = rows.columns.slot[row]!;
      if (solved.has(slot)) continue;
      solved.add(slot);
      const entry = entries[slot];
      if (entry === undefined || !entry.option || entry.record !== rows.instruments[row]) continue;
      const wanted = entry.route.atSeal.get(set);
      if (wanted !== undefined) rows.setGreeks(row, this.solveOne(wanted, entry, rows.columns, row));
    }
  }

  #solve(enricher: Enricher, rows: RowBatch): void {
    const { pending } = enricher;
    const solved = enricher.solve(rows.columns);
    if (solved < pending) rows.allSolved = false;
    this.#counters.greeksSolved += solved;
    this.#counters.greeksUnsolved += pending - solved;
  }

  #underlyingPrice({ underlyingSlot }: Entry): number {
    return underlyingSlot < 0 ? Number.NaN : this.#table.lastPrice[underlyingSlot]!;
  }
}
