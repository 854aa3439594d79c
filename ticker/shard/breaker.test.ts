import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeededRandom } from '../../runtime/random.ts';
import { Breaker } from './breaker.ts';

const make = () =>
  new Breaker({ failures: 3, rest: { first: 100, most: 800, jitter: 0 }, random: new SeededRandom(1) });

function fail(breaker: Breaker, now: number): void {
  breaker.failed(breaker.admit(now)!, now);
}

test('opens after failures in a row, and a success starts the count afresh', () => {
  const breaker = make();
  fail(breaker, 0);
  fail(breaker, 0);
  breaker.succeeded(breaker.admit(0)!);
  fail(breaker, 0);
  fail(breaker, 0);
  expect(breaker.state).toBe('closed');
  fail(breaker, 0);
  expect(breaker.snapshot).toEqual({ state: 'open', opened: 1, rejected: 0 });
});

test('while open nothing goes through; then one probe, which decides', () => {
  const breaker = make();
  for (let i = 0; i < 3; i++) fail(breaker, 0);
  expect(breaker.admit(99)).toBeUndefined();
  const probe = breaker.admit(100)!;
  expect(breaker.state).toBe('halfOpen');
  expect(breaker.admit(101)).toBeUndefined();
  breaker.failed(probe, 110);
  expect(breaker.state).toBe('open');
  expect(breaker.retryAt).toBe(310);
  expect(breaker.admit(309)).toBeUndefined();
  breaker.succeeded(breaker.admit(310)!);
  expect(breaker.snapshot).toEqual({ state: 'closed', opened: 1, rejected: 3 });
});

test('an answer to a call from before it opened decides nothing', () => {
  const breaker = make();
  const old = breaker.admit(0)!;
  for (let i = 0; i < 3; i++) fail(breaker, 0);
  breaker.succeeded(old);
  breaker.failed(old, 0);
  expect(breaker.state).toBe('open');
  const probe = breaker.admit(100)!;
  breaker.succeeded(old);
  expect(breaker.state).toBe('halfOpen');
  breaker.succeeded(probe);
  expect(breaker.state).toBe('closed');
});

test('what can be reached again is probed at once, but once for each probe that waited', () => {
  const breaker = make();
  breaker.hurry(0);
  for (let i = 0; i < 3; i++) fail(breaker, 0);
  expect(breaker.admit(10)).toBeUndefined();
  breaker.hurry(10);
  fail(breaker, 10);
  expect(breaker.retryAt).toBe(210);
  breaker.hurry(20);
  expect(breaker.admit(20)).toBeUndefined();
  fail(breaker, 210);
  breaker.hurry(220);
  breaker.succeeded(breaker.admit(220)!);
  expect(breaker.state).toBe('closed');
  for (let i = 0; i < 3; i++) fail(breaker, 220);
  breaker.hurry(230);
  expect(breaker.admit(230)).toBeDefined();
});

test('a dead sink is called once a rest, and one that answers is found within one', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 400 }), (steps) => {
      const breaker = make();
      let now = 0;
      let calls = 0;
      for (const step of steps) {
        now += step;
        const ticket = breaker.admit(now);
        if (ticket === undefined) continue;
        calls++;
        breaker.failed(ticket, now);
      }
      // 3 to open it, then probes at 100, 200, 400, 800, 800 … after each other.
      expect(calls).toBeLessThanOrEqual(3 + 4 + now / 800);
      if (breaker.state === 'closed') return;
      const probe = breaker.admit(now + 800)!;
      breaker.succeeded(probe);
      expect(breaker.state).toBe('closed');
    }),
  );
});
