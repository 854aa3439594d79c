import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeededRandom } from '../runtime/random.ts';
import { VirtualClock } from '../runtime/virtual-clock.ts';
import { WorkQueue, type WorkQueueOptions } from './work-queue.ts';

function setUp(options: Partial<WorkQueueOptions> = {}) {
  const clock = new VirtualClock();
  const queue = new WorkQueue({ clock, random: new SeededRandom(1), ...options });
  const signal = new AbortController().signal;
  return { clock, queue, signal };
}

test('hands keys out in order, each once however often it was added', async () => {
  const { queue, signal } = setUp();
  for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
  expect([await queue.get(signal), await queue.get(signal), await queue.get(signal)]).toEqual(['a', 'b', 'c']);
  expect(queue.length).toBe(0);
});

test('a key that is processed is handed out again only when it is done, once', async () => {
  const { queue, signal } = setUp();
  queue.add('a');
  expect(await queue.get(signal)).toBe('a');
  queue.add('a');
  queue.add('a');
  expect(queue.length).toBe(0);
  queue.done('a');
  expect(await queue.get(signal)).toBe('a');
  queue.done('a');
  expect(queue.length).toBe(0);
});

test('waiting for a key ends when one comes, when it is given up, and when the queue is closed', async () => {
  const { queue, signal } = setUp();
  const stop = new AbortController();
  const given = queue.get(stop.signal);
  const waiting = queue.get(signal);
  stop.abort();
  expect(await given).toBeUndefined();
  queue.add('a');
  expect(await waiting).toBe('a');
  const last = queue.get(signal);
  queue.close();
  expect(await last).toBeUndefined();
  queue.add('b');
  expect(await queue.get(signal)).toBeUndefined();
});

test('addAfter: the earliest time counts, and adding it now comes before', async () => {
  const { clock, queue } = setUp();
  queue.addAfter('a', 1_000);
  queue.addAfter('a', 200);
  queue.addAfter('a', 500);
  await clock.advance(199);
  expect(queue.length).toBe(0);
  await clock.advance(1);
  expect(queue.length).toBe(1);
  queue.addAfter('b', 1_000);
  queue.add('b');
  expect(queue.length).toBe(2);
  expect(queue.delayed).toBe(0);
  expect(clock.pending).toBe(0);
});

test('retry waits longer each time, until the key is forgotten', async () => {
  const { queue, signal } = setUp({ backoff: { first: 100, most: 1_000, jitter: 0 } });
  const waits: number[] = [];
  for (let attempt = 0; attempt < 6; attempt++) waits.push(queue.retry('a'));
  expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(queue.failures('a')).toBe(6);
  queue.forget('a');
  expect(queue.failures('a')).toBe(0);
  queue.add('a');
  expect(await queue.get(signal)).toBe('a');
});

test('is bounded: a key too many is refused by a coded error, known ones never', () => {
  const { queue } = setUp({ maxKeys: 2 });
  queue.add('a');
  queue.addAfter('b', 100);
  expect(() => queue.add('c')).toThrow(expect.objectContaining({ code: 'WORK_QUEUE_FULL' }));
  expect(() => queue.addAfter('c', 10)).toThrow(expect.objectContaining({ code: 'WORK_QUEUE_FULL' }));
  queue.add('a');
  queue.add('b');
  expect(queue.length).toBe(2);
});

test('law: whatever happens, no key is processed twice at once, and none that was added is lost', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), key: fc.nat(3) }),
    fc.record({ do: fc.constant('addAfter' as const), key: fc.nat(3), delay: fc.nat(50) }),
    fc.record({ do: fc.constant('get' as const), key: fc.nat(3) }),
    fc.record({ do: fc.constant('done' as const), key: fc.nat(3) }),
    fc.record({ do: fc.constant('wait' as const), key: fc.nat(3), delay: fc.nat(30) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { clock, queue, signal } = setUp();
      const busy = new Set<string>();
      /** Added, and not handed out since. */
      const owed = new Set<string>();
      const take = async (): Promise<void> => {
        if (queue.length === 0) return;
        const key = (await queue.get(signal))!;
        expect(busy.has(key)).toBe(false);
        busy.add(key);
        owed.delete(key);
      };
      const finish = (key: string): void => {
        if (busy.delete(key)) queue.done(key);
      };
      for (const each of steps) {
        const key = `k${each.key}`;
        if (each.do === 'add') queue.add(key);
        if (each.do === 'addAfter') queue.addAfter(key, each.delay);
        if (each.do === 'add' || each.do === 'addAfter') owed.add(key);
        if (each.do === 'get') await take();
        if (each.do === 'done') finish(key);
        if (each.do === 'wait') await clock.advance(each.delay);
      }
      await clock.advance(100);
      for (let round = 0; round < 10; round++) {
        for (const key of [...busy]) finish(key);
        await take();
      }
      expect([...owed]).toEqual([]);
      expect(queue.length + queue.delayed).toBe(0);
    }),
    { numRuns: 60 },
  );
});
