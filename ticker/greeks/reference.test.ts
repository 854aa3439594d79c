import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { greekCount, greeksAt, impliedVolatility, type Model, type OptionInput, optionPrice } from './greeks.ts';

interface Reference {
  option: OptionInput;
  volatility: number;
  price: number;
  /** delta, gamma, theta, vega, rho */
  greeks: number[];
}

const limit = 1e-9;

function load(): Reference[] {
  const lines = readFileSync(new URL('./reference.csv', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .slice(1);
  return lines.map((line) => {
    const [model, type, ...cells] = line.split(',');
    const [underlying, strike, years, rate, dividendYield, volatility, daysPerYear, price, ...greeks] =
      cells.map(Number);
    return {
      option: {
        model: model as Model,
        call: type === 'CE',
        underlying: underlying!,
        strike: strike!,
        years: years!,
        rate: rate!,
        dividendYield: dividendYield!,
        daysPerYear: daysPerYear!,
      },
      volatility: volatility!,
      price: price!,
      greeks,
    };
  });
}

const table = load();

test('the table covers what it should', () => {
  expect(table.length).toBeGreaterThan(2500);
  expect(Math.min(...table.map(({ option }) => option.years))).toBeLessThan(3e-6);
  expect(Math.max(...table.map(({ volatility }) => volatility))).toBe(5);
});

test('price, relative to spot', () => {
  let worst = 0;
  for (const { option, volatility, price } of table)
    worst = Math.max(worst, Math.abs(optionPrice(option, volatility) - price) / option.underlying);
  console.log(`price: max error ${worst.toExponential(1)} of spot, ${table.length} rows`);
  expect(worst).toBeLessThanOrEqual(limit);
});

test('implied volatility where vega carries it, else the repriced error', () => {
  let worst = 0;
  let worstRepriced = 0;
  let carried = 0;
  let none = 0;
  for (const { option, volatility, price, greeks } of table) {
    const found = impliedVolatility(option, price);
    // Rounding of the price alone moves the volatility by this much.
    const rounding = (2 ** -52 * Math.max(price, option.underlying)) / (greeks[3]! * 100);
    if (Number.isNaN(found)) {
      // The price says no more than that there is (almost) no time value, or that there is no higher price.
      expect(rounding).toBeGreaterThan(limit * volatility);
      none++;
      continue;
    }
    const repriced = Math.abs(optionPrice(option, found) - price) / option.underlying;
    worstRepriced = Math.max(worstRepriced, repriced);
    // Relative prices of deep out-of-the-money options are exact, so that their volatility is whatever their vega.
    if (rounding > limit * 0.1 && Math.abs(found - volatility) > limit * volatility) continue;
    worst = Math.max(worst, Math.abs(found - volatility) / volatility);
    carried++;
  }
  console.log(
    `iv: max relative error ${worst.toExponential(1)} over ${carried} rows; repriced ${worstRepriced.toExponential(1)} of spot; null ${none}`,
  );
  expect(carried).toBeGreaterThan(table.length / 3);
  expect(worst).toBeLessThanOrEqual(limit);
  expect(worstRepriced).toBeLessThanOrEqual(limit);
});

test('Greeks, each on its own scale', () => {
  const out = new Float64Array(greekCount);
  const worst: Record<string, number> = { delta: 0, gamma: 0, theta: 0, vega: 0, rho: 0 };
  for (const { option, volatility, greeks } of table) {
    greeksAt(option, volatility, out);
    const { underlying, strike, years } = option;
    const money = Math.max(underlying, strike);
    const scales = {
      delta: 1,
      // Gamma at the money is the largest that there is.
      gamma: 1 / (underlying * volatility * Math.sqrt(years)),
      theta: Math.max(money, (underlying * volatility) / Math.sqrt(years) / 365),
      vega: money * Math.sqrt(years) * 0.01,
      rho: money * Math.max(years, 1e-3) * 0.01,
    };
    Object.entries(scales).forEach(([name, scale], at) => {
      worst[name] = Math.max(worst[name]!, Math.abs(out[at + 1]! - greeks[at]!) / scale);
    });
  }
  console.log('Greeks: max scaled errors', worst);
  for (const error of Object.values(worst)) expect(error).toBeLessThanOrEqual(limit);
});
