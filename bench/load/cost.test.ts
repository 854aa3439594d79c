import { expect, test } from 'vitest';
import { lineThrough } from './cost.ts';

test('a line through points, and how much of them it explains', () => {
  const straight = lineThrough([1, 5, 20, 100].map((x) => [x, 30 + 2 * x]));
  expect(straight.base).toBeCloseTo(30);
  expect(straight.slope).toBeCloseTo(2);
  expect(straight.share).toBeCloseTo(1);
  const bent = lineThrough([1, 5, 20, 100].map((x) => [x, x ** 3]));
  expect(bent.share).toBeLessThan(0.98);
});
