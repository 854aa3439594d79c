import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Greek, greekCount, type OptionInput, optionPrice, solveGreeks } from './greeks.ts';
import { type GreekColumns, WarmGreeks, warmRoom } from './warm.ts';

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

/** Columns of some rows, and a row of them in the order of {@link Greek}. */
function columnsOf(rows: number): { columns: GreekColumns; at: (row: number) => Float64Array } {
  const column = (): Float64Array => new Float64Array(rows).fill(Number.NaN);
  const columns = {
    impliedVolatility: column(),
    delta: column(),
    gamma: column(),
    theta: column(),
    vega: column(),
    rho: column(),
  };
  return { columns, at: (row) => Float64Array.from(Object.values(columns), (values) => values[row]!) };
}

function warm(option: OptionInput, price: number, start: number): Float64Array | undefined {
  const greeks = new WarmGreeks(option);
  const { columns, at } = columnsOf(1);
  greeks.add(greeks.addTerm(option.years), option.call, option.underlying, option.strike, price, start);
  const solved = greeks.solve(columns, Int32Array.of(0));
  expect(greeks.solved(0)).toBe(solved === 1);
  if (solved === 0) expect(at(0)).toEqual(new Float64Array(greekCount).fill(Number.NaN));
  return solved === 1 ? at(0) : undefined;
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

  test('many at once are as each by itself, whichever of them need more steps or are refused', () => {
    const setting = { model: 'blackScholesMerton', rate: 0.06, dividendYield: 0.01, daysPerYear: 365 } as const;
    const many = fc.array(
      fc.record({
        call: fc.boolean(),
        strike: fc.double({ min: 80, max: 120, noNaN: true }),
        expiry: fc.nat({ max: 3 }),
        volatility: volatilities,
        factor: fc.constantFrom(1, 1.0001, 0.97, 1.4, 30, Number.NaN),
      }),
      { minLength: 1, maxLength: warmRoom },
    );
    const expiries = [0.002, 0.05, 0.3, -1];
    fc.assert(
      fc.property(many, fc.integer({ min: 0, max: 5 }), (all, first) => {
        const greeks = new WarmGreeks(setting);
        const { columns, at } = columnsOf(first + all.length);
        const rows = Int32Array.from(all, (_, i) => first + all.length - 1 - i);
        const terms = expiries.map((years) => greeks.addTerm(years));
        const inputs = all.map(({ call, strike, expiry, volatility, factor }) => {
          const option = { ...setting, call, underlying: 100, strike, years: expiries[expiry]! };
          const price = optionPrice({ ...option, years: Math.abs(option.years) }, volatility);
          greeks.add(terms[expiry]!, call, 100, strike, price, volatility * factor);
          return { option, price, start: volatility * factor };
        });
        const solved = greeks.solve(columns, rows);
        expect(inputs.filter((_, i) => greeks.solved(i))).toHaveLength(solved);
        inputs.forEach(({ option, price, start }, i) => {
          const alone = warm(option, price, start);
          expect(at(rows[i]!)).toEqual(alone ?? new Float64Array(greekCount).fill(Number.NaN));
        });
        greeks.clear();
        expect(greeks.count).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
