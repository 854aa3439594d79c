import { expect, test } from 'vitest';
import { backoffDelay } from './backoff.ts';
import { SeededRandom } from './random.ts';

test('the same seed gives the same numbers; forks do not depend on what was drawn', () => {
  const a = new SeededRandom(7);
  const b = new SeededRandom(7);
  const fork = a.fork('x').next();
  expect(Array.from({ length: 5 }, () => a.next())).toEqual(Array.from({ length: 5 }, () => b.next()));
  expect(b.fork('x').next()).toBe(fork);
  expect(b.fork('y').next()).not.toBe(fork);
});

test('is uniform and normal', () => {
  const random = new SeededRandom(42);
  const n = 100_000;
  let sum = 0;
  let squares = 0;
  let uniform = 0;
  for (let i = 0; i < n; i++) {
    const z = random.normal();
    sum += z;
    squares += z * z;
    uniform += random.next();
  }
  expect(Math.abs(sum / n)).toBeLessThan(0.02);
  expect(Math.abs(squares / n - 1)).toBeLessThan(0.02);
  expect(Math.abs(uniform / n - 0.5)).toBeLessThan(0.01);
});

test('backoff doubles to its bound and jitter only shortens it', () => {
  const random = new SeededRandom(3);
  for (let attempt = 0; attempt < 100; attempt++) {
    const whole = Math.min(1000, 10 * 2 ** attempt);
    const wait = backoffDelay({ first: 10, most: 1000 }, attempt, random);
    expect(wait).toBeLessThanOrEqual(whole);
    expect(wait).toBeGreaterThanOrEqual(whole / 2);
  }
});
