import type { BatchHeader } from '../../delivery.ts';
import type { LatestValue } from '../../sinks/sink.ts';
import { depthLevels } from '../../tick-columns.ts';
import type { RowBatch } from '../row-batch.ts';
import { rowTime } from '../row-time.ts';
import { AsciiWriter, asciiJson } from './ascii-writer.ts';
import { BodyBuffers, surround } from './body-buffers.ts';
import { type Column, packetNames } from './columns.ts';
import { type WordText, wordText } from './digits.ts';
import { jsonColumns, writeColumn } from './json-columns.ts';

const openBracket = 91;
const closeBracket = 93;
const openBrace = 123;
const closeBrace = 125;
const comma = 44;

const packetTexts: WordText[] = [];
for (const [packet, name] of Object.entries(packetNames)) packetTexts[Number(packet)] = wordText(asciiJson(name));

const emptyBody: Uint8Array = Buffer.from('{}');

/**
 * The whole payload of a batch or heartbeat: one JSON object in ASCII, the header's fields first, then `columns`.
 *
 * @param body the `columns` object, e.g. of {@link JsonEncoder.columns}; `{}` for a heartbeat
 */
export function assemble(header: BatchHeader, body: string | Uint8Array = emptyBody): Buffer {
  return surround(`${JSON.stringify(header).slice(0, -1)},"columns":`, body, '}');
}

/** Encodes batches as columnar JSON. Holds one buffer; use one for each thread of work. */
export class JsonEncoder {
  readonly #writer = new AsciiWriter();
  readonly #buffers = new BodyBuffers();
  /** The batch in which an instrument was last seen while collecting latest values, by record. */
  readonly #newest = new Map<object, number>();

  /** `{"token":[…],"symbol":[…],…}` in ASCII; columns that are `null` in every row are left out. */
  columns(batch: RowBatch): Uint8Array {
    const writer = this.#writer;
    const kinds = kindsOf(batch);
    writer.clear();
    writer.byte(openBrace);
    for (const item of jsonColumns) {
      const start = writer.length;
      if (start > 1) writer.byte(comma);
      writer.words(item.key);
      if (!writeColumn(writer, item, batch, kinds)) writer.length = start;
    }
    writer.byte(closeBrace);
    const body = this.#buffers.take(writer.length);
    writer.copyTo(body);
    return body;
  }

  /** Nobody reads this body any more, nor a payload that was assembled from it: its memory may be used again. */
  release(body: Uint8Array): void {
    this.#buffers.give(body);
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
    for (const item of jsonColumns) {
      if ((item.mask & packet) === 0 || (item.column.computed && !batch.enriched)) continue;
      const start = writer.length;
      if (start > 1) writer.byte(comma);
      writer.words(item.key);
      if (!writeCell(writer, item.column, batch, row)) writer.length = start;
    }
    writer.byte(closeBrace);
    return writer.text();
  }
}

/** Bit `packet` is set where the batch has such a row. */
function kindsOf(batch: RowBatch): number {
  const { packet } = batch.columns;
  let kinds = 0;
  for (let row = 0; row < batch.length; row++) kinds |= 1 << packet[row]!;
  return kinds;
}

/** Writes one value, or nothing and returns false where it is null. */
function writeCell(writer: AsciiWriter, column: Column, batch: RowBatch, row: number): boolean {
  const ticks = batch.columns;
  switch (column.kind) {
    case 'scalar': {
      const value = ticks[column.source][row]!;
      if (!Number.isFinite(value) || (value === 0 && column.zeroIsNone)) return false;
      if (column.format === 'decimal') writer.decimal(value);
      else writer.number(value);
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
      writer.quoted(batch.instruments[row]!.name);
      return true;
    case 'packet':
      writer.words(packetTexts[ticks.packet[row]!]!);
      return true;
    case 'cached':
      if (batch.cached[row] === 0) return false;
      writer.string('true');
      return true;
  }
}
