import { expect, test } from 'vitest';
import { channelOf, everySliceChannel, isEverySlice, isSharded, setChannel, sliceChannel } from './channels.ts';

test('names of channels, of sets and of their slices', () => {
  const plain = 'ticks:desk:banks';
  const [one, every] = [sliceChannel(plain, 'uid-1'), everySliceChannel(plain)];
  expect([one, every]).toEqual(['ticks:{uid-1}:desk:banks', 'ticks:{*}:desk:banks']);
  expect([plain, one, every].map(setChannel)).toEqual([plain, every, every]);
  expect(channelOf(every, 'uid-1')).toBe(one);
  expect([plain, one, every].map(isSharded)).toEqual([false, true, true]);
  expect([plain, one, every].map(isEverySlice)).toEqual([false, false, true]);
});
