import { expect, it } from 'vitest';
import { LruMap } from './lru.ts';
import { TickSchedule } from './tick-schedule.ts';

it('gives each instrument its rate, however the time is cut', () => {
  const schedule = new TickSchedule(4);
  for (const token of [256265, 738561, 408065]) {
    let ticks = 0;
    let time = 1_795_000_000_000;
    const end = time + 10_000;
    for (let step = 1; time < end; step++) {
      const next = Math.min(end, time + (step % 7) * 13.7);
      ticks += schedule.due(token, time, next);
      time = next;
    }
    expect(ticks).toBe(40);
  }
});

it('spreads instruments over time, and gives none when the clock goes back', () => {
  const schedule = new TickSchedule(1);
  const start = 1_795_000_000_000;
  const due = Array.from({ length: 1000 }, (_, token) => schedule.due(token * 256 + 1, start, start + 100));
  expect(due.filter((ticks) => ticks === 1).length).toBeGreaterThan(60);
  expect(due.filter((ticks) => ticks === 1).length).toBeLessThan(140);
  expect(schedule.due(257, start, start - 5000)).toBe(0);
});

it('numbers the ticks of a day from 0, without a hole', () => {
  const schedule = new TickSchedule(4);
  const midnight = Date.UTC(2026, 10, 25);
  for (const token of [256265, 738561, 408065]) {
    let time = midnight;
    let next = 0;
    for (let step = 1; time < midnight + 10_000; step++) {
      const to = time + (step % 7) * 13.7;
      const due = schedule.due(token, time, to);
      time = to;
      next += due;
      if (due > 0) expect(schedule.numberAt(token, time)).toBe(next - 1);
    }
    expect(schedule.numberAt(token, midnight + 86_400_000 - 0.001)).toBe(4 * 86_400 - 1);
    expect(schedule.numberAt(token, midnight + 86_400_000 + 250)).toBe(0);
  }
});

it('refuses a rate that is none', () => {
  for (const rate of [0, -1, Number.NaN, 1e9]) expect(() => new TickSchedule(rate)).toThrow(RangeError);
});

it('an LRU map drops what was used least recently', () => {
  const map = new LruMap<number, string>(2);
  map.set(1, 'a');
  map.set(2, 'b');
  map.get(1);
  map.set(3, 'c');
  expect([map.get(1), map.get(2), map.get(3), map.size, map.evicted]).toEqual(['a', undefined, 'c', 2, 1]);
});
