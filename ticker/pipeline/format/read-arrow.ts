import type { Vector } from 'apache-arrow';
import { CodedError } from '../../../runtime/errors.ts';
import { loadApacheArrow } from './apache-arrow.ts';
import { arrowHeaderText } from './arrow-stream.ts';
import { type Batch, batchMalformed, type Cell, parseBatch, parseHeader } from './read.ts';

const openBrace = 0x7b;

/** Reads a payload of either format; what begins with a brace is JSON. @throws `BATCH_MALFORMED` */
export function parsePayload(payload: string | Uint8Array): Batch {
  return typeof payload === 'string' || payload[0] === openBrace ? parseBatch(payload) : parseArrow(payload);
}

/**
 * Reads an Arrow stream that `stampArrow` made into the same values as the same batch has in JSON: times in µs, whole
 * numbers as numbers.
 *
 * @throws `BATCH_MALFORMED` where it is not a batch of this version, or its columns differ in length from `count`
 */
export function parseArrow(bytes: Uint8Array): Batch {
  const header = parseHeader(arrowHeaderText(bytes));
  try {
    const table = loadApacheArrow().arrow.tableFromIPC(bytes);
    if (table.numRows !== header.count)
      throw batchMalformed(`the table does not have the ${header.count} rows that count says`);
    const read: Record<string, readonly Cell[]> = {};
    for (const { name } of table.schema.fields) read[name] = cellsOf(table.getChild(name)!);
    return { header, columns: read };
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    throw batchMalformed('the payload is not a whole Arrow stream', { cause });
  }
}

function cellsOf(vector: Vector): Cell[] {
  const { DataType } = loadApacheArrow().arrow;
  const cells: Cell[] = [];
  const micros = DataType.isTimestamp(vector.type);
  for (const data of vector.data) {
    for (let row = 0; row < data.length; row++) {
      if (!data.getValid(row)) cells.push(null);
      // The library makes milliseconds of them; the values themselves are exact.
      else if (micros) cells.push(Number((data.values as BigInt64Array)[row]));
      else cells.push(cellOf(vector.get(cells.length)));
    }
  }
  return cells;
}

function cellOf(value: unknown): Cell {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  if (typeof value === 'object' && value !== null && Symbol.iterator in value) {
    return [...(value as Iterable<unknown>)].map(finite);
  }
  throw batchMalformed(`a value of type ${typeof value} is in no batch`);
}

function finite(value: unknown): number | null {
  return value === null || !Number.isFinite(Number(value)) ? null : Number(value);
}
