import { depthLevels, type Packet } from '../../tick-columns.ts';
import type { InstrumentRecord } from '../instrument-table.ts';
import type { RowBatch } from '../row-batch.ts';
import { type ApacheArrow, loadApacheArrow } from './apache-arrow.ts';
import { dictionaries, schemaOf } from './arrow-schema.ts';
import { aligned } from './arrow-stream.ts';
import { packetsOf, Validity, writeDoubles, writeInt32s, writeInt64s } from './arrow-values.ts';
import { type ArrowType, arrowType, type Column, columns, packetMask, packetNames } from './columns.ts';

/** Schemas that are kept encoded, one for each set of columns that batches have had; past it they are forgotten. */
const maxSchemas = 64;
const prefix = 8;
const endOfStream = Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0);

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

type Messages = ApacheArrow['message'];
type Node = InstanceType<Messages['FieldNode']>;
type Region = InstanceType<Messages['BufferRegion']>;

/** Parts of a message's body: each starts at a multiple of 8. */
class Layout {
  readonly nodes: Node[] = [];
  readonly regions: Region[] = [];
  size = 0;
  readonly #message: Messages;

  constructor(message: Messages) {
    this.#message = message;
  }

  node(length: number, nulls: number): void {
    this.nodes.push(new this.#message.FieldNode(length, nulls));
  }

  region(bytes: number): void {
    this.regions.push(new this.#message.BufferRegion(this.size, bytes));
    this.size += aligned(bytes);
  }

  /** The metadata of a record batch, or of the dictionary `id`. */
  encode(length: number, id?: number): Uint8Array {
    const { RecordBatch, DictionaryBatch, Message } = this.#message;
    const batch = new RecordBatch(length, this.nodes, this.regions, null);
    return Message.encode(Message.from(id === undefined ? batch : new DictionaryBatch(batch, id), this.size));
  }
}

/**
 * Encodes batches as Arrow IPC streams of one record batch, straight from the typed arrays. What it makes is a whole
 * stream whose header is blank; `stampArrow` fills it in. Use one for each thread of work.
 */
export class ArrowEncoder {
  readonly #library = loadApacheArrow();
  readonly #prepared: readonly Prepared[] = columns.map((column, index) => ({
    column,
    bit: 2 ** index,
    mask: packetMask(column.packets),
    ...arrowType(column),
    validity: new Validity(),
  }));
  readonly #schemas = new Map<number, Uint8Array>();
  readonly #packetDictionary = this.#dictionary(dictionaries.packet, packetTexts);
  /** Index in the dictionary of the batch that is being encoded, by record. */
  readonly #symbols = new Map<InstrumentRecord, number>();
  readonly #names: string[] = [];

  /** Columns that are `null` in every row are left out. */
  columns(batch: RowBatch): Uint8Array {
    const present = this.#present(batch);
    const layout = this.#layout(present, batch.length);
    const metadata = layout.encode(batch.length);
    const schema = this.#schema(present);
    this.#collectSymbols(batch);
    const symbols = this.#dictionary(dictionaries.symbol, this.#names);
    const head = [schema, symbols, this.#packetDictionary];
    const headSize = head.reduce((sum, { length }) => sum + length, 0);
    const start = headSize + framedSize(metadata);
    // Memory of its own, so that views of its numbers are aligned.
    const out = Buffer.allocUnsafeSlow(start + layout.size + endOfStream.length);
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

  /** A stream without columns: what a heartbeat is made of. */
  empty(): Uint8Array {
    return Buffer.concat([this.#schema([]), endOfStream]);
  }

  #present(batch: RowBatch): Prepared[] {
    const { length, columns: ticks } = batch;
    const seen = packetsOf(ticks);
    return this.#prepared.filter(({ column, mask, validity }) => {
      if ((seen & mask) === 0) return false;
      if (column.kind === 'scalar') validity.ofScalar(ticks[column.source], batch, seen, mask, column.zeroIsNone);
      else if (column.kind === 'levels') validity.ofPackets(batch, seen, mask);
      else if (column.kind === 'cached') validity.ofRows(length, (row) => batch.cached[row] === 1);
      else validity.all();
      return validity.nulls < length;
    });
  }

  #layout(present: readonly Prepared[], length: number): Layout {
    const layout = new Layout(this.#library.message);
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
    out.fill(0, at + length, at + aligned(length));
    const ticks = batch.columns;
    const rows = batch.length;
    switch (column.kind) {
      case 'token':
        new Uint32Array(out.buffer, at, rows).set(ticks.token.subarray(0, rows));
        break;
      case 'symbol': {
        const indexes = new Int32Array(out.buffer, at, rows);
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
          writeDoubles(new Float64Array(out.buffer, at, rows * width), values, rows, width, validity);
        } else if (item.type === 'int32') {
          writeInt32s(new Int32Array(out.buffer, at, rows * width), values, rows, width, validity);
        } else writeInt64s(new Int32Array(out.buffer, at, rows * width * 2), values, rows, width, validity);
      }
    }
    return index + 1;
  }

  #schema(present: readonly Prepared[]): Uint8Array {
    const key = present.reduce((sum, { bit }) => sum + bit, 0);
    const known = this.#schemas.get(key);
    if (known !== undefined) return known;
    if (this.#schemas.size >= maxSchemas) this.#schemas.clear();
    const { Message } = this.#library.message;
    const message = Message.encode(Message.from(schemaOf(present.map(({ column }) => column))));
    const framed = Buffer.alloc(framedSize(message));
    frame(framed, 0, message);
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

  /** A dictionary batch of texts. */
  #dictionary(id: number, texts: readonly string[]): Buffer {
    const layout = new Layout(this.#library.message);
    const sizes = texts.map((text) => Buffer.byteLength(text));
    const size = sizes.reduce((sum, one) => sum + one, 0);
    layout.node(texts.length, 0);
    layout.region(0);
    layout.region(4 * (texts.length + 1));
    layout.region(size);
    const metadata = layout.encode(texts.length, id);
    const start = framedSize(metadata);
    const out = Buffer.alloc(start + layout.size);
    frame(out, 0, metadata);
    const offsets = start + layout.regions[1]!.offset;
    const data = start + layout.regions[2]!.offset;
    let at = 0;
    texts.forEach((text, index) => {
      out.write(text, data + at);
      at += sizes[index]!;
      out.writeInt32LE(at, offsets + 4 * (index + 1));
    });
    return out;
  }
}

const packetTexts = Object.values(packetNames);
/** Index in the packets' dictionary, by packet. */
const packetIndexes: number[] = [];
Object.keys(packetNames).forEach((packet, index) => {
  packetIndexes[Number(packet) as Packet] = index;
});

/** Bytes of a message's metadata with what frames it. */
function framedSize(metadata: Uint8Array): number {
  return aligned(prefix + metadata.length);
}

/** Writes an encapsulated message's prefix and metadata. */
function frame(out: Buffer, at: number, metadata: Uint8Array): void {
  const size = framedSize(metadata);
  out.writeUint32LE(0xffff_ffff, at);
  out.writeUint32LE(size - prefix, at + 4);
  out.set(metadata, at + prefix);
  out.fill(0, at + prefix + metadata.length, at + size);
}

/** Copies `length` bytes, and zeroes up to the next multiple of 8. */
function put(out: Buffer, at: number, bytes: Uint8Array, length: number): void {
  out.set(bytes.subarray(0, length), at);
  out.fill(0, at + length, at + aligned(length));
}
