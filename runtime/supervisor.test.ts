import { expect, test } from 'vitest';
import { defineError } from './errors.ts';
import { silentLogger } from './log.ts';
import { SeededRandom } from './random.ts';
import { Supervisor } from './supervisor.ts';
import { VirtualClock } from './virtual-clock.ts';

const hopeless = defineError('TEST_HOPELESS', 'terminal', 'Give up.');

function setUp() {
  const clock = new VirtualClock();
  const fatal: string[] = [];
  const supervisor = new Supervisor({
    clock,
    log: silentLogger,
    random: new SeededRandom(1),
    onFatal: (name) => fatal.push(name),
  });
  return { clock, fatal, supervisor };
}

test('restarts a task that fails, later each time, and counts', async () => {
  const { clock, supervisor } = setUp();
  const starts: number[] = [];
  supervisor.run('flaky', async () => {
    starts.push(clock.monotonic());
    throw new Error('no');
  });
  await clock.advance(10_000);
  expect(starts.length).toBeGreaterThan(4);
  const waits = starts.slice(1).map((at, index) => at - starts[index]!);
  expect(waits.at(-1)).toBeGreaterThan(waits[0]! * 4);
  expect(supervisor.failures.get('flaky')).toBe(starts.length);
  await supervisor.stop();
  expect(supervisor.tasks).toEqual([]);
});

test('hands a terminal error up instead of restarting', async () => {
  const { clock, fatal, supervisor } = setUp();
  let starts = 0;
  supervisor.run('doomed', async () => {
    starts++;
    throw hopeless('really');
  });
  await clock.advance(60_000);
  expect(starts).toBe(1);
  expect(fatal).toEqual(['doomed']);
});

test('stops one task, or all, and waits for them', async () => {
  const { clock, supervisor } = setUp();
  const ended: string[] = [];
  const until = (name: string) => async (signal: AbortSignal) => {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    ended.push(name);
  };
  const stopFirst = supervisor.run('first', until('first'));
  supervisor.run('second', until('second'));
  await clock.advance(1);
  expect(() => supervisor.run('second', until('again'))).toThrow(/already running/);
  await stopFirst();
  expect(ended).toEqual(['first']);
  await supervisor.stop();
  expect(ended).toEqual(['first', 'second']);
});
