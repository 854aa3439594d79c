import { depthLevels, type TickColumns } from '../../tick-columns.ts';
import type { RowBatch } from '../row-batch.ts';
import { loadApacheArrow } from './apache-arrow.ts';
import { ArrowLayout, LaidOut } from './arrow-layout.ts';
import { bitmapBytes, type Plan, type Prepared, planOf, valueBytes } from './arrow-plan.ts';
import { frontBytes, writeFront } from './arrow-record.ts';
import { aligned, endOfStream } from './arrow-stream.ts';
import { clearNulls, packetIndexes, packetsOf, Validity, writeInt64s, writeSame } from './arrow-values.ts';
import { BodyBuffers } from './body-buffers.ts';
import { arrowType, columns, packetMask } from './columns.ts';

/** Schemas that are kept encoded, one for each set of columns that batches have had; past it they are forgotten. */
const maxPlans = 64;
/** Bytes of a body below which copying its columns costs nothing. */
const leastLaidOut = 64 * 1024;

/**
 * Encodes batches as Arrow IPC streams of one record batch, straight from the typed arrays: most columns are copied as
 * they are, and the metadata is a template whose lengths are filled in. What it makes is a whole stream whose header is
 * blank; `stampArrow` fills it in. Use one for each thread of work.
 *
 * A batch that was full twice running with the same columns is from then on gathered in the memory of its body (see
 * {@link ArrowLayout}), and gives that away whenever it is full: then nothing is copied.
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
  readonly #buffers = new BodyBuffers();
  /** Of a batch that is copied: each row's index among its names. */
  #indexes = new Int32Array(0);
  /** The columns that a batch had when it was full last. */
  readonly #lastFull = new WeakMap<RowBatch, Plan>();
  readonly #byColumns = new WeakMap<TickColumns, LaidOut>();
  readonly #byMemory = new WeakMap<ArrayBufferLike, LaidOut>();

  constructor() {
    // Now, not with the first batch.
    loadApacheArrow();
  }

  /** Columns that are `null` in every row are left out. */
  columns(batch: RowBatch): Uint8Array {
    const { length: rows, symbols } = batch;
    const plan = this.#plan(this.#present(batch));
    const known = this.#byColumns.get(batch.columns);
    const laidOut = known?.layout.plan === plan && known.layout.rows === rows ? known : undefined;
    const indexes = laidOut?.symbols ?? this.#indexesFor(rows);
    symbols.collect(batch.columns.slot, batch.instruments, rows, indexes);
    const front = frontBytes(plan, symbols);
    const inPlace = laidOut !== undefined && front <= laidOut.layout.columnsAt;
    const body = inPlace ? finish(laidOut, batch, front) : this.#copy(batch, plan, front, indexes);
    if (rows === batch.limit) this.#goOn(batch, plan, front, inPlace);
    return body;
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
    const plan = planOf(present);
    this.#plans.set(key, plan);
    return plan;
  }

  #indexesFor(rows: number): Int32Array {
    if (rows > this.#indexes.length) this.#indexes = new Int32Array(2 * rows);
    return this.#indexes;
  }

  #copy(batch: RowBatch, plan: Plan, front: number, indexes: Int32Array): Uint8Array {
    const { length: rows, symbols } = batch;
    const { present } = plan;
    const bodyBytes = present.reduce((sum, item) => sum + sizeOf(item, rows), 0);
    const out = this.#buffers.take(front + bodyBytes + endOfStream.length);
    const view = new DataView(out.buffer, out.byteOffset, out.length);
    const metadata = writeFront({ out, view }, 0, plan, symbols, rows, bodyBytes);
    let at = 0;
    for (const item of present) {
      const bits = item.validity.nulls === 0 ? 0 : bitmapBytes(rows);
      const valuesAt = at + aligned(bits);
      metadata.add(item, at, bits, valuesAt);
      if (bits > 0) put(out, front + at, item.validity.bytes, bits);
      const bytes = valueBytes(item, rows);
      at = valuesAt + aligned(bytes);
      out.fill(0, front + valuesAt + bytes, front + at);
      copyColumn(out, front + valuesAt, item, batch, indexes);
    }
    out.set(endOfStream, front + bodyBytes);
    return out;
  }

  /** A batch that was full goes on in memory that is laid out as its body will be, where that is known. */
  #goOn(batch: RowBatch, plan: Plan, front: number, inPlace: boolean): void {
    const before = this.#lastFull.get(batch);
    this.#lastFull.set(batch, plan);
    if (before !== plan && !inPlace) return;
    const layout = this.#layout(plan, batch.limit, front);
    if (layout === undefined) return;
    const out = this.#buffers.take(layout.size);
    let laidOut = this.#byMemory.get(out.buffer);
    if (laidOut?.layout !== layout) {
      laidOut = new LaidOut(layout, out);
      this.#byMemory.set(out.buffer, laidOut);
      this.#byColumns.set(laidOut.columns, laidOut);
    }
    laidOut.columns.clear();
    batch.handOver(laidOut.columns);
  }

  #layout(plan: Plan, rows: number, front: number): ArrowLayout | undefined {
    const known = plan.layouts.get(rows);
    if (known !== undefined && front <= known.columnsAt) return known;
    if (!ArrowLayout.fits(plan)) return undefined;
    const layout = new ArrowLayout(plan, rows, front);
    if (layout.size < leastLaidOut) return undefined;
    plan.layouts.set(rows, layout);
    return layout;
  }
}

/** The columns lie where they belong: what is missing is what stands around them. */
function finish(laidOut: LaidOut, batch: RowBatch, front: number): Uint8Array {
  const { layout, out, columns: ticks, halves } = laidOut;
  const { plan, rows, columnsAt, columnsBytes, offsets, gaps } = layout;
  const { present } = plan;
  const bits = bitmapBytes(rows);
  const withNulls = present.reduce((sum, { validity }) => (validity.nulls === 0 ? sum : sum + 1), 0);
  const bodyBytes = columnsBytes + withNulls * aligned(bits);
  const start = columnsAt - front;
  const metadata = writeFront(laidOut, start, plan, batch.symbols, rows, bodyBytes);
  for (const [from, to] of gaps) out.fill(0, columnsAt + from, columnsAt + to);
  let at = columnsBytes;
  for (const [index, item] of present.entries()) {
    const { nulls, bytes } = item.validity;
    completeColumn(item, ticks, rows, halves[index]);
    metadata.add(item, at, nulls === 0 ? 0 : bits, offsets[index]!);
    if (nulls === 0) continue;
    put(out, columnsAt + at, bytes, bits);
    at += aligned(bits);
  }
  const end = columnsAt + bodyBytes;
  out.set(endOfStream, end);
  return out.subarray(start, end + endOfStream.length);
}

/** Makes Arrow's values of a column where it lies. */
function completeColumn(item: Prepared, ticks: TickColumns, rows: number, halves: Int32Array | undefined): void {
  const { column, list, validity } = item;
  if (column.kind === 'packet')
    for (let row = 0; row < rows; row++) ticks.packet[row] = packetIndexes[ticks.packet[row]!]!;
  if (column.kind !== 'scalar' && column.kind !== 'levels') return;
  const values = ticks[column.source];
  if (halves !== undefined) writeInt64s(halves, values as Float64Array, rows, validity);
  else clearNulls(values, rows, list ? depthLevels : 1, validity);
}

/** Writes the values of a column to `at`. */
function copyColumn(out: Buffer, at: number, item: Prepared, batch: RowBatch, indexes: Int32Array): void {
  const { column, list, type, validity } = item;
  const ticks = batch.columns;
  const rows = batch.length;
  const { buffer } = out;
  const absolute = out.byteOffset + at;
  switch (column.kind) {
    case 'token':
      new Uint32Array(buffer, absolute, rows).set(ticks.token.subarray(0, rows));
      return;
    case 'symbol':
      new Int32Array(buffer, absolute, rows).set(indexes.subarray(0, rows));
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

/** Bytes of a column in the body of its record batch. */
function sizeOf(item: Prepared, rows: number): number {
  return (item.validity.nulls === 0 ? 0 : aligned(bitmapBytes(rows))) + aligned(valueBytes(item, rows));
}

/** Copies `length` bytes, and zeroes up to the next multiple of 8. */
function put(out: Buffer, at: number, bytes: Uint8Array, length: number): void {
  out.set(bytes.subarray(0, length), at);
  out.fill(0, at + length, at + aligned(length));
}
