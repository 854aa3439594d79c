import { depthLevels, type Packet } from '../../tick-columns.ts';
import type { RowBatch } from '../row-batch.ts';
import { type AsciiWriter, asciiJson, numberRoom } from './ascii-writer.ts';
import { type Column, columns, packetMask, packetNames } from './columns.ts';
import {
  decimalLimit,
  putDecimal,
  putFourItem,
  putIntegerItem,
  putPriceItem,
  putText,
  scribble,
  type WordText,
  wordText,
} from './digits.ts';

const openBracket = 91;
const closeBracket = 93;
const comma = 44;
const minus = 45;
/** `],` */
const closeAndComma = (closeBracket << 8) | comma;

/** A column with all that encoding it needs, worked out once. */
export interface JsonColumn {
  readonly column: Column;
  /** Bit `packet` is set where that packet carries it. */
  readonly mask: number;
  /** `"name":` */
  readonly key: WordText;
}

export const jsonColumns: readonly JsonColumn[] = columns.map((column) => ({
  column,
  mask: packetMask(column.packets),
  key: wordText(`${asciiJson(column.name)}:`),
}));

const nothing = wordText('null,');
const yes = wordText('true,');
const packetTexts = Object.entries(packetNames).reduce<ReturnType<typeof wordText>[]>((texts, [packet, name]) => {
  texts[Number(packet)] = wordText(`${asciiJson(name)},`);
  return texts;
}, []);

/**
 * Writes `[value,…]`, one value a row. One tight loop for each kind of column: what a row costs is the digits.
 *
 * @param kinds bit `packet` is set where the batch has such a row
 * @returns whether any value is not null; where none is, what was written means nothing
 */
export function writeColumn(writer: AsciiWriter, item: JsonColumn, batch: RowBatch, kinds: number): boolean {
  const { column, mask } = item;
  if ((kinds & mask) === 0) return false;
  if (column.kind === 'cached' ? !batch.someCached : column.computed && !batch.enriched) return false;
  const rows = batch.length;
  writer.reserve(1);
  writer.byte(openBracket);
  let some = true;
  switch (column.kind) {
    case 'scalar': {
      const values = batch.columns[column.source];
      const packets = (kinds & ~mask) === 0 ? undefined : batch.columns.packet;
      writer.reserve(rows * numberRoom);
      if (values instanceof Int32Array) writeWhole(writer, values, rows, packets, mask);
      else if (column.format === 'decimal') some = writeDecimals(writer, values, rows);
      else some = writeNumbers(writer, values, rows, column.format === 'price', column.zeroIsNone, packets, mask);
      break;
    }
    case 'levels': {
      const packets = (kinds & ~mask) === 0 ? undefined : batch.columns.packet;
      writer.reserve(rows * (depthLevels * numberRoom + scribble));
      const values = batch.columns[column.source];
      if (values instanceof Float64Array) writePriceLevels(writer, values, rows, packets, mask);
      else if (values instanceof Int32Array) writeQuantityLevels(writer, values, rows, packets, mask);
      else writeOrderLevels(writer, values, rows, packets, mask);
      break;
    }
    case 'token':
      writer.reserve(rows * numberRoom);
      writeTokens(writer, batch.columns.token, rows);
      break;
    case 'symbol':
      writeSymbols(writer, batch);
      break;
    case 'packet':
      writePackets(writer, batch.columns.packet, rows);
      break;
    case 'cached':
      some = writeCached(writer, batch);
      break;
  }
  // The last item's comma.
  writer.length--;
  writer.byte(closeBracket);
  return some;
}

function writeNumbers(
  writer: AsciiWriter,
  values: Float64Array,
  rows: number,
  price: boolean,
  zeroIsNone: boolean,
  packets: Uint8Array | undefined,
  mask: number,
): boolean {
  const { view } = writer;
  let at = writer.length;
  let some = false;
  let before = Number.NaN;
  let beforeAt = 0;
  let beforeLength = 0;
  for (let row = 0; row < rows; row++) {
    const value = values[row]!;
    if (packets !== undefined && (mask & (1 << packets[row]!)) === 0) {
      at = putText(view, at, nothing);
      continue;
    }
    // Times repeat from row to row, and are long.
    if (value === before && beforeLength > longText) {
      for (let i = 0; i < beforeLength; i += 4) view.setUint32(at + i, view.getUint32(beforeAt + i));
      at += beforeLength;
      continue;
    }
    if (value === 0 && zeroIsNone) {
      at = putText(view, at, nothing);
      continue;
    }
    const next = price ? putPriceItem(view, at, value) : putIntegerItem(view, at, value);
    if (next < 0) {
      if (Number.isFinite(value)) some = true;
      at = putOther(writer, at, value);
      continue;
    }
    some = true;
    before = value;
    beforeAt = at;
    beforeLength = next - at;
    at = next;
  }
  writer.length = at;
  return some;
}
/** Characters from which copying a text is quicker than writing its digits. */
const longText = 12;

/** What has no quick way: not finite, negative, or finer than hundredths. */
function putOther(writer: AsciiWriter, at: number, value: number): number {
  if (!Number.isFinite(value)) return putText(writer.view, at, nothing);
  writer.length = at;
  writer.number(value);
  writer.byte(comma);
  return writer.length;
}

/** `NaN` is null; the rest rounded to 12 decimals. */
function writeDecimals(writer: AsciiWriter, values: Float64Array, rows: number): boolean {
  const { view } = writer;
  let at = writer.length;
  let some = false;
  for (let row = 0; row < rows; row++) {
    const value = values[row]!;
    const magnitude = Math.abs(value);
    if (magnitude < decimalLimit - 1) {
      some = true;
      if (value < 0) view.setUint8(at++, minus);
      at = putDecimal(view, at, magnitude);
      view.setUint8(at++, comma);
    } else {
      if (Number.isFinite(value)) some = true;
      at = putOther(writer, at, value);
    }
  }
  writer.length = at;
  return some;
}

function writeWhole(
  writer: AsciiWriter,
  values: Int32Array,
  rows: number,
  packets: Uint8Array | undefined,
  mask: number,
): void {
  const { view } = writer;
  let at = writer.length;
  for (let row = 0; row < rows; row++) {
    const carried = packets === undefined || (mask & (1 << packets[row]!)) !== 0;
    at = carried ? putWhole(writer, at, values[row]!) : putText(view, at, nothing);
  }
  writer.length = at;
}

/** A whole number of 32 bits and a comma. */
function putWhole(writer: AsciiWriter, at: number, value: number): number {
  const next = putIntegerItem(writer.view, at, value);
  return next < 0 ? putOther(writer, at, value) : next;
}

// One loop for each type of array: one that gets all three looks up what it has at every number.

function writePriceLevels(
  writer: AsciiWriter,
  values: Float64Array,
  rows: number,
  packets: Uint8Array | undefined,
  mask: number,
): void {
  const { view } = writer;
  let at = writer.length;
  for (let row = 0; row < rows; row++) {
    if (packets !== undefined && (mask & (1 << packets[row]!)) === 0) {
      at = putText(view, at, nothing);
      continue;
    }
    view.setUint8(at++, openBracket);
    const end = (row + 1) * depthLevels;
    for (let level = row * depthLevels; level < end; level++) {
      const value = values[level]!;
      const next = putPriceItem(view, at, value);
      at = next < 0 ? putOther(writer, at, value) : next;
    }
    view.setUint16(at - 1, closeAndComma);
    at++;
  }
  writer.length = at;
}

function writeQuantityLevels(
  writer: AsciiWriter,
  values: Int32Array,
  rows: number,
  packets: Uint8Array | undefined,
  mask: number,
): void {
  const { view } = writer;
  let at = writer.length;
  for (let row = 0; row < rows; row++) {
    if (packets !== undefined && (mask & (1 << packets[row]!)) === 0) {
      at = putText(view, at, nothing);
      continue;
    }
    view.setUint8(at++, openBracket);
    const end = (row + 1) * depthLevels;
    for (let level = row * depthLevels; level < end; level++) {
      const value = values[level]!;
      at = value >= 0 && value < 10_000 ? putFourItem(view, at, value) : putWhole(writer, at, value);
    }
    view.setUint16(at - 1, closeAndComma);
    at++;
  }
  writer.length = at;
}

function writeOrderLevels(
  writer: AsciiWriter,
  values: Uint16Array,
  rows: number,
  packets: Uint8Array | undefined,
  mask: number,
): void {
  const { view } = writer;
  let at = writer.length;
  for (let row = 0; row < rows; row++) {
    if (packets !== undefined && (mask & (1 << packets[row]!)) === 0) {
      at = putText(view, at, nothing);
      continue;
    }
    view.setUint8(at++, openBracket);
    const end = (row + 1) * depthLevels;
    for (let level = row * depthLevels; level < end; level++) {
      const value = values[level]!;
      at = value < 10_000 ? putFourItem(view, at, value) : putWhole(writer, at, value);
    }
    view.setUint16(at - 1, closeAndComma);
    at++;
  }
  writer.length = at;
}

function writeTokens(writer: AsciiWriter, tokens: Uint32Array, rows: number): void {
  const { view } = writer;
  let at = writer.length;
  for (let row = 0; row < rows; row++) at = putIntegerItem(view, at, tokens[row]!);
  writer.length = at;
}

function writeSymbols(writer: AsciiWriter, batch: RowBatch): void {
  batch.symbols.writeItems(writer, batch.columns.slot, batch.instruments, batch.length);
}

function writePackets(writer: AsciiWriter, packets: Uint8Array, rows: number): void {
  for (let row = 0; row < rows; row++) writer.words(packetTexts[packets[row]! as Packet]!);
}

function writeCached(writer: AsciiWriter, batch: RowBatch): boolean {
  let some = false;
  for (let row = 0; row < batch.length; row++) {
    const cached = batch.cached[row] === 1;
    writer.words(cached ? yes : nothing);
    if (cached) some = true;
  }
  return some;
}
