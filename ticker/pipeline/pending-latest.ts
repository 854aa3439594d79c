import { RowBatch } from './row-batch.ts';
import { rowTime } from './row-time.ts';

/** Instruments of one set in one slice, at most; a connection streams fewer. */
const mostRows = 20_000;

/**
 * The newest row of each instrument that ticked since latest values were written last. A set whose batches fill up many
 * times in a window would else write each instrument's row with every one of them.
 */
export class PendingLatest {
  readonly rows = new RowBatch(mostRows);
  /** Where an instrument's row is, by slot, where it is still that instrument's. */
  #rowOf = new Int32Array(64);

  get empty(): boolean {
    return this.rows.length === 0;
  }

  /** Takes over the rows of a batch; of an instrument's rows the newest stays. */
  take(batch: RowBatch): void {
    const { columns: ticks, instruments } = batch;
    const { rows } = this;
    for (let row = 0; row < ticks.length; row++) {
      const slot = ticks.slot[row]!;
      if (slot >= this.#rowOf.length) this.#grow(slot);
      const at = this.#rowOf[slot]!;
      if (at < rows.length && rows.instruments[at] === instruments[row]) {
        if (rowTime(rows.columns, at) <= rowTime(ticks, row)) rows.replaceFrom(at, batch, row);
      } else if (!rows.full) {
        this.#rowOf[slot] = rows.length;
        rows.appendFrom(batch, row);
      }
    }
  }

  clear(): void {
    this.rows.clear();
  }

  #grow(slot: number): void {
    const grown = new Int32Array(Math.max(slot + 1, 2 * this.#rowOf.length));
    grown.set(this.#rowOf);
    this.#rowOf = grown;
  }
}
