import fc from 'fast-check';
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

test('what is due while the process is stopped fires late', async () => {
  const clock = new VirtualClock(0);
  const fired: number[] = [];
  for (const delay of [30, 10, 200]) clock.setTimer(delay, () => fired.push(clock.now()));
  clock.jump(100);
  expect(fired).toEqual([]);
  await clock.advance(0);
  expect(fired).toEqual([100, 100]);
  await clock.advance(100);
  expect(fired).toEqual([100, 100, 200]);
});

test('sleep ends early when aborted and leaves no timer', async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const slept = sleep(clock, 1000, stop.signal);
  stop.abort();
  await slept;
  expect(clock.pending).toBe(0);
});

test('run() lets whole promise chains settle between timers, as advance() does', async () => {
  const play = async (move: (clock: VirtualClock) => Promise<void>): Promise<string[]> => {
    const clock = new VirtualClock();
    const log: string[] = [];
    const worker = async (name: string, wait: number): Promise<void> => {
      for (let turn = 0; turn < 5; turn++) {
        await sleep(clock, wait);
        for (let step = 0; step < 20; step++) await Promise.resolve();
        log.push(`${name} ${clock.monotonic()}`);
      }
    };
    const done = Promise.all([worker('a', 10), worker('b', 15), worker('c', 10)]);
    await move(clock);
    await done;
    expect(clock.monotonic()).toBe(100);
    return log;
  };
  const quick = await play((clock) => clock.run(100));
  expect(quick).toEqual(await play((clock) => clock.advance(100)));
  expect(quick.slice(0, 3)).toEqual(['a 10', 'c 10', 'b 15']);
});

test('an exception of a timer ends run()', async () => {
  const clock = new VirtualClock();
  clock.setTimer(5, () => {
    throw new Error('broken');
  });
  await expect(clock.run(10)).rejects.toThrow('broken');
  expect(clock.monotonic()).toBe(5);
});

test('timers that set one another without any time between end run()', async () => {
  const clock = new VirtualClock();
  const again = (): void => {
    clock.setTimer(0, again);
  };
  again();
  await expect(clock.run(10)).rejects.toThrow('time stands still');
});

test('whatever is set and cancelled, timers fire by time, then by order of setting', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(50), fc.boolean()), { maxLength: 300 }), async (timers) => {
      const clock = new VirtualClock();
      const fired: number[] = [];
      const set = timers.map(([delay], index) => clock.setTimer(delay, () => fired.push(index)));
      timers.forEach(([, cancelled], index) => {
        if (cancelled) set[index]!.cancel();
      });
      const kept = timers.flatMap(([delay, cancelled], index) => (cancelled ? [] : [{ delay, index }]));
      expect(clock.pending).toBe(kept.length);
      await clock.run(50);
      expect(fired).toEqual(kept.sort((a, b) => a.delay - b.delay || a.index - b.index).map(({ index }) => index));
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 30 },
  );
});
