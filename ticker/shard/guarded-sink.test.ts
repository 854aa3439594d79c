import { expect, test } from 'vitest';
import { createLogger } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { sinkUnavailable } from '../sinks/errors.ts';
import { MemorySink } from '../sinks/memory/memory-sink.ts';
import { Breaker } from './breaker.ts';
import { GuardedSink } from './guarded-sink.ts';

test('a dead sink is left alone but for probes; opening and closing are each said once', async () => {
  const clock = new VirtualClock();
  const lines: { event: string; level: string }[] = [];
  const log = createLogger('info', { write: (line) => void lines.push(JSON.parse(line)) });
  const sink = new MemorySink({ clock });
  let away = true;
  let calls = 0;
  const ping = sink.ping.bind(sink);
  sink.ping = async () => {
    calls++;
    if (away) throw sinkUnavailable('away');
    await ping();
  };
  const breaker = new Breaker({ failures: 3, rest: { first: 100, most: 400, jitter: 0 }, random: new SeededRandom(1) });
  const guarded = new GuardedSink({ sink, breaker, clock, log });
  let back = 0;
  guarded.back.listen(() => back++);
  const codes: string[] = [];
  for (let turn = 0; turn < 300; turn++) {
    await clock.advance(10);
    await guarded.ping().catch(({ code }) => codes.push(code));
  }
  // 3 to open it; in the 3 s that follow probes after 100, 200 and 400 ms, and then each 400 ms.
  expect(calls).toBeLessThanOrEqual(3 + 9);
  expect(codes.filter((code) => code === 'SINK_CIRCUIT_OPEN')).toHaveLength(300 - calls);
  away = false;
  await clock.advance(400);
  await guarded.ping();
  await guarded.ping();
  expect(breaker.snapshot).toMatchObject({ state: 'closed', opened: 1 });
  expect(back).toBe(1);
  expect(lines.map(({ event, level }) => [level, event])).toEqual([
    ['warn', 'breaker.open'],
    ['info', 'breaker.closed'],
  ]);
});

test('calls that go through are made in the turn they are asked for, so that they keep their order', () => {
  const clock = new VirtualClock();
  const sink = new MemorySink({ clock });
  let called = 0;
  sink.send = async () => {
    called++;
    return { kind: 'written' };
  };
  const breaker = new Breaker({ failures: 3, rest: { first: 100, most: 400 }, random: new SeededRandom(1) });
  const guarded = new GuardedSink({ sink, breaker, clock, log: createLogger('silent') });
  void guarded.send({ sliceUid: 's', token: { epoch: 1, claim: 1 }, n: 1, batches: [] });
  expect(called).toBe(1);
});
