import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Greek, greekCount, impliedVolatility, type OptionInput, optionPrice, solveGreeks } from './greeks.ts';

const option = fc.record({
  model: fc.constantFrom('blackScholesMerton' as const, 'black76' as const),
  call: fc.boolean(),
  underlying: fc.double({ min: 1, max: 1e5, noNaN: true }),
  moneyness: fc.double({ min: -1.5, max: 1.5, noNaN: true }),
  years: fc.double({ min: 2e-6, max: 5, noNaN: true }),
  rate: fc.double({ min: -0.1, max: 0.2, noNaN: true }),
  dividendYield: fc.double({ min: -0.05, max: 0.1, noNaN: true }),
});
const options = option.map(
  ({ moneyness, ...rest }): OptionInput => ({
    ...rest,
    strike: rest.underlying * Math.exp(moneyness),
    daysPerYear: 365,
  }),
);
const volatilities = fc.double({ min: 0.01, max: 5, noNaN: true });

describe('laws', () => {
  test('the implied volatility reprices to the price', () => {
    fc.assert(
      fc.property(options, volatilities, (o, volatility) => {
        const price = optionPrice(o, volatility);
        const found = impliedVolatility(o, price);
        if (Number.isNaN(found)) {
          const floor = optionPrice(o, 0);
          const ceiling = optionPrice(o, 1e6);
          const room = Math.min(price - floor, ceiling - price);
          expect(room).toBeLessThanOrEqual(1e-14 * Math.max(o.underlying, o.strike));
        } else expect(Math.abs(optionPrice(o, found) - price)).toBeLessThanOrEqual(1e-13 * (o.underlying + o.strike));
      }),
      { numRuns: 5000, seed: 1 },
    );
  });

  test('put-call parity', () => {
    fc.assert(
      fc.property(options, volatilities, (o, volatility) => {
        const call = optionPrice({ ...o, call: true }, volatility);
        const put = optionPrice({ ...o, call: false }, volatility);
        const growth = Math.exp(-(o.model === 'black76' ? o.rate : o.dividendYield) * o.years);
        const forward = o.underlying * growth - o.strike * Math.exp(-o.rate * o.years);
        expect(Math.abs(call - put - forward)).toBeLessThanOrEqual(1e-13 * (o.underlying + o.strike));
      }),
      { numRuns: 2000, seed: 2 },
    );
  });

  test('a price rises with volatility, and so does the volatility found with the price', () => {
    fc.assert(
      fc.property(options, volatilities, fc.double({ min: 1.001, max: 3, noNaN: true }), (o, volatility, factor) => {
        const low = optionPrice(o, volatility);
        const high = optionPrice(o, volatility * factor);
        expect(high).toBeGreaterThanOrEqual(low * (1 - 1e-13));
        const found = [impliedVolatility(o, low), impliedVolatility(o, high)];
        if (high > low * (1 + 1e-9) && !found.some(Number.isNaN)) expect(found[1]!).toBeGreaterThan(found[0]!);
      }),
      { numRuns: 2000, seed: 3 },
    );
  });

  test('Greeks have their signs and bounds', () => {
    const out = new Float64Array(greekCount);
    fc.assert(
      fc.property(options, volatilities, (o, volatility) => {
        if (!solveGreeks(o, optionPrice(o, volatility), out)) return;
        const cap = Math.exp(-(o.model === 'black76' ? o.rate : o.dividendYield) * o.years) * (1 + 1e-12);
        const delta = out[Greek.delta]! * (o.call ? 1 : -1);
        expect(delta).toBeGreaterThanOrEqual(0);
        expect(delta).toBeLessThanOrEqual(cap);
        expect(out[Greek.gamma]).toBeGreaterThanOrEqual(0);
        expect(out[Greek.vega]).toBeGreaterThanOrEqual(0);
        for (const value of out) expect(value).not.toBeNaN();
      }),
      { numRuns: 2000, seed: 4 },
    );
  });
});

describe('what no volatility explains is NaN', () => {
  const base: OptionInput = {
    model: 'blackScholesMerton',
    call: true,
    underlying: 100,
    strike: 90,
    years: 0.1,
    rate: 0.05,
    dividendYield: 0,
    daysPerYear: 365,
  };
  const floor = optionPrice(base, 0);
  const cases: [string, OptionInput, number][] = [
    ['below intrinsic', base, floor - 0.05],
    ['at intrinsic', base, floor],
    ['at the upper bound of a call', base, 100],
    ['above the upper bound of a put', { ...base, call: false }, 90],
    ['price 0', base, 0],
    ['negative price', base, -1],
    ['expired now', { ...base, years: 0 }, 12],
    ['expired', { ...base, years: -1 }, 12],
    ['no underlying', { ...base, underlying: Number.NaN }, 12],
    ['underlying 0', { ...base, underlying: 0 }, 12],
    ['strike 0', { ...base, strike: 0 }, 12],
    ['infinite underlying', { ...base, underlying: Number.POSITIVE_INFINITY }, 12],
    ['rate NaN', { ...base, rate: Number.NaN }, 12],
    ['price NaN', base, Number.NaN],
    ['infinite price', base, Number.POSITIVE_INFINITY],
  ];
  test.each(cases)('%s', (_, o, price) => {
    const out = new Float64Array(greekCount);
    expect(solveGreeks(o, price, out)).toBe(false);
    expect([...out]).toEqual(Array(greekCount).fill(Number.NaN));
  });

  test('just inside the bounds there is one', () => {
    expect(impliedVolatility(base, floor + 0.05)).toBeGreaterThan(0);
    expect(impliedVolatility(base, 99.99)).toBeGreaterThan(5);
  });
});
