import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expNearZero, expNegative, logRatio } from './elementary.ts';

const relative = (got: number, expected: number): number => Math.abs(got - expected) / Math.abs(expected);

test('law: the exponential of what is not positive', () => {
  fc.assert(
    fc.property(fc.double({ min: -40, max: 0, noNaN: true }), (y) => {
      expect(relative(expNegative(y), Math.exp(y))).toBeLessThan(6e-16);
    }),
    { numRuns: 20_000 },
  );
  expect(expNegative(0)).toBe(1);
  expect(relative(expNegative(-40), Math.exp(-40))).toBeLessThan(6e-16);
});

test('law: the exponential near zero', () => {
  fc.assert(
    fc.property(fc.double({ min: -0.005, max: 0.005, noNaN: true }), (y) => {
      expect(relative(expNearZero(y), Math.exp(y))).toBeLessThan(6e-16);
    }),
    { numRuns: 20_000 },
  );
});

test('law: the logarithm of a ratio, near one too', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-3, max: 1e9, noNaN: true }),
      fc.double({ min: -0.2, max: 0.2, noNaN: true }),
      (a, m) => {
        const b = a * (1 + m);
        const got = logRatio(a, b);
        // The difference is exact where the two are near, and nothing cancels in log1p.
        const expected = -Math.log1p((b - a) / a);
        expect(Math.abs(got - expected)).toBeLessThanOrEqual(1e-15 * Math.abs(expected) + 2.3e-16 * Math.abs(m));
      },
    ),
    { numRuns: 20_000 },
  );
  expect(logRatio(5, 5)).toBe(0);
  expect(logRatio(1, Math.E ** 2)).toBeCloseTo(-2, 14);
  expect(logRatio(Number.NaN, 1)).toBeNaN();
});
