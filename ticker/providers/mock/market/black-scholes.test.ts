import fc from 'fast-check';
import { expect, it } from 'vitest';
import { normalCdf, optionPrice } from './black-scholes.ts';

it('gives the prices of the textbook (Hull, Options, Futures and Other Derivatives, example 15.6)', () => {
  expect(optionPrice('CE', 42, 40, 0.5, 0.1, 0.2)).toBeCloseTo(4.7594, 4);
  expect(optionPrice('PE', 42, 40, 0.5, 0.1, 0.2)).toBeCloseTo(0.8086, 4);
});

it('has the values of the normal distribution', () => {
  expect(normalCdf(0)).toBeCloseTo(0.5, 15);
  expect(normalCdf(1.96)).toBeCloseTo(0.9750021048517795, 14);
  expect(normalCdf(-8) / 6.220960574271785e-16).toBeCloseTo(1, 6);
});

it('keeps put-call parity', () => {
  const positive = (min: number, max: number) => fc.double({ min, max, noNaN: true });
  fc.assert(
    fc.property(
      positive(50, 200),
      positive(50, 200),
      positive(0, 2),
      positive(0.01, 1),
      (spot, strike, years, sigma) => {
        const difference =
          optionPrice('CE', spot, strike, years, 0.065, sigma) - optionPrice('PE', spot, strike, years, 0.065, sigma);
        expect(difference).toBeCloseTo(spot - strike * Math.exp(-0.065 * years), 9);
      },
    ),
  );
});
