import { expect, test } from 'vitest';
import type { GatheredBatch } from './gathered-batch.ts';
import { maxReadyCharacters, ReadyBatches } from './ready-batches.ts';

const batch = (count: number, characters: number): GatheredBatch => ({
  setUid: 's',
  count,
  body: 'x'.repeat(characters),
  latest: [],
  firstReceived: 0,
  lastReceived: 0,
});

test('batches come out in order', () => {
  const ready = new ReadyBatches();
  expect(ready.push(batch(1, 10)) + ready.push(batch(2, 10))).toBe(0);
  expect(ready.take().map(({ count }) => count)).toEqual([1, 2]);
  expect(ready.empty).toBe(true);
});

test('past the bound the oldest are dropped and counted', () => {
  const ready = new ReadyBatches();
  const half = maxReadyCharacters / 2;
  expect(ready.push(batch(3, half))).toBe(0);
  expect(ready.push(batch(4, half))).toBe(0);
  expect(ready.push(batch(5, half))).toBe(3);
  expect(ready.push(batch(6, maxReadyCharacters))).toBe(9);
  expect(ready.take().map(({ count }) => count)).toEqual([6]);
  expect(ready.push(batch(7, half))).toBe(0);
});
