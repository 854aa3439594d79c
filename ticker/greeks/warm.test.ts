import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Greek, greekCount, type OptionInput, optionPrice, solveGreeks } from './greeks.ts';
import { emptyCarry, solveGreeksFrom, updateCarry } from './warm.ts';

const options = fc
  .record({
    model: fc.constantFrom('blackScholesMerton' as const, 'black76' as const),
    call: fc.boolean(),
    underlying: fc.double({ min: 10, max: 1e5, noNaN: true }),
    moneyness: fc.double({ min: -0.4, max: 0.4, noNaN: true }),
    years: fc.double({ min: 1e-4, max: 2, noNaN: true }),
    rate: fc.double({ min: -0.05, max: 0.15, noNaN: true }),
    dividendYield: fc.double({ min: -0.05, max: 0.1, noNaN: true }),
  })
  .map(
    ({ moneyness, ...rest }): OptionInput => ({
      ...rest,
      strike: rest.underlying * Math.exp(moneyness),
      daysPerYear: 365,
    }),
  );
const volatilities = fc.double({ min: 0.03, max: 2, noNaN: true });

function warm(option: OptionInput, price: number, start: number): Float64Array | undefined {
  const carry = emptyCarry();
  updateCarry(carry, option);
  const out = new Float64Array(greekCount);
  return solveGreeksFrom(option, carry, price, start, out) ? out : undefined;
}

describe('from a volatility near by', () => {
  test('law: whatever it starts from, the numbers are those of a cold start', () => {
    let warmed = 0;
    let worst = 0;
    fc.assert(
      fc.property(
        options,
        volatilities,
        fc.double({ min: 0.7, max: 1.4, noNaN: true }),
        (option, volatility, factor) => {
          const price = optionPrice(option, volatility);
          const out = warm(option, price, volatility * factor);
          if (out === undefined) return;
          const cold = new Float64Array(greekCount);
          expect(solveGreeks(option, price, cold)).toBe(true);
          warmed++;
          // What rounding the price by its last bit does to the volatility is nobody's fault.
          const money = Math.max(option.underlying, option.strike);
          const rounding = (2 ** -52 * money) / (cold[Greek.vega]! * 100) / cold[Greek.iv]!;
          const error = Math.abs(out[Greek.iv]! / cold[Greek.iv]! - 1);
          worst = Math.max(worst, error / (1e-12 + 8 * rounding));
          expect(error).toBeLessThanOrEqual(1e-12 + 8 * rounding);
          const scales = [1, 1, cold[Greek.gamma]! + 1e-12 / option.underlying, money, money, money];
          for (let i = 1; i < greekCount; i++) {
            const allowed = (1e-11 + 100 * rounding) * Math.max(Math.abs(cold[i]!), scales[i]!);
            expect(Math.abs(out[i]! - cold[i]!)).toBeLessThanOrEqual(allowed);
          }
        },
      ),
      { numRuns: 20_000, seed: 5 },
    );
    expect(warmed).toBeGreaterThan(8_000);
    expect(worst).toBeLessThanOrEqual(1);
  });

  test('refuses what a cold start must judge', () => {
    const option: OptionInput = {
      model: 'blackScholesMerton',
      call: true,
      underlying: 100,
      strike: 90,
      years: 0.1,
      rate: 0.05,
      dividendYield: 0,
      daysPerYear: 365,
    };
    const floor = optionPrice(option, 0);
    for (const price of [floor, floor - 1, 0, -1, Number.NaN, 100, 1000]) {
      expect(warm(option, price, 0.2)).toBeUndefined();
    }
    const fair = optionPrice(option, 0.2);
    for (const start of [0, Number.NaN, -0.2, 50, 1e-9]) expect(warm(option, fair, start)).toBeUndefined();
    for (const changed of [{ years: 0 }, { years: -1 }, { underlying: Number.NaN }, { underlying: 0 }, { strike: 0 }]) {
      expect(warm({ ...option, ...changed }, fair, 0.2)).toBeUndefined();
    }
    expect(warm(option, fair, 0.21)![Greek.iv]).toBeCloseTo(0.2, 12);
  });
});
