import { TickColumns } from '../../tick-columns.ts';
import { bitmapBytes, type Plan, type Prepared, valueBytes } from './arrow-plan.ts';
import { aligned, endOfStream } from './arrow-stream.ts';

/** What stands before the columns grows by names that are learned; so much more room is left for it. */
const frontGrowth = 1.25;
/** Bytes at which the first-level cache repeats itself: columns that far apart would put each other out of it. */
const cacheWay = 4096;
const cacheLine = 64;

/**
 * Memory in which a batch of `rows` rows is gathered as the Arrow stream that it becomes: its columns lie where the record
 * batch has them, so that sealing it copies none. What comes before (schema, dictionaries, metadata) is put right before
 * them, what comes after (bitmaps of columns that have a null, the end of the stream) right behind.
 */
export class ArrowLayout {
  readonly plan: Plan;
  readonly rows: number;
  /** Bytes from the start to the columns: the most that comes before them. */
  readonly columnsAt: number;
  /** Bytes of the columns, with what lies between them. */
  readonly columnsBytes: number;
  readonly size: number;
  /** Of each column of the plan, from the first one on. */
  readonly offsets: readonly number[];
  /** What lies between the columns, from and to. */
  readonly gaps: readonly (readonly [number, number])[];

  /** @param front bytes of what comes before the columns now */
  constructor(plan: Plan, rows: number, front: number) {
    this.plan = plan;
    this.rows = rows;
    this.columnsAt = Math.ceil((front * frontGrowth) / cacheLine) * cacheLine;
    const offsets: number[] = [];
    const gaps: [number, number][] = [];
    let at = 0;
    for (const item of plan.present) {
      offsets.push(at);
      const end = at + valueBytes(item, rows);
      const bytes = aligned(end - at);
      at += bytes % cacheWay < cacheLine ? bytes + cacheLine : bytes;
      if (at > end) gaps.push([end, at]);
    }
    this.offsets = offsets;
    this.gaps = gaps;
    this.columnsBytes = at;
    const bitmaps = plan.present.length * aligned(bitmapBytes(rows));
    this.size = this.columnsAt + at + bitmaps + endOfStream.length;
  }

  /** Whether batches with these columns can be gathered so: a column of bits is made only at the end. */
  static fits({ present }: Plan): boolean {
    return present.every(({ column }) => column.kind !== 'cached');
  }
}

/** A piece of memory, laid out. Between uses it may be somebody else's. */
export class LaidOut {
  readonly layout: ArrowLayout;
  readonly out: Buffer;
  readonly view: DataView;
  readonly columns: TickColumns;
  /** The column of symbols. */
  readonly symbols: Int32Array;
  /** 64-bit columns of the plan, by their place in it, as the halves of their integers. */
  readonly halves: readonly (Int32Array | undefined)[];

  /** @param out of the layout's size */
  constructor(layout: ArrowLayout, out: Buffer) {
    const { plan, rows, columnsAt, offsets } = layout;
    this.layout = layout;
    this.out = out;
    this.view = new DataView(out.buffer, out.byteOffset, out.length);
    const memory = out.buffer;
    const start = out.byteOffset + columnsAt;
    const byName = new Map(plan.present.map((item, index) => [nameOf(item), start + offsets[index]!]));
    this.columns = new TickColumns(rows, (column) => {
      const offset = byName.get(column);
      return offset === undefined ? undefined : { memory, offset };
    });
    this.symbols = new Int32Array(memory, byName.get('symbol')!, rows);
    this.halves = plan.present.map((item, index) =>
      isWide(item) ? new Int32Array(memory, start + offsets[index]!, 2 * rows) : undefined,
    );
  }
}

/** Whether a column's doubles become 64-bit integers. */
function isWide({ type }: Pick<Prepared, 'type'>): boolean {
  return type === 'int64' || type === 'timestamp[us, UTC]';
}

/** What the column is called among those of ticks. */
function nameOf({ column }: Prepared): string {
  return column.kind === 'scalar' || column.kind === 'levels' ? column.source : column.kind;
}
