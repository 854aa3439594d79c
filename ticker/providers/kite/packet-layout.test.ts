import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { priceUnitOf } from './packet-layout.ts';

describe('a price in rupees', () => {
  it.each([100, 10_000, 10_000_000])('is what a division by %i rounds to', (divisor) => {
    const { share, rest } = priceUnitOf(divisor);
    const check = (price: number): void => {
      expect(price * share + price * rest).toBe(price / divisor);
    };
    for (let bit = 0; bit < 32; bit++) for (const near of [-1, 0, 1]) check((1 << bit) + near);
    for (const price of [0, 1, 5, 25, 99, 101, 12_345, 999_999_999, 2 ** 31 - 1, -(2 ** 31), 1 - 2 ** 31]) check(price);
    fc.assert(fc.property(fc.integer(), check), { numRuns: 20_000 });
  });
});
