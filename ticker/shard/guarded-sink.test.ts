import { expect, test } from 'vitest';
import { createLogger } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { call } from '../sinks/batches.testing.ts';
import { sinkUnavailable } from '../sinks/errors.ts';
import { MemorySink } from '../sinks/memory/memory-sink.ts';
import type { Sink } from '../sinks/sink.ts';
import { Breakers } from './breakers.ts';
import { GuardedSink } from './guarded-sink.ts';

const token = { epoch: 1, claim: 1 };

test('a dead sink is left alone but for probes; opening and closing are each said once', async () => {
  const clock = new VirtualClock();
  const lines: { event: string; level: string }[] = [];
  const log = createLogger('info', { write: (line) => void lines.push(JSON.parse(line)) });
  const sink = new MemorySink({ clock });
  let away = true;
  let calls = 0;
  sink.send = async () => {
    calls++;
    if (away) throw sinkUnavailable('away');
    return { kind: 'written' };
  };
  const breakers = new Breakers({
    failures: 3,
    rest: { first: 100, most: 400, jitter: 0 },
    random: new SeededRandom(1),
  });
  const guarded = new GuardedSink({ sink, breakers, clock, log });
  let back = 0;
  guarded.back.listen(() => back++);
  const codes: string[] = [];
  for (let turn = 0; turn < 300; turn++) {
    await clock.advance(10);
    await guarded.send(call('s', token, 1)).catch(({ code }) => codes.push(code));
  }
  // 3 to open it; in the 3 s that follow probes after 100, 200 and 400 ms, and then each 400 ms.
  expect(calls).toBeLessThanOrEqual(3 + 9);
  expect(codes.filter((code) => code === 'SINK_CIRCUIT_OPEN')).toHaveLength(300 - calls);
  away = false;
  await clock.advance(400);
  await guarded.send(call('s', token, 1));
  await guarded.send(call('s', token, 1));
  expect(guarded.snapshot).toMatchObject({ state: 'closed', opened: 1 });
  expect(back).toBe(1);
  expect(lines.map(({ event, level }) => [level, event])).toEqual([
    ['warn', 'breaker.open'],
    ['info', 'breaker.closed'],
  ]);
});

test('a sink that can be reached again is called at once, and whoever waits is told', async () => {
  const clock = new VirtualClock();
  const sink: Sink = new MemorySink({ clock });
  let away = true;
  let reachable = (_place: string): void => {};
  sink.placeOf = () => 'here';
  sink.onReachable = (listener) => {
    reachable = listener;
    return () => {
      reachable = () => {};
    };
  };
  sink.send = async () => {
    if (away) throw sinkUnavailable('away');
    return { kind: 'written' };
  };
  const breakers = new Breakers({ failures: 2, rest: { first: 1000, most: 1000 }, random: new SeededRandom(1) });
  const guarded = new GuardedSink({ sink, breakers, clock, log: createLogger('silent') });
  let told = 0;
  guarded.back.listen(() => told++);
  for (let n = 1; n <= 3; n++) await expect(guarded.send(call('s', token, n))).rejects.toThrow();
  away = false;
  reachable('elsewhere');
  await expect(guarded.send(call('s', token, 4))).rejects.toMatchObject({ code: 'SINK_CIRCUIT_OPEN' });
  reachable('here');
  expect(told).toBe(2);
  expect(await guarded.send(call('s', token, 4))).toEqual({ kind: 'written' });
  expect(told).toBe(3);
  await guarded.close();
  reachable('here');
  expect(told).toBe(3);
});

test('calls that go through are made in the turn they are asked for, so that they keep their order', () => {
  const clock = new VirtualClock();
  const sink = new MemorySink({ clock });
  let called = 0;
  sink.send = async () => {
    called++;
    return { kind: 'written' };
  };
  const breakers = new Breakers({ failures: 3, rest: { first: 100, most: 400 }, random: new SeededRandom(1) });
  const guarded = new GuardedSink({ sink, breakers, clock, log: createLogger('silent') });
  void guarded.send({ sliceUid: 's', token: { epoch: 1, claim: 1 }, n: 1, batches: [] });
  expect(called).toBe(1);
});

test('a server of a cluster that is dead keeps no call from the others, and is forgotten once nothing is there', async () => {
  const clock = new VirtualClock();
  const sink: Sink = new MemorySink({ clock });
  let home = 'dead';
  sink.placeOf = (sliceUid) => (sliceUid === 'a' ? home : 'alive');
  sink.send = async ({ sliceUid }) => {
    if (sliceUid === 'a' && home === 'dead') throw sinkUnavailable('away');
    return { kind: 'written' };
  };
  const breakers = new Breakers({ failures: 2, rest: { first: 1000, most: 1000 }, random: new SeededRandom(1) });
  const guarded = new GuardedSink({ sink, breakers, clock, log: createLogger('silent') });
  for (let n = 1; n <= 5; n++) {
    await expect(guarded.send(call('a', token, n))).rejects.toThrow();
    expect(await guarded.send(call('b', token, n))).toEqual({ kind: 'written' });
  }
  expect(guarded.snapshot).toEqual({ state: 'open', opened: 1, rejected: 3 });
  home = 'successor';
  expect(await guarded.send(call('a', token, 1))).toEqual({ kind: 'written' });
  expect(guarded.snapshot.state).toBe('open');
  await clock.advance(10_001);
  expect(guarded.snapshot).toEqual({ state: 'closed', opened: 1, rejected: 3 });
});
