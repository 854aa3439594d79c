import { defineError } from '../../../runtime/errors.ts';
import { type BatchHeader, deliveryVersion } from '../../delivery.ts';

export const batchMalformed = defineError(
  'BATCH_MALFORMED',
  'terminal',
  'Check that the channel carries batches of ticker-operator, in format json or arrow, of a version that this reader knows.',
);

/** A value of a column: `null` where the row has none. */
export type Cell = number | string | boolean | readonly (number | null)[] | null;
/** One tick, by column name. Columns that the batch left out are absent. */
export type Row = Readonly<Record<string, Cell>>;

/** A batch or heartbeat as a reader sees it. */
export interface Batch {
  readonly header: BatchHeader;
  /** Column name → one value a row. Empty for a heartbeat. */
  readonly columns: Readonly<Record<string, readonly Cell[]>>;
}

/**
 * Reads a payload that `assemble` made.
 *
 * @throws `BATCH_MALFORMED` where it is not a batch of this version, or its columns differ in length from `count`
 */
export function parseBatch(payload: string | Uint8Array): Batch {
  const text = typeof payload === 'string' ? payload : new TextDecoder().decode(payload);
  const { columns, ...header } = parseObject(text);
  checkHeader(header);
  if (typeof columns !== 'object' || columns === null) throw batchMalformed('the payload has no columns object');
  const read = columns as Record<string, readonly Cell[]>;
  for (const [name, cells] of Object.entries(read)) {
    if (!Array.isArray(cells) || cells.length !== header.count)
      throw batchMalformed(`column ${name} does not have the ${header.count} values that count says`);
  }
  return { header, columns: read };
}

/** The header of a batch, from its JSON text. @throws `BATCH_MALFORMED` where it is none of this version */
export function parseHeader(text: string): BatchHeader {
  const header = parseObject(text);
  checkHeader(header);
  return header;
}

function parseObject(text: string): BatchHeader & { columns?: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw batchMalformed('the payload is not JSON', { cause });
  }
  if (typeof value !== 'object' || value === null) throw batchMalformed('the payload is not a JSON object');
  return value as BatchHeader & { columns?: unknown };
}

function checkHeader(header: BatchHeader): void {
  if (header.v !== deliveryVersion)
    throw batchMalformed(`the payload has version ${JSON.stringify(header.v)}; this reader knows ${deliveryVersion}`);
  for (const key of ['set', 'slice', 'shard'] as const)
    if (typeof header[key] !== 'string') throw batchMalformed(`the payload's ${key} is not a string`);
  for (const key of ['epoch', 'claim', 'seq', 'count', 'time'] as const)
    if (typeof header[key] !== 'number') throw batchMalformed(`the payload's ${key} is not a number`);
}

/** The ticks of a batch one by one, as objects with the columns' names. */
export function* rows(batch: Batch): Generator<Row> {
  const entries = Object.entries(batch.columns);
  for (let row = 0; row < batch.header.count; row++) {
    const tick: Record<string, Cell> = {};
    for (const [name, cells] of entries) tick[name] = cells[row] ?? null;
    yield tick;
  }
}
