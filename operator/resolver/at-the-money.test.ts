import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { atTheMoney } from './at-the-money.ts';

const strikes = [100, 110, 120, 140];

describe('atTheMoney', () => {
  test('takes the nearest strike, the lower of two', () => {
    expect(atTheMoney(strikes, 104, 0.25).centre).toBe(100);
    expect(atTheMoney(strikes, 105, 0.25).centre).toBe(100);
    expect(atTheMoney(strikes, 105.01, 0.25).centre).toBe(110);
    expect(atTheMoney(strikes, 1, 0.25).centre).toBe(100);
    expect(atTheMoney(strikes, 1e9, 0.25).centre).toBe(140);
  });

  test('stays until the price is a quarter of the distance beyond the midpoint', () => {
    expect(atTheMoney(strikes, 117.5, 0.25, 110).centre).toBe(110);
    expect(atTheMoney(strikes, 117.51, 0.25, 110).centre).toBe(120);
    expect(atTheMoney(strikes, 102.5, 0.25, 110).centre).toBe(110);
    expect(atTheMoney(strikes, 102.4, 0.25, 110).centre).toBe(100);
  });

  test('forgets a former strike that is no longer listed', () => {
    expect(atTheMoney(strikes, 117, 0.25, 115).centre).toBe(120);
  });

  test('a price inside the band keeps the centre, one outside changes it', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 30 }),
        fc.double({ min: 0.1, max: 600, noNaN: true }),
        fc.double({ min: 0.1, max: 600, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (unsorted, first, second, hysteresis) => {
          const sorted = [...unsorted].sort((a, b) => a - b);
          const { centre, band } = atTheMoney(sorted, first, hysteresis);
          const nearest = Math.min(...sorted.map((strike) => Math.abs(strike - first)));
          expect(Math.abs(centre - first)).toBeCloseTo(nearest, 9);
          const next = atTheMoney(sorted, second, hysteresis, centre);
          expect(next.centre === centre).toBe(second >= band.low && second <= band.high);
        },
      ),
    );
  });
});
