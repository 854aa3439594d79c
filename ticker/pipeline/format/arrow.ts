import { depthLevels, type Packet } from '../../tick-columns.ts';
import type { InstrumentRecord } from '../instrument-table.ts';
import type { RowBatch } from '../row-batch.ts';
import { dictionaryMessage, endOfStream, frame, framedSize, Layout, schemaMessage } from './arrow-message.ts';
import { dictionaries } from './arrow-schema.ts';
import { aligned } from './arrow-stream.ts';
import { packetsOf, Validity, writeDoubles, writeInt32s, writeInt64s } from './arrow-values.ts';
import { BodyBuffers } from './body-buffers.ts';
import { type ArrowType, arrowType, type Column, columns, packetMask, packetNames } from './columns.ts';

/** Schemas that are kept encoded, one for each set of columns that batches have had; past it they are forgotten. */
const maxSchemas = 64;
/** Layouts of record batches that are kept, likewise. */
const maxRecords = 64;

const widths: Readonly<Record<ArrowType, number>> = {
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

interface RecordMessage {
  readonly layout: Layout;
  readonly metadata: Uint8Array;
}

/** The columns that are present, as one number: there are fewer than 53. */
function keyOf(present: readonly Prepared[]): number {
  return present.reduce((sum, { bit }) => sum + bit, 0);
}

/**
 * Encodes batches as Arrow IPC streams of one record batch, straight from the typed arrays. What it makes is a whole
 * stream whose header is blank; `stampArrow` fills it in. Use one for each thread of work.
 */
export class ArrowEncoder {
  readonly #prepared: readonly Prepared[] = columns.map((column, index) => ({
    column,
    bit: 2 ** index,
    mask: packetMask(column.packets),
    ...arrowType(column),
    validity: new Validity(),
  }));
  readonly #schemas = new Map<number, Uint8Array>();
  readonly #records = new Map<string, RecordMessage>();
  readonly #packetDictionary = dictionaryMessage(dictionaries.packet, packetTexts);
  /** Index in the dictionary of the batch that is being encoded, by record. */
  readonly #symbols = new Map<InstrumentRecord, number>();
  readonly #names: string[] = [];
  readonly #buffers = new BodyBuffers();

  /** Columns that are `null` in every row are left out. */
  columns(batch: RowBatch): Uint8Array {
    const present = this.#present(batch);
    const { layout, metadata } = this.#record(present, batch.length);
    const schema = this.#schema(present);
    this.#collectSymbols(batch);
    const symbols = dictionaryMessage(dictionaries.symbol, this.#names);
    const head = [schema, symbols, this.#packetDictionary];
    const headSize = head.reduce((sum, { length }) => sum + length, 0);
    const start = headSize + framedSize(metadata);
    const out = this.#buffers.take(start + layout.size + endOfStream.length);
    let at = 0;
    for (const part of head) {
      out.set(part, at);
      at += part.length;
    }
    frame(out, at, metadata);
    let region = 0;
    for (const item of present) region = this.#write(out, start, layout, region, item, batch);
    out.set(endOfStream, start + layout.size);
    this.#symbols.clear();
    this.#names.length = 0;
    return out;
  }

  /** Nobody reads this body any more, nor a payload that was stamped in it: its memory may be used again. */
  release(body: Uint8Array): void {
    this.#buffers.give(body);
  }

  /** A stream without columns: what a heartbeat is made of. */
  empty(): Uint8Array {
    return Buffer.concat([this.#schema([]), endOfStream]);
  }

  #present(batch: RowBatch): Prepared[] {
    const { length, columns: ticks } = batch;
    const seen = packetsOf(ticks);
    return this.#prepared.filter(({ column, mask, validity }) => {
      if ((seen & mask) === 0 || (column.computed && !batch.enriched)) return false;
      if (column.kind === 'scalar') validity.ofScalar(ticks[column.source], batch, seen, mask, column.zeroIsNone);
      else if (column.kind === 'levels') validity.ofPackets(batch, seen, mask);
      else if (column.kind === 'cached') validity.ofRows(length, (row) => batch.cached[row] === 1);
      else validity.all();
      return validity.nulls < length;
    });
  }

  /** Layout and metadata of the record batch; remembered for batches without nulls, of which full ones are all alike. */
  #record(present: readonly Prepared[], length: number): RecordMessage {
    if (present.some(({ validity }) => validity.nulls > 0)) return this.#newRecord(present, length);
    const key = `${keyOf(present)} ${length}`;
    let record = this.#records.get(key);
    if (record === undefined) {
      record = this.#newRecord(present, length);
      if (this.#records.size >= maxRecords) this.#records.clear();
      this.#records.set(key, record);
    }
    return record;
  }

  #newRecord(present: readonly Prepared[], length: number): RecordMessage {
    const layout = this.#layout(present, length);
    return { layout, metadata: layout.encode(length) };
  }

  #layout(present: readonly Prepared[], length: number): Layout {
    const layout = new Layout();
    for (const { type, list, validity } of present) {
      const bits = (length + 7) >> 3;
      layout.node(length, validity.nulls);
      layout.region(validity.nulls === 0 ? 0 : bits);
      const values = list ? length * depthLevels : length;
      if (list) {
        layout.node(values, 0);
        layout.region(0);
      }
      layout.region(type === 'bool' ? bits : values * widths[type]);
    }
    return layout;
  }

  /** Writes the buffers of a column, the first of which is `region`; returns the first of the next column. */
  #write(out: Buffer, start: number, layout: Layout, region: number, item: Prepared, batch: RowBatch): number {
    const { column, list, validity } = item;
    const bitmap = layout.regions[region]!;
    if (bitmap.length > 0) put(out, start + bitmap.offset, validity.bytes, bitmap.length);
    const index = region + (list ? 2 : 1);
    const { offset, length } = layout.regions[index]!;
    const at = start + offset;
    const absolute = out.byteOffset + at;
    out.fill(0, at + length, at + aligned(length));
    const ticks = batch.columns;
    const rows = batch.length;
    switch (column.kind) {
      case 'token':
        new Uint32Array(out.buffer, absolute, rows).set(ticks.token.subarray(0, rows));
        break;
      case 'symbol': {
        const indexes = new Int32Array(out.buffer, absolute, rows);
        for (let row = 0; row < rows; row++) indexes[row] = this.#symbols.get(batch.instruments[row]!)!;
        break;
      }
      case 'packet':
        for (let row = 0; row < rows; row++) out[at + row] = packetIndexes[ticks.packet[row]!]!;
        break;
      case 'cached':
        // Where it is not null it is true.
        put(out, at, validity.bytes, length);
        break;
      case 'scalar':
      case 'levels': {
        const values = ticks[column.source];
        const width = list ? depthLevels : 1;
        if (item.type === 'double') {
          writeDoubles(new Float64Array(out.buffer, absolute, rows * width), values, rows, width, validity);
        } else if (item.type === 'int32') {
          writeInt32s(new Int32Array(out.buffer, absolute, rows * width), values, rows, width, validity);
        } else writeInt64s(new Int32Array(out.buffer, absolute, rows * width * 2), values, rows, width, validity);
      }
    }
    return index + 1;
  }

  #schema(present: readonly Prepared[]): Uint8Array {
    const key = keyOf(present);
    const known = this.#schemas.get(key);
    if (known !== undefined) return known;
    if (this.#schemas.size >= maxSchemas) this.#schemas.clear();
    const framed = schemaMessage(present.map(({ column }) => column));
    this.#schemas.set(key, framed);
    return framed;
  }

  #collectSymbols(batch: RowBatch): void {
    for (let row = 0; row < batch.length; row++) {
      const record = batch.instruments[row]!;
      if (this.#symbols.has(record)) continue;
      this.#symbols.set(record, this.#names.length);
      this.#names.push(record.name);
    }
  }
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
