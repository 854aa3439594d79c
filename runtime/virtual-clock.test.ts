import { expect, test } from 'vitest';
import { sleep } from './clock.ts';
import { VirtualClock } from './virtual-clock.ts';

test('fires timers in order of time, then of setting, and lets promises settle between', async () => {
  const clock = new VirtualClock();
  const log: string[] = [];
  clock.setTimer(20, () => log.push('late'));
  clock.setTimer(10, () => {
    log.push('first');
    void sleep(clock, 5).then(() => log.push(`slept until ${clock.monotonic()}`));
  });
  clock.setTimer(10, () => log.push('second'));
  await clock.advance(19);
  expect(log).toEqual(['first', 'second', 'slept until 15']);
  await clock.advance(1);
  expect(log.at(-1)).toBe('late');
  expect(clock.pending).toBe(0);
});

test('a step of the wall clock moves no timer', async () => {
  const clock = new VirtualClock(1_000_000);
  let fired = false;
  clock.setTimer(10, () => {
    fired = true;
  });
  clock.step(-500_000);
  expect(clock.now()).toBe(500_000);
  expect(fired).toBe(false);
  await clock.advance(10);
  expect(fired).toBe(true);
});

test('sleep ends early when aborted and leaves no timer', async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const slept = sleep(clock, 1000, stop.signal);
  stop.abort();
  await slept;
  expect(clock.pending).toBe(0);
});
