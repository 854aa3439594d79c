import { expect, test } from 'vitest';
import { TradedVolume } from './traded-volume.ts';

const session = (day: number) => ({
  day,
  open: day * 100,
  close: day * 100 + 50,
  dayOpen: day * 100,
  dayClose: day * 100 + 50,
});
const monday = session(1);
const tuesday = session(2);
const watched = 0;
const inMidday = 120;

test('differences of the count within a day', () => {
  const volume = new TradedVolume(false);
  expect([100, 100, 130].map((count) => volume.since(count, monday, inMidday))).toEqual([0, 0, 30]);
});

test('all of the day is its own where it was watched from the open', () => {
  const volume = new TradedVolume(false);
  expect(volume.since(40, monday, watched)).toBe(40);
  expect(volume.whole).toBe(true);
  expect(volume.since(50, monday, watched)).toBe(10);
  expect(volume.whole).toBe(false);
});

test("yesterday's count, still there before the first trade, is nobody's", () => {
  const volume = new TradedVolume(false);
  expect(volume.since(900, monday, watched)).toBe(900);
  expect(volume.since(950, undefined, watched)).toBe(0);
  expect(volume.since(900, tuesday, watched)).toBe(0);
  expect(volume.since(7, tuesday, watched)).toBe(7);
  expect(volume.since(1000, session(3), watched)).toBe(1000);
});

test('a day that was not watched from its open counts from its first row', () => {
  const volume = new TradedVolume(false);
  volume.since(900, monday, watched);
  expect(volume.since(300, tuesday, 220)).toBe(0);
  expect(volume.since(310, tuesday, 220)).toBe(10);
});

test('a lower count within the day is a correction', () => {
  const volume = new TradedVolume(false);
  volume.since(900, monday, watched);
  expect(volume.since(890, monday, watched)).toBe(0);
  expect(volume.corrected).toBe(true);
  expect(volume.since(895, monday, watched)).toBe(5);
  expect(volume.corrected).toBe(false);
});

test('without a calendar a lower count is a new day, and midnight is none', () => {
  const volume = new TradedVolume(true);
  expect(volume.since(500, monday, watched)).toBe(0);
  expect(volume.since(510, tuesday, watched)).toBe(10);
  expect(volume.since(20, tuesday, watched)).toBe(20);
});
