import { beforeEach, expect, test } from 'vitest';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { FeedPause } from './feed-pause.ts';

const longest = 1000;
let clock: VirtualClock;
let pressure: number;
let takes: boolean;
let said: boolean[];
let feed: FeedPause;

beforeEach(() => {
  clock = new VirtualClock();
  pressure = 0;
  takes = true;
  said = [];
  feed = new FeedPause({
    clock,
    longest,
    pressure: () => pressure,
    spoolTakes: () => takes,
    pause: (paused) => said.push(paused),
  });
});

test('past half of the room it is left unread, until the spool has made room', async () => {
  pressure = 0.5;
  feed.look();
  expect(said).toEqual([]);
  pressure = 0.6;
  feed.look();
  feed.look();
  expect(said).toEqual([true]);
  await clock.advance(300);
  pressure = 0.3;
  feed.look();
  expect(said).toEqual([true]);
  pressure = 0.2;
  feed.look();
  expect(said).toEqual([true, false]);
  expect(feed.counters).toEqual({ pauses: 1, pausedMillis: 300 });
  pressure = 0.6;
  feed.look();
  expect(said).toEqual([true, false, true]);
});

test('a pause has an end whatever the spool does, and reading goes on for as long before the next', async () => {
  pressure = 0.9;
  feed.look();
  await clock.advance(longest);
  expect(said).toEqual([true, false]);
  feed.look();
  await clock.advance(longest - 1);
  feed.look();
  expect(said).toEqual([true, false]);
  await clock.advance(1);
  feed.look();
  expect(said).toEqual([true, false, true]);
  feed.stop();
  feed.stop();
  expect(said).toEqual([true, false, true, false]);
  expect(feed.counters).toEqual({ pauses: 2, pausedMillis: longest });
});

test('where the spool takes nothing, waiting would not help', () => {
  takes = false;
  pressure = 0.9;
  feed.look();
  expect(said).toEqual([]);
  takes = true;
  feed.look();
  takes = false;
  feed.look();
  expect(said).toEqual([true, false]);
});
