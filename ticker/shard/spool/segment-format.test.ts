import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readSegment, recordBytes, recordOverhead, segmentMagic, writeRecord } from './segment-format.ts';

const payloads = fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 12 });

/** Each payload in two parts. */
function encodeRecord(payload: Uint8Array): Buffer {
  const parts = [payload.subarray(0, payload.length >> 1), payload.subarray(payload.length >> 1)];
  const out = Buffer.alloc(3 + recordBytes(parts));
  expect(writeRecord(out, 3, parts)).toBe(out.length);
  return out.subarray(3);
}

function segment(list: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([segmentMagic, ...list.map(encodeRecord)]);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const found = (bytes: Uint8Array): string[] => readSegment(bytes).records.map(({ payload }) => hex(payload));

describe('a segment', () => {
  test('gives back what was written', () => {
    fc.assert(
      fc.property(payloads, (list) => {
        const contents = readSegment(segment(list));
        expect(contents.records.map(({ payload }) => hex(payload))).toEqual(list.map(hex));
        expect(contents).toMatchObject({ torn: false, damaged: [] });
      }),
    );
  });

  test('cut off at any byte gives every record that was whole, and only says that it is torn', () => {
    fc.assert(
      fc.property(payloads, fc.nat(), (list, at) => {
        const bytes = segment(list);
        const cut = at % (bytes.length + 1);
        let end: number = segmentMagic.length;
        const whole = list.filter(({ length }) => {
          end += recordOverhead + length;
          return end <= cut;
        });
        const contents = readSegment(bytes.subarray(0, cut));
        expect(contents.records.map(({ payload }) => hex(payload))).toEqual(whole.map(hex));
        expect(contents.damaged).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('a flipped bit harms no other record that can still be reached, and nothing false is read', () => {
    fc.assert(
      fc.property(payloads, fc.nat(), fc.nat(7), (list, at, bit) => {
        const bytes = segment(list);
        const place = at % bytes.length;
        bytes[place]! ^= 1 << bit;
        const read = found(bytes);
        const written = list.map(hex);
        // In order, each of them written.
        let from = 0;
        for (const each of read) {
          const index = written.indexOf(each, from);
          expect(index).toBeGreaterThanOrEqual(0);
          from = index + 1;
        }
        const { torn, damaged } = readSegment(bytes);
        expect(torn || damaged.length > 0).toBe(true);
        // A flip in a payload or its checksum harms that record alone.
        let start: number = segmentMagic.length;
        for (const { length } of list) {
          if (place >= start + 4 && place < start + recordOverhead + length) {
            expect(read).toHaveLength(list.length - 1);
          }
          start += recordOverhead + length;
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('any bytes are read without a fault', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, begun) => {
        readSegment(begun ? Buffer.concat([segmentMagic, bytes]) : bytes);
      }),
      { numRuns: 500 },
    );
  });
});
