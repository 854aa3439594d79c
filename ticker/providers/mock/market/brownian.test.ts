import { expect, it } from 'vitest';
import { BrownianPath } from './brownian.ts';

const start = 1_795_000_000;

it('is the same at an instant, in whatever order it is read', () => {
  const times = Array.from({ length: 500 }, (_, index) => start + ((index * 7919) % 100_003) / 3);
  const path = new BrownianPath(3);
  const forwards = times.map((time) => path.at(time));
  const backwards = times.toReversed().map((time) => new BrownianPath(3).at(time));
  expect(backwards.toReversed()).toEqual(forwards);
  expect(new BrownianPath(4).at(start)).not.toBe(forwards[0]);
});

it.each([0.25, 1, 60, 3600])('has the variance of its time: over %d s', (step) => {
  const path = new BrownianPath(9);
  const count = 4000;
  let sum = 0;
  for (let index = 0; index < count; index++) {
    sum += (path.at(start + (index + 1) * step) - path.at(start + index * step)) ** 2;
  }
  expect(sum / count / step).toBeGreaterThan(0.9);
  expect(sum / count / step).toBeLessThan(1.1);
});

it('has no jump where two blocks meet', () => {
  const edge = 2 ** 24 * 107;
  const path = new BrownianPath(1);
  expect(Math.abs(path.at(edge) - path.at(edge - 1 / 16))).toBeLessThan(2);
  expect(path.at(edge)).toBe(0);
});
