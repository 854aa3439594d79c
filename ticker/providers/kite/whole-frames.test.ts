import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../runtime/random.ts';
import { WholeFrames } from './whole-frames.ts';

/** A frame of RFC 6455. */
function frameOf(first: number, payload: Buffer, mask?: Buffer): Buffer {
  const { length } = payload;
  const head = length < 126 ? Buffer.alloc(2) : length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10);
  head[0] = first;
  head[1] = (length < 126 ? length : length < 65_536 ? 126 : 127) | (mask === undefined ? 0 : 0x80);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeUInt32BE(length, 6);
  return Buffer.concat([head, mask ?? Buffer.alloc(0), payload]);
}

/** Feeds `bytes` in pieces as a socket would; each piece of what is handed on, copied at once. */
function feed(frames: WholeFrames, bytes: Buffer, sizes: () => number): { text: string; kept: boolean }[] {
  const taken: { text: string; kept: boolean }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { space } = frames;
    expect(space.length).toBeGreaterThan(0);
    const copied = bytes.copy(space, 0, at, Math.min(bytes.length, at + Math.max(1, sizes())));
    at += copied;
    frames.filled(copied, (chunk, kept) => taken.push({ text: chunk.toString('latin1'), kept }));
  }
  return taken;
}

function sums(lengths: readonly number[]): number[] {
  let sum = 0;
  return lengths.map((length) => {
    sum += length;
    return sum;
  });
}

describe('frames are handed on whole', () => {
  test('whatever pieces they come in, and nothing is lost or changed', () => {
    const random = new SeededRandom(5);
    const lengths = [0, 1, 125, 126, 127, 1000, 65_535, 65_536, 70_000, 300_000, 600_000];
    const sent = Array.from({ length: 60 }, (_, i) => {
      const payload = Buffer.alloc(lengths[Math.floor(random.next() * lengths.length)]!, i);
      return frameOf(0x82, payload, random.next() < 0.2 ? Buffer.from('mask') : undefined);
    });
    for (const most of [1, 7, 1460, 65_536, 1_000_000]) {
      const frames = new WholeFrames(1_000_000);
      const bytes = most < 100 ? Buffer.concat(sent.filter(({ length }) => length < 2000)) : Buffer.concat(sent);
      const taken = feed(frames, bytes, () => Math.ceil(random.next() * most));
      expect(taken.map(({ text }) => text).join('') === bytes.toString('latin1')).toBe(true);
      const chosen = most < 100 ? sent.filter((frame) => frame.length < 2000) : sent;
      const ends = new Set(sums(chosen.map(({ length }) => length)));
      expect(sums(taken.map(({ text }) => text.length)).every((end) => ends.has(end))).toBe(true);
      expect(taken.every(({ kept }) => !kept)).toBe(true);
    }
  });

  test('memory that was made for a long frame goes when only short ones follow', () => {
    const frames = new WholeFrames(1_000_000);
    const small = frames.space.buffer.byteLength;
    const long = frameOf(0x82, Buffer.alloc(900_000, 7));
    const short = frameOf(0x82, Buffer.from('short'));
    feed(frames, long, () => 65_536);
    expect(frames.space.buffer.byteLength).toBeGreaterThan(small);
    // In pieces, so that a frame has always begun.
    const taken = feed(frames, Buffer.concat(Array.from({ length: 2000 }, () => short)), () => 5);
    expect(taken.map(({ text }) => text).join('')).toBe(short.toString('latin1').repeat(2000));
    expect(frames.space.buffer.byteLength).toBe(small);
    expect(feed(frames, long, () => 65_536).map(({ text }) => text)).toEqual([long.toString('latin1')]);
  });

  test('connections read into the same memory, one after another, each in the middle of a frame', () => {
    const connections = Array.from({ length: 5 }, (_, i) => ({
      frames: new WholeFrames(1_000_000),
      bytes: Buffer.concat([200, 70_000, 300_000, 5].map((length) => frameOf(0x82, Buffer.alloc(length, 65 + i)))),
      at: 0,
      taken: [] as Buffer[],
    }));
    const memory = connections.map(({ frames }) => frames.space.buffer);
    expect(new Set(memory).size).toBe(1);
    const random = new SeededRandom(3);
    while (connections.some(({ at, bytes }) => at < bytes.length)) {
      for (const each of connections) {
        const size = 1 + Math.floor(random.next() * 30_000);
        const copied = each.bytes.copy(each.frames.space, 0, each.at, Math.min(each.bytes.length, each.at + size));
        each.at += copied;
        each.frames.filled(copied, (chunk) => each.taken.push(Buffer.from(chunk)));
      }
    }
    for (const { taken, bytes } of connections) expect(Buffer.concat(taken).equals(bytes)).toBe(true);
  });

  test('the memory of messages is used again; parts of one, pings and closes are copies', () => {
    const frames = new WholeFrames(1000);
    const held: Buffer[] = [];
    const give = (frame: Buffer): void => {
      frame.copy(frames.space);
      frames.filled(frame.length, (chunk) => held.push(chunk));
    };
    for (const first of [0x82, 0x01, 0x80, 0x89, 0x88, 0x81]) give(frameOf(first, Buffer.from('abc')));
    const memory = held[0]!.buffer;
    expect(held.map(({ buffer }) => buffer === memory)).toEqual([true, false, false, false, false, true]);
  });

  test('a frame over the bound is handed on as it comes, and all that follows', () => {
    const frames = new WholeFrames(1000);
    const bytes = Buffer.concat([
      frameOf(0x82, Buffer.alloc(10)),
      frameOf(0x82, Buffer.alloc(5000, 1)).subarray(0, 300),
    ]);
    expect(feed(frames, bytes, () => 100).reduce((sum, { text }) => sum + text.length, 0)).toBe(bytes.length);
  });
});
