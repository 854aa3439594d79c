import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BatchHeader } from '../delivery.ts';
import { BatchSequence } from './batch-sequence.ts';

function header(epoch: number, seq: number, more: Partial<BatchHeader> = {}): BatchHeader {
  const base = { v: 1, set: 'default/a', slice: 'default/s', shard: 'shard-0', claim: 1, count: 10, time: 0 } as const;
  return { ...base, epoch, seq, ...more };
}
const heartbeat = (epoch: number, seq: number) => header(epoch, seq, { count: 0 });
const prev = (epoch: number, seq: number) => ({ prev: { epoch, claim: 1, seq } });

/** Feeds headers; gives `kind`, `missing` and whether it is proven, of the last. */
function last(...headers: BatchHeader[]) {
  const sequence = new BatchSequence();
  const verdicts = headers.map((each) => sequence.check(each));
  return { ...verdicts.at(-1)!, totals: sequence.totals };
}

describe('one token', () => {
  test('a reader may join anywhere', () => {
    expect(last(header(1, 7))).toMatchObject({ kind: 'first', take: true, missing: 0, proven: true });
  });
  test('the next one', () => {
    expect(last(header(1, 7), header(1, 8))).toMatchObject({ kind: 'next', take: true, missing: 0 });
  });
  test('a gap, with the exact number', () => {
    expect(last(header(1, 7), header(1, 11))).toMatchObject({ kind: 'gap', take: true, missing: 3 });
  });
  test('a duplicate is not taken', () => {
    expect(last(header(1, 7), header(1, 7))).toMatchObject({ kind: 'duplicate', take: false });
    expect(last(header(1, 7), header(1, 8), header(1, 7))).toMatchObject({ kind: 'duplicate', take: false });
  });
  test('a heartbeat repeats the last seq; a higher one shows what is missing', () => {
    expect(last(header(1, 7), heartbeat(1, 7))).toMatchObject({ kind: 'heartbeat', take: false, missing: 0 });
    const missed = last(header(1, 7), heartbeat(1, 9), header(1, 10));
    expect(missed).toMatchObject({ kind: 'next', totals: { missing: 2, batches: 2, heartbeats: 1 } });
  });
  test('after a heartbeat of a token that has published nothing comes 1', () => {
    expect(last(heartbeat(1, 0), header(1, 1, { prev: null }))).toMatchObject({
      kind: 'next',
      missing: 0,
      proven: true,
    });
  });
  test('slices and sets are followed apart', () => {
    const other = header(1, 3, { slice: 'default/t' });
    expect(last(header(1, 7), other, header(1, 8))).toMatchObject({ kind: 'next', totals: { missing: 0 } });
    expect(last(header(1, 7), header(1, 1, { set: 'default/b' }))).toMatchObject({ kind: 'first' });
  });
  test('what a batch tells of itself is passed on', () => {
    const gap = { from: 1, to: 2, why: 'reconnect' } as const;
    expect(last(header(1, 7), header(1, 8, { gap }))).toMatchObject({ kind: 'next', told: gap, totals: { told: 1 } });
  });
});

describe('a new token', () => {
  test('follows on', () => {
    const next = last(header(1, 7), header(2, 1, prev(1, 7)));
    expect(next).toMatchObject({ kind: 'newToken', take: true, missing: 0, proven: true });
  });
  test('a new claim of the same epoch follows on', () => {
    const next = last(header(1, 7), header(1, 1, { claim: 2, ...prev(1, 7) }));
    expect(next).toMatchObject({ kind: 'newToken', missing: 0, proven: true });
  });
  test('shows what was missed of the one before', () => {
    expect(last(header(1, 7), header(2, 1, prev(1, 9)))).toMatchObject({ missing: 2, proven: true });
  });
  test('heartbeats in between change nothing', () => {
    const next = last(header(1, 7), heartbeat(2, 0), heartbeat(3, 0), header(3, 1, prev(1, 8)));
    expect(next).toMatchObject({ kind: 'next', missing: 1, proven: true });
  });
  test('whose first batch was missed cannot be proven', () => {
    expect(last(header(1, 7), header(2, 3))).toMatchObject({ kind: 'newToken', missing: 2, proven: false });
    expect(last(header(1, 7), heartbeat(2, 2))).toMatchObject({ kind: 'heartbeat', missing: 2, proven: false });
  });
  test('after one that was missed whole cannot be proven', () => {
    expect(last(header(1, 7), header(3, 1, prev(2, 4)))).toMatchObject({ missing: 4, proven: false });
  });
  test('of a sink that has lost its memory cannot be proven', () => {
    expect(last(header(1, 7), header(2, 1, { prev: null }))).toMatchObject({ missing: 0, proven: false });
    expect(last(header(1, 7), header(2, 1, prev(1, 5)))).toMatchObject({ missing: 0, proven: false });
  });
  test('turns the older one away', () => {
    const older = last(header(1, 7), header(2, 1, prev(1, 7)), header(1, 8));
    expect(older).toMatchObject({ kind: 'olderToken', take: false, totals: { older: 1, batches: 2 } });
  });
  test('late batches are not live', () => {
    expect(last(header(1, 7), header(1, 8, { late: true }))).toMatchObject({ kind: 'late', take: false });
  });
});

test('whatever is lost on the way is counted exactly, token after token (law)', () => {
  const tokens = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(tokens, fc.array(fc.boolean(), { minLength: 72, maxLength: 72 }), (lengths, kept) => {
      const published: BatchHeader[] = [];
      lengths.forEach((length, index) => {
        for (let seq = 1; seq <= length; seq++) {
          const before = index === 0 ? { prev: null } : prev(index, lengths[index - 1]!);
          published.push(header(index + 1, seq, seq === 1 ? before : {}));
        }
      });
      // The first batch of each token arrives, so that every loss can be proven.
      const arrived = published.filter((each, index) => each.seq === 1 || kept[index]!);
      const sequence = new BatchSequence();
      for (const each of arrived) sequence.check(each);
      const after = published.slice(0, published.indexOf(arrived.at(-1)!) + 1);
      expect(sequence.totals).toMatchObject({
        batches: arrived.length,
        missing: after.length - arrived.length,
        unproven: 0,
      });
    }),
  );
});

test('a slice that is created anew under its name is another one, whose epochs start anew', () => {
  const again = last(header(7, 9, { sliceUid: 'first' }), header(1, 1, { sliceUid: 'second', prev: null }));
  expect(again).toMatchObject({ kind: 'first', take: true, missing: 0, proven: true });
});
