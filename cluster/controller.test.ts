import { expect, test } from 'vitest';
import { defineError } from '../runtime/errors.ts';
import { createLogger } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';
import { Supervisor } from '../runtime/supervisor.ts';
import { VirtualClock } from '../runtime/virtual-clock.ts';
import { Controller, type ControllerOptions, type Reconcile } from './controller.ts';

const hopeless = defineError('TEST_CONTROLLER_HOPELESS', 'terminal', 'Change the object.');

function setUp(reconcile: Reconcile, options: Partial<ControllerOptions> = {}) {
  const clock = new VirtualClock();
  const random = new SeededRandom(1);
  const lines: Record<string, unknown>[] = [];
  const log = createLogger('debug', { write: (line) => lines.push(JSON.parse(line)) });
  const fatal: string[] = [];
  const supervisor = new Supervisor({ clock, log, random, onFatal: (name) => fatal.push(name) });
  const controller = new Controller({
    name: 'test',
    reconcile,
    clock,
    random,
    log,
    supervisor,
    queue: { backoff: { first: 100, most: 10_000, jitter: 0 } },
    ...options,
  });
  controller.start();
  return { clock, controller, supervisor, lines, fatal };
}

test('reconciles each key, and again when it asks for it', async () => {
  const times: [string, number][] = [];
  const { clock, controller, supervisor } = setUp(async (key) => {
    times.push([key, clock.monotonic()]);
    return key === 'a' && times.length < 4 ? { requeueAfter: 1_000 } : {};
  });
  controller.queue.add('a');
  controller.queue.add('b');
  await clock.advance(5_000);
  expect(times).toEqual([
    ['a', 0],
    ['b', 0],
    ['a', 1_000],
    ['a', 2_000],
  ]);
  await supervisor.stop();
  expect(clock.pending).toBe(0);
});

test('retries a failure with backoff until it succeeds', async () => {
  const times: number[] = [];
  const { clock, controller, supervisor, lines } = setUp(async () => {
    times.push(clock.monotonic());
    if (times.length < 4) throw new Error('not yet');
    return {};
  });
  controller.queue.add('a');
  await clock.advance(5_000);
  expect(times).toEqual([0, 100, 300, 700]);
  expect(controller.counts).toMatchObject({ reconciled: 1, retried: 3 });
  expect(controller.queue.failures('a')).toBe(0);
  const failures = lines.filter(({ event }) => event === 'reconcile.failed');
  expect(failures).toHaveLength(3);
  expect(failures[0]).toMatchObject({
    controller: 'test',
    key: 'a',
    reconcile: expect.stringMatching(/^[0-9a-f]{8}$/),
  });
  await supervisor.stop();
});

test('does not retry a terminal error, until the key is added again', async () => {
  let runs = 0;
  const { clock, controller, supervisor, fatal } = setUp(async () => {
    runs++;
    throw hopeless('as it is');
  });
  controller.queue.add('a');
  await clock.advance(60_000);
  expect(runs).toBe(1);
  controller.queue.add('a');
  await clock.advance(60_000);
  expect(runs).toBe(2);
  expect(controller.counts.terminal).toBe(2);
  expect(fatal).toEqual([]);
  await supervisor.stop();
});

test('works on as many keys at once as it has workers, and never on one key twice', async () => {
  const busy = new Set<string>();
  let most = 0;
  const { clock, controller, supervisor } = setUp(
    async (key) => {
      expect(busy.has(key)).toBe(false);
      busy.add(key);
      most = Math.max(most, busy.size);
      await new Promise<void>((resolve) => clock.setTimer(100, resolve));
      busy.delete(key);
      return {};
    },
    { workers: 3 },
  );
  for (let round = 0; round < 4; round++) {
    for (const key of ['a', 'b', 'c', 'd', 'e']) controller.queue.add(key);
    await clock.advance(50);
  }
  await clock.advance(2_000);
  expect(most).toBe(3);
  expect(controller.counts.reconciled).toBeGreaterThanOrEqual(10);
  await supervisor.stop();
});

test('aborts a reconcile that takes too long, and tries again later', async () => {
  let runs = 0;
  const { clock, controller, supervisor } = setUp(
    (_key, { signal }) => {
      runs++;
      if (runs > 1) return Promise.resolve({});
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
      });
    },
    { timeout: 1_000 },
  );
  controller.queue.add('a');
  await clock.advance(5_000);
  expect(runs).toBe(2);
  expect(controller.counts).toMatchObject({ timedOut: 1, retried: 1, reconciled: 1 });
  await supervisor.stop();
});

test('stopping waits for the reconcile that runs', async () => {
  let ended = false;
  const { clock, controller } = setUp(async () => {
    await new Promise<void>((resolve) => clock.setTimer(100, resolve));
    ended = true;
    return {};
  });
  controller.queue.add('a');
  await clock.advance(10);
  const stopped = controller.stop();
  await clock.advance(100);
  await stopped;
  expect(ended).toBe(true);
});
