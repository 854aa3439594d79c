import type { Clock } from '../runtime/clock.ts';
import { BatchSequence } from '../ticker/gateway/batch-sequence.ts';
import { type Batch, rows } from '../ticker/pipeline/format/read.ts';
import { parsePayload } from '../ticker/pipeline/format/read-arrow.ts';
import { formatRow, heading, printedRow } from './print-ticks.ts';

export interface TickPrinterOptions {
  readonly clock: Clock;
  readonly write: (line: string) => void;
  readonly format: 'table' | 'json' | 'batches';
  /** Lines a second for each set; more ticks are counted, not shown. `Infinity` shows all. */
  readonly linesPerSecond: number;
}

/** Prints batches as a person wants to see them, and follows their `seq` to tell of everything missing. */
export class TickPrinter {
  readonly sequence = new BatchSequence();
  readonly #options: TickPrinterOptions;
  readonly #budgets = new Map<string, { second: number; left: number }>();
  #headed = false;

  constructor(options: TickPrinterOptions) {
    this.#options = options;
  }

  /** Takes a payload as it was published. Messages that are no batch (a snapshot) are passed over. */
  receive(payload: string | Uint8Array): void {
    const { format, write } = this.#options;
    if (typeof payload === 'string' && !payload.startsWith('{"v":')) return;
    const batch = parsePayload(payload);
    const verdict = this.sequence.check(batch.header);
    const where = `${batch.header.set} (slice ${batch.header.slice})`;
    if (verdict.missing > 0) write(`# ${where}: ${verdict.missing} batches are missing before seq ${batch.header.seq}`);
    if (verdict.told !== undefined) {
      const { why, from, to, ticks } = verdict.told;
      const lost = ticks === undefined ? '' : `, ${ticks} ticks`;
      write(`# ${where}: gap of ${((to - from) / 1e6).toFixed(3)} s${lost} (${why})`);
    }
    if (!verdict.take || batch.header.count === 0) return;
    if (format === 'batches') write(typeof payload === 'string' ? payload : batchText(batch));
    else if (format === 'json') for (const row of rows(batch)) write(JSON.stringify(row));
    else this.#table(batch);
  }

  #table(batch: Batch): void {
    const { clock, linesPerSecond, write } = this.#options;
    const second = Math.floor(clock.now() / 1000);
    let budget = this.#budgets.get(batch.header.set);
    if (budget === undefined || budget.second !== second) {
      budget = { second, left: linesPerSecond };
      this.#budgets.set(batch.header.set, budget);
    }
    if (budget.left < 1) return;
    if (!this.#headed) write(heading());
    this.#headed = true;
    for (const row of rows(batch)) {
      if (budget.left < 1) return;
      budget.left--;
      write(formatRow(printedRow.parse(row), batch.header.time));
    }
  }
}

/** A batch in Arrow as the JSON that a set of that format would have got. */
function batchText({ header, columns }: Batch): string {
  return JSON.stringify({ ...header, columns });
}
