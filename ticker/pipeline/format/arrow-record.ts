import { depthLevels } from '../../tick-columns.ts';
import { beginDictionary, dictionaryMessage, dictionarySize } from './arrow-message.ts';
import { type Plan, type Prepared, valueBytes } from './arrow-plan.ts';
import { dictionaries } from './arrow-schema.ts';
import { aligned } from './arrow-stream.ts';
import { packetNames } from './columns.ts';
import type { SymbolTable } from './symbol-table.ts';

/** Memory that a stream is written to. */
export interface Output {
  readonly out: Buffer;
  readonly view: DataView;
}

let packetDictionary: Buffer | undefined;

function packets(): Buffer {
  packetDictionary ??= dictionaryMessage(dictionaries.packet, Object.values(packetNames));
  return packetDictionary;
}

/** Bytes of what comes before a batch's columns: schema, dictionaries, and the record batch's metadata. */
export function frontBytes({ schema, record }: Plan, symbols: SymbolTable): number {
  const names = dictionarySize(dictionaries.symbol, symbols.count, symbols.bytes);
  return schema.length + names + packets().length + record.size;
}

/**
 * Writes all of that to `at`; nodes and buffers of the columns are then to be added.
 *
 * @param bodyBytes of the record batch
 */
export function writeFront(
  to: Output,
  at: number,
  plan: Plan,
  symbols: SymbolTable,
  rows: number,
  bodyBytes: number,
): RecordColumns {
  const { out, view } = to;
  const { schema, record } = plan;
  schema.copy(out, at);
  const packetsAt = writeSymbols(to, at + schema.length, symbols);
  const recordAt = packetsAt + packets().copy(out, packetsAt);
  record.begin(out, view, recordAt, rows, bodyBytes);
  return new RecordColumns(plan, view, recordAt, rows);
}

/** Returns where the dictionary ends. */
function writeSymbols({ out, view }: Output, at: number, symbols: SymbolTable): number {
  const { count, bytes } = symbols;
  const body = beginDictionary(out, view, at, dictionaries.symbol, count, bytes);
  const texts = body + aligned(4 * (count + 1));
  out.fill(0, texts - 4, texts);
  symbols.write(out, new Int32Array(out.buffer, out.byteOffset + body, count + 1), texts);
  const end = texts + aligned(bytes);
  out.fill(0, texts + bytes, end);
  return end;
}

/** The nodes and buffers of a record batch's metadata, column by column. */
export class RecordColumns {
  readonly #plan: Plan;
  readonly #view: DataView;
  readonly #at: number;
  readonly #rows: number;
  #node = 0;
  #buffer = 0;

  /** @param at where the metadata stands */
  constructor(plan: Plan, view: DataView, at: number, rows: number) {
    this.#plan = plan;
    this.#view = view;
    this.#at = at;
    this.#rows = rows;
  }

  /** @param bitmapAt, valuesAt from the start of the body; the bitmap has `bits` bytes */
  add(item: Prepared, bitmapAt: number, bits: number, valuesAt: number): void {
    const { record } = this.#plan;
    const rows = this.#rows;
    record.node(this.#view, this.#at, this.#node++, rows, item.validity.nulls);
    record.buffer(this.#view, this.#at, this.#buffer++, bitmapAt, bits);
    if (item.list) {
      record.node(this.#view, this.#at, this.#node++, rows * depthLevels, 0);
      record.buffer(this.#view, this.#at, this.#buffer++, valuesAt, 0);
    }
    record.buffer(this.#view, this.#at, this.#buffer++, valuesAt, valueBytes(item, rows));
  }
}
