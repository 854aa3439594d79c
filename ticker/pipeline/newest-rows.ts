import { Greek, greekCount } from '../greeks/greeks.ts';
import type { TickColumns } from '../tick-columns.ts';
import type { InstrumentRecord } from './instrument-table.ts';
import { RowBatch } from './row-batch.ts';

/** Instruments of one set on one connection whose newest rows are kept; beyond, none is added. */
const mostInstruments = 20_000;

/** The newest row of each instrument of one set, kept while a successor warms up: two connections never tick alike. */
export class NewestRows {
  readonly #rows = new RowBatch(mostInstruments);
  readonly #at = new Map<InstrumentRecord, number>();
  readonly #greeks = new Float64Array(greekCount);

  keep(
    ticks: TickColumns,
    row: number,
    record: InstrumentRecord,
    cached: boolean,
    greeks: Float64Array | undefined,
  ): void {
    const at = this.#at.get(record);
    if (at !== undefined) this.#rows.replace(at, ticks, row, record, cached, greeks);
    else if (!this.#rows.full) {
      this.#at.set(record, this.#rows.length);
      this.#rows.append(ticks, row, record, cached, greeks);
    }
  }

  /** Appends the rows that are `wanted` to `into`, which `full` empties whenever it is full. */
  copy(into: RowBatch, wanted: (record: InstrumentRecord, slot: number) => boolean, full: () => void): void {
    const rows = this.#rows;
    for (let row = 0; row < rows.length; row++) {
      const record = rows.instruments[row]!;
      if (!wanted(record, rows.columns.slot[row]!)) continue;
      into.append(rows.columns, row, record, rows.cached[row] === 1, rows.enriched ? this.#greeksOf(row) : undefined);
      if (into.full) full();
    }
  }

  #greeksOf(row: number): Float64Array {
    const { columns } = this.#rows;
    const greeks = this.#greeks;
    greeks[Greek.iv] = columns.impliedVolatility[row]!;
    greeks[Greek.delta] = columns.delta[row]!;
    greeks[Greek.gamma] = columns.gamma[row]!;
    greeks[Greek.theta] = columns.theta[row]!;
    greeks[Greek.vega] = columns.vega[row]!;
    greeks[Greek.rho] = columns.rho[row]!;
    return greeks;
  }
}
