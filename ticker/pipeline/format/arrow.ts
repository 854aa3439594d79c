import { depthLevels, type Packet } from '../../tick-columns.ts';
import type { RowBatch } from '../row-batch.ts';
import {
  beginDictionary,
  dictionaryMessage,
  dictionarySize,
  endOfStream,
  RecordTemplate,
  schemaMessage,
} from './arrow-message.ts';
import { dictionaries } from './arrow-schema.ts';
import { aligned } from './arrow-stream.ts';
import { packetsOf, Validity, writeInt64s, writeSame } from './arrow-values.ts';
import { BodyBuffers } from './body-buffers.ts';
import { type ArrowType, arrowType, type Column, columns, packetMask, packetNames } from './columns.ts';
import type { SymbolTable } from './symbol-table.ts';

/** Schemas that are kept encoded, one for each set of columns that batches have had; past it they are forgotten. */
const maxPlans = 64;

const widths: Readonly<Record<ArrowType, number>> = {
  uint16: 2,
  uint32: 4,
  int32: 4,
  int64: 8,
  double: 8,
  bool: 0,
  'timestamp[us, UTC]': 8,
  'dictionary<int32, string>': 4,
  'dictionary<int8, string>': 1,
};

/** A column with all that encoding it needs, worked out once. */
interface Prepared {
  readonly column: Column;
  /** Its bit among all columns, as a number. */
  readonly bit: number;
  readonly mask: number;
  readonly type: ArrowType;
  readonly list: boolean;
  /** Of the batch that is being encoded. */
  readonly validity: Validity;
}

/** What batches with the same columns share. */
interface Plan {
  readonly schema: Buffer;
  readonly record: RecordTemplate;
}

/**
 * Encodes batches as Arrow IPC streams of one record batch, straight from the typed arrays: most columns are copied as
 * they are, and the metadata is a template whose lengths are filled in. What it makes is a whole stream whose header is
 * blank; `stampArrow` fills it in. Use one for each thread of work.
 */
export class ArrowEncoder {
  readonly #prepared: readonly Prepared[] = columns.map((column, index) => ({
    column,
    bit: 2 ** index,
    mask: packetMask(column.packets),
    ...arrowType(column),
    validity: new Validity(),
  }));
  /** By the columns that are present, as one number: there are fewer than 53. */
  readonly #plans = new Map<number, Plan>();
  readonly #packetDictionary = dictionaryMessage(dictionaries.packet, packetTexts);
  readonly #buffers = new BodyBuffers();

  /** Columns that are `null` in every row are left out. */
  columns(batch: RowBatch): Uint8Array {
    const rows = batch.length;
    const present = this.#present(batch);
    const { schema, record } = this.#plan(present);
    const { symbols } = batch;
    symbols.collect(batch.columns.slot, batch.instruments, rows);
    const bodySize = present.reduce((sum, item) => sum + sizeOf(item, rows), 0);
    const symbolsAt = schema.length;
    const packetsAt = symbolsAt + dictionarySize(dictionaries.symbol, symbols.count, symbols.bytes);
    const recordAt = packetsAt + this.#packetDictionary.length;
    const start = recordAt + record.size;
    const out = this.#buffers.take(start + bodySize + endOfStream.length);
    const view = new DataView(out.buffer, out.byteOffset, out.length);
    schema.copy(out, 0);
    writeSymbols(out, view, symbolsAt, symbols);
    this.#packetDictionary.copy(out, packetsAt);
    record.begin(out, view, recordAt, rows, bodySize);
    let node = 0;
    let buffer = 0;
    let at = 0;
    for (const item of present) {
      const { list, validity } = item;
      record.node(view, recordAt, node++, rows, validity.nulls);
      const bits = validity.nulls === 0 ? 0 : bitmapBytes(rows);
      record.buffer(view, recordAt, buffer++, at, bits);
      if (bits > 0) put(out, start + at, validity.bytes, bits);
      at += aligned(bits);
      if (list) {
        record.node(view, recordAt, node++, rows * depthLevels, 0);
        record.buffer(view, recordAt, buffer++, at, 0);
      }
      const bytes = valueBytes(item, rows);
      record.buffer(view, recordAt, buffer++, at, bytes);
      out.fill(0, start + at + bytes, start + at + aligned(bytes));
      this.#write(out, start + at, item, batch);
      at += aligned(bytes);
    }
    out.set(endOfStream, start + bodySize);
    return out;
  }

  /** Nobody reads this body any more, nor a payload that was stamped in it: its memory may be used again. */
  release(body: Uint8Array): void {
    this.#buffers.give(body);
  }

  /** A stream without columns: what a heartbeat is made of. */
  empty(): Uint8Array {
    return Buffer.concat([this.#plan([]).schema, endOfStream]);
  }

  #present(batch: RowBatch): Prepared[] {
    const { length, columns: ticks } = batch;
    const seen = packetsOf(ticks);
    return this.#prepared.filter(({ column, mask, validity }) => {
      if ((seen & mask) === 0) return false;
      if (column.kind === 'scalar') {
        if (column.computed && !batch.enriched) return false;
        const finite = column.computed ? batch.allSolved : batch.finite;
        validity.ofScalar(ticks[column.source], batch, seen, mask, column.zeroIsNone, finite);
      } else if (column.kind === 'levels') validity.ofPackets(batch, seen, mask);
      else if (column.kind === 'cached') {
        if (!batch.someCached) return false;
        validity.ofRows(length, (row) => batch.cached[row] === 1);
      } else validity.all();
      return validity.nulls < length;
    });
  }

  #plan(present: readonly Prepared[]): Plan {
    const key = present.reduce((sum, { bit }) => sum + bit, 0);
    const known = this.#plans.get(key);
    if (known !== undefined) return known;
    if (this.#plans.size >= maxPlans) this.#plans.clear();
    const lists = present.filter(({ list }) => list).length;
    const plan = {
      schema: schemaMessage(present.map(({ column }) => column)),
      record: new RecordTemplate(present.length + lists, 2 * present.length + lists),
    };
    this.#plans.set(key, plan);
    return plan;
  }

  /** Writes the values of a column to `at`. */
  #write(out: Buffer, at: number, { column, list, type, validity }: Prepared, batch: RowBatch): void {
    const ticks = batch.columns;
    const rows = batch.length;
    const { buffer } = out;
    const absolute = out.byteOffset + at;
    switch (column.kind) {
      case 'token':
        new Uint32Array(buffer, absolute, rows).set(ticks.token.subarray(0, rows));
        return;
      case 'symbol':
        new Int32Array(buffer, absolute, rows).set(batch.symbols.indexes.subarray(0, rows));
        return;
      case 'packet':
        for (let row = 0; row < rows; row++) out[at + row] = packetIndexes[ticks.packet[row]!]!;
        return;
      case 'cached':
        // Where it is not null it is true.
        put(out, at, validity.bytes, bitmapBytes(rows));
        return;
      case 'scalar':
      case 'levels': {
        const values = ticks[column.source];
        const width = list ? depthLevels : 1;
        const count = rows * width;
        if (values instanceof Int32Array) {
          writeSame(new Int32Array(buffer, absolute, count), values, rows, width, validity);
        } else if (values instanceof Uint16Array) {
          writeSame(new Uint16Array(buffer, absolute, count), values, rows, width, validity);
        } else if (type === 'double') {
          writeSame(new Float64Array(buffer, absolute, count), values, rows, width, validity);
        } else writeInt64s(new Int32Array(buffer, absolute, count * 2), values, rows, validity);
      }
    }
  }
}

function writeSymbols(out: Buffer, view: DataView, at: number, symbols: SymbolTable): void {
  const { count, bytes } = symbols;
  const body = beginDictionary(out, view, at, dictionaries.symbol, count, bytes);
  const texts = body + aligned(4 * (count + 1));
  out.fill(0, texts - 4, texts);
  symbols.write(out, new Int32Array(out.buffer, out.byteOffset + body, count + 1), texts);
  out.fill(0, texts + bytes, texts + aligned(bytes));
}

function bitmapBytes(rows: number): number {
  return (rows + 7) >> 3;
}

/** Bytes of a column's values. */
function valueBytes({ list, type }: Prepared, rows: number): number {
  if (type === 'bool') return bitmapBytes(rows);
  return (list ? rows * depthLevels : rows) * widths[type];
}

/** Bytes of a column in the body of its record batch. */
function sizeOf(item: Prepared, rows: number): number {
  return (item.validity.nulls === 0 ? 0 : aligned(bitmapBytes(rows))) + aligned(valueBytes(item, rows));
}

const packetTexts = Object.values(packetNames);
/** Index in the packets' dictionary, by packet. */
const packetIndexes: number[] = [];
Object.keys(packetNames).forEach((packet, index) => {
  packetIndexes[Number(packet) as Packet] = index;
});

/** Copies `length` bytes, and zeroes up to the next multiple of 8. */
function put(out: Buffer, at: number, bytes: Uint8Array, length: number): void {
  out.set(bytes.subarray(0, length), at);
  out.fill(0, at + length, at + aligned(length));
}
