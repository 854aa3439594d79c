import type { BatchHeader } from '../../delivery.ts';
import type { LatestValue } from '../../sinks/sink.ts';
import { depthLevels } from '../../tick-columns.ts';
import type { RowBatch } from '../row-batch.ts';
import { rowTime } from '../row-time.ts';
import { AsciiWriter, asciiJson } from './ascii-writer.ts';
import { type Column, columns, packetMask, packetNames } from './columns.ts';

const openBracket = 91;
const closeBracket = 93;
const openBrace = 123;
const closeBrace = 125;
const comma = 44;

/** A column with all that encoding it needs, worked out once. */
interface Prepared {
  readonly column: Column;
  readonly mask: number;
  /** `"name":` */
  readonly key: string;
}
const prepared: readonly Prepared[] = columns.map((column) => ({
  column,
  mask: packetMask(column.packets),
  key: `${asciiJson(column.name)}:`,
}));
const packetTexts: string[] = [];
for (const [packet, name] of Object.entries(packetNames)) packetTexts[Number(packet)] = asciiJson(name);

const emptyBody = '{}';

/**
 * The whole payload of a batch or heartbeat: one JSON object, the header's fields first, then `columns`.
 *
 * @param body the text of the `columns` object, e.g. of {@link JsonEncoder.columns}; `{}` for a heartbeat
 */
export function assemble(header: BatchHeader, body: string = emptyBody): string {
  return `${JSON.stringify(header).slice(0, -1)},"columns":${body}}`;
}

/** Encodes batches as columnar JSON. Holds one buffer; use one for each thread of work. */
export class JsonEncoder {
  readonly #writer = new AsciiWriter();
  /** The batch in which an instrument was last seen while collecting latest values, by record. */
  readonly #newest = new Map<object, number>();

  /** `{"token":[…],"symbol":[…],…}`; columns that are `null` in every row are left out. */
  columns(batch: RowBatch): string {
    const writer = this.#writer;
    writer.clear();
    writer.byte(openBrace);
    for (const item of prepared) {
      const start = writer.length;
      if (start > 1) writer.byte(comma);
      writer.string(item.key);
      if (!writeColumn(writer, item, batch)) writer.length = start;
    }
    writer.byte(closeBrace);
    return writer.text();
  }

  /** The newest row of each instrument in the batch, as one JSON object with the same names; nulls are left out. */
  latest(batch: RowBatch): LatestValue[] {
    const newest = this.#newest;
    for (let row = 0; row < batch.length; row++) {
      const record = batch.instruments[row]!;
      const before = newest.get(record);
      if (before === undefined || rowTime(batch.columns, before) <= rowTime(batch.columns, row))
        newest.set(record, row);
    }
    const values: LatestValue[] = [];
    for (const row of newest.values()) {
      values.push({
        instrument: batch.instruments[row]!.name,
        time: rowTime(batch.columns, row),
        json: this.#row(batch, row),
      });
    }
    newest.clear();
    return values;
  }

  #row(batch: RowBatch, row: number): string {
    const writer = this.#writer;
    writer.clear();
    writer.byte(openBrace);
    const packet = 1 << batch.columns.packet[row]!;
    for (const item of prepared) {
      if ((item.mask & packet) === 0) continue;
      const start = writer.length;
      if (start > 1) writer.byte(comma);
      writer.string(item.key);
      if (!writeCell(writer, item.column, batch, row)) writer.length = start;
    }
    writer.byte(closeBrace);
    return writer.text();
  }
}

function writeColumn(writer: AsciiWriter, item: Prepared, batch: RowBatch): boolean {
  const { column, mask } = item;
  const packets = batch.columns.packet;
  let some = false;
  writer.byte(openBracket);
  for (let row = 0; row < batch.length; row++) {
    if (row > 0) writer.byte(comma);
    if ((mask & (1 << packets[row]!)) !== 0 && writeCell(writer, column, batch, row)) some = true;
    else writer.string('null');
  }
  writer.byte(closeBracket);
  return some;
}

/** Writes one value, or nothing and returns false where it is null. */
function writeCell(writer: AsciiWriter, column: Column, batch: RowBatch, row: number): boolean {
  const ticks = batch.columns;
  switch (column.kind) {
    case 'scalar': {
      const value = ticks[column.source][row]!;
      if (!Number.isFinite(value) || (value === 0 && column.zeroIsNone)) return false;
      writer.number(value);
      return true;
    }
    case 'levels': {
      const values = ticks[column.source];
      writer.byte(openBracket);
      for (let level = row * depthLevels; level < (row + 1) * depthLevels; level++) {
        if (level > row * depthLevels) writer.byte(comma);
        const value = values[level]!;
        if (Number.isFinite(value)) writer.number(value);
        else writer.string('null');
      }
      writer.byte(closeBracket);
      return true;
    }
    case 'token':
      writer.number(ticks.token[row]!);
      return true;
    case 'symbol':
      writer.string(batch.instruments[row]!.nameJson);
      return true;
    case 'packet':
      writer.string(packetTexts[ticks.packet[row]!]!);
      return true;
    case 'cached':
      if (batch.cached[row] === 0) return false;
      writer.string('true');
      return true;
  }
}
