import { crc32 } from 'node:zlib';

/**
 * A segment is a file of eight bytes that say what it is, then records: `length` and `crc32` of the payload (unsigned 32
 * bit, little endian), then the payload. Records are only ever appended, so that a crash can harm the last one alone.
 */
export const segmentMagic = new TextEncoder().encode('TKSPOOL1');
export const recordOverhead = 8;
/** Longer payloads are neither written nor believed. */
export const maxPayload = 256 * 1024 * 1024;

export interface FoundRecord {
  /** Of the record, from the start of the file. */
  readonly offset: number;
  /** Of the record, overhead included. */
  readonly length: number;
  readonly payload: Uint8Array;
}

export interface SegmentContents {
  readonly records: readonly FoundRecord[];
  /** The file ends in the middle of a record, as a crash leaves it. */
  readonly torn: boolean;
  /** For each damage before the end: how many of `records` come before it. */
  readonly damaged: readonly number[];
}

/** Bytes of a record whose payload has these parts. */
export function recordBytes(payload: readonly Uint8Array[]): number {
  return payload.reduce((sum, part) => sum + part.length, recordOverhead);
}

/**
 * Writes a record at `at`, its payload one part behind the other; returns where it ends.
 *
 * @throws RangeError where the payload is empty (zeros would pass for such a record) or longer than {@link maxPayload}
 */
export function writeRecord(out: Buffer, at: number, payload: readonly Uint8Array[]): number {
  const end = at + recordBytes(payload);
  const start = at + recordOverhead;
  if (end === start || end - start > maxPayload) throw new RangeError(`a record can't hold ${end - start} bytes`);
  let next = start;
  for (const part of payload) {
    out.set(part, next);
    next += part.length;
  }
  out.writeUInt32LE(end - start, at);
  out.writeUInt32LE(crc32(out.subarray(start, end)), at + 4);
  return end;
}

/** The payload of one record, or undefined where it is not whole. */
export function decodeRecord(bytes: Uint8Array, offset = 0): Uint8Array | undefined {
  if (bytes.length - offset < recordOverhead) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset);
  const length = view.getUint32(0, true);
  if (length === 0 || length > maxPayload || bytes.length - offset - recordOverhead < length) return undefined;
  const payload = bytes.subarray(offset + recordOverhead, offset + recordOverhead + length);
  return crc32(payload) === view.getUint32(4, true) ? payload : undefined;
}

/** Every whole record. A damaged one is left out; what follows it is read where its length still leads there. */
export function readSegment(bytes: Uint8Array): SegmentContents {
  const records: FoundRecord[] = [];
  const damaged: number[] = [];
  if (bytes.length < segmentMagic.length) return { records, torn: true, damaged };
  if (!segmentMagic.every((byte, i) => bytes[i] === byte)) return { records, torn: false, damaged: [0] };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let offset = segmentMagic.length;
  while (offset < bytes.length) {
    if (bytes.length - offset < recordOverhead) return { records, torn: true, damaged };
    const length = recordOverhead + view.getUint32(offset, true);
    if (offset + length > bytes.length) return { records, torn: true, damaged };
    const payload = decodeRecord(bytes, offset);
    if (payload !== undefined) records.push({ offset, length, payload });
    else if (damaged.at(-1) !== records.length) damaged.push(records.length);
    offset += length;
  }
  return { records, torn: false, damaged };
}
