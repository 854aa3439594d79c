import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { SeededRandom } from '../runtime/random.ts';
import { greekCount, type OptionInput, optionPrice, solveGreeks } from '../ticker/greeks/greeks.ts';
import { type GreekColumns, WarmGreeks, warmRoom } from '../ticker/greeks/warm.ts';
import { cpuPerItem } from './measure.ts';

const python = fileURLToPath(new URL('../.cache/python/bin/python', import.meta.url));
const script = fileURLToPath(new URL('peers/py_vollib_greeks.py', import.meta.url));

export interface GreeksResult {
  /** CPU nanoseconds an option, from nothing and from the volatility of the tick before. */
  readonly cold: number;
  readonly warm: number;
  readonly pyVollib: number;
  /** Options that were compared, and the largest difference: absolute up to 1, relative beyond. */
  readonly compared: number;
  readonly maxError: number;
}

interface Case {
  readonly option: OptionInput;
  readonly price: number;
  /** Volatility before the price moved. */
  readonly before: number;
}

/** Options of one expiry, next to each other. */
const chain = 50;

/** Index options of a weekly to a quarter, within 5 % of the money, whose prices have just moved by a tick or so. */
function cases(count: number): Case[] {
  const random = new SeededRandom(21);
  let years = 0;
  return Array.from({ length: count }, (_, at) => {
    if (at % chain === 0) years = (3 + 87 * random.next()) / 365;
    const underlying = 20_000 + 5_000 * random.next();
    const option: OptionInput = {
      model: 'blackScholesMerton',
      call: random.next() < 0.5,
      underlying,
      strike: underlying * (0.95 + 0.1 * random.next()),
      years,
      rate: 0.065,
      dividendYield: 0.012,
      daysPerYear: 365,
    };
    const volatility = 0.12 + 0.2 * random.next();
    return { option, price: optionPrice(option, volatility), before: volatility * (0.998 + 0.004 * random.next()) };
  });
}

/** Implied volatility and five Greeks of each option, by us and by py_vollib. */
export function measureGreeks(count: number, milliseconds: number): GreeksResult {
  const all = cases(count);
  const out = new Float64Array(greekCount);
  const cold = (): number => {
    for (const { option, price } of all) solveGreeks(option, price, out);
    return count;
  };
  const results = columnsOf(count);
  const options = new WarmGreeks(all[0]!.option);
  const rows = new Int32Array(warmRoom);
  /** As the pipeline does: several at once, those of one expiry with one look at the time. */
  const warm = (): number => {
    for (let from = 0; from < count; from += warmRoom) {
      const to = Math.min(count, from + warmRoom);
      options.clear();
      let years = Number.NaN;
      let term = 0;
      for (let at = from; at < to; at++) {
        const { option, price, before } = all[at]!;
        if (option.years !== years) {
          years = option.years;
          term = options.addTerm(years);
        }
        rows[at - from] = at;
        options.add(term, option.call, option.underlying, option.strike, price, before);
      }
      options.solve(results.columns, rows);
    }
    return count;
  };
  const theirs = runPyVollib(all);
  let maxError = 0;
  warm();
  all.forEach(({ option, price }, at) => {
    solveGreeks(option, price, out);
    const peer = theirs.solved[at]!;
    for (const ours of [out, results.at(at)]) {
      for (let i = 0; i < greekCount; i++) {
        const error = Math.abs(ours[i]! - peer[i]!) / Math.max(1, Math.abs(peer[i]!));
        if (!(error <= maxError)) maxError = error;
      }
    }
  });
  cpuPerItem(milliseconds / 2, cold);
  cpuPerItem(milliseconds / 2, warm);
  return {
    cold: cpuPerItem(milliseconds, cold),
    warm: cpuPerItem(milliseconds, warm),
    pyVollib: theirs.nanoseconds,
    compared: count,
    maxError,
  };
}

/** Columns for so many options; `at` reads one in the order of `Greek`. */
function columnsOf(count: number): { columns: GreekColumns; at: (row: number) => number[] } {
  const column = (): Float64Array => new Float64Array(count).fill(Number.NaN);
  const columns = {
    impliedVolatility: column(),
    delta: column(),
    gamma: column(),
    theta: column(),
    vega: column(),
    rho: column(),
  };
  return { columns, at: (row) => Object.values(columns).map((values) => values[row]!) };
}

function runPyVollib(all: readonly Case[]): { nanoseconds: number; solved: number[][] } {
  const input = all.map(({ option, price }) => {
    const { underlying, strike, years, rate, dividendYield, call } = option;
    return [price, underlying, strike, years, rate, dividendYield, call ? 'c' : 'p'];
  });
  const { status, stdout, stderr, error } = spawnSync(python, [script], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`py_vollib failed; run scripts/setup python. ${error?.message ?? stderr}`);
  return JSON.parse(stdout) as { nanoseconds: number; solved: number[][] };
}
