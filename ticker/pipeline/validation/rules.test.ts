import { describe, expect, test } from 'vitest';
import { Packet } from '../../tick-columns.ts';
import { columns } from '../format/columns.ts';
import { second, type TickRow, tenOClock, ticksOf } from '../ticks.testing.ts';
import { rulePolicy, saneMask } from './policy.ts';
import type { RowContext } from './rule.ts';
import { ruleNames, rules } from './rules.ts';
import { namesOf, ruleBit, Validator } from './validator.ts';

const everyRule = new Validator(-1);
const following: RowContext = {
  first: false,
  previousExchangeTime: tenOClock - second,
  volumeChangedTime: tenOClock - second,
  previousVolume: 900,
  previousPrice: 100,
  previousClose: 100,
  scalePrice: 100,
};

function judge(row: Partial<TickRow>, context: Partial<RowContext> = {}): string[] {
  const ticks = ticksOf([{ token: 1, packet: Packet.full, lastPrice: 100, ...row }]);
  everyRule.survey(ticks, 0);
  return namesOf(everyRule.broken(ticks, 0, { ...following, ...context }));
}

describe('the table', () => {
  test('names are unique, camelCase, and few enough for a mask and for a schema', () => {
    expect(new Set(ruleNames).size).toBe(ruleNames.length);
    expect(ruleNames.length).toBeGreaterThanOrEqual(12);
    expect(ruleNames.length).toBeLessThanOrEqual(20);
    for (const name of ruleNames) expect(name).toMatch(/^[a-z][a-zA-Z]+$/);
  });

  test('covers every packet, and every column that a broker fills', () => {
    const covered = new Set(rules.flatMap((rule) => rule.fields));
    const given = columns.filter(({ kind, name }) => (kind === 'scalar' || kind === 'levels') && !computed.has(name));
    expect(given.map(({ name }) => name).filter((name) => !covered.has(name))).toEqual([]);
    for (const packet of Object.values(Packet))
      expect(rules.filter((rule) => rule.packets.includes(packet)).length).toBeGreaterThanOrEqual(3);
  });

  test('names only fields that some packet of the rule carries', () => {
    for (const rule of rules)
      for (const field of rule.fields) {
        const column = columns.find(({ name }) => name === field);
        expect(column, `${rule.name}: ${field}`).toBeDefined();
        expect(rule.packets.some((packet) => column!.packets.includes(packet))).toBe(true);
      }
  });
});
const computed = new Set(['iv', 'delta', 'gamma', 'theta', 'vega', 'rho']);

describe('each rule is broken alone by', () => {
  const later = tenOClock + 6 * second;
  const cases: [rule: string, what: string, row: Partial<TickRow>, context?: Partial<RowContext>][] = [
    ['notFinite', 'a close that is not a number', { close: Number.NaN }],
    ['notFinite', 'an infinite ask', { askPrice: [100.05, 100.1, 100.15, 100.2, Number.POSITIVE_INFINITY] }],
    ['priceNotPositive', 'an ltp of 0', { packet: Packet.ltp, lastPrice: 0 }, { first: true }],
    ['priceNotPositive', 'a negative ltp', { packet: Packet.ltp, lastPrice: -1 }, { first: true }],
    ['negativePrice', 'a negative close', { close: -1 }],
    ['ohlcOrder', 'an open above the high', { open: 110 }],
    ['ohlcOrder', 'an index whose open is below its low', { packet: Packet.indexQuote, open: 90 }],
    [
      'priceOutsideDayRange',
      'a last price above the high',
      { lastPrice: 102, open: 100, high: 101, low: 99, averagePrice: 100 },
    ],
    [
      'priceOutsideDayRange',
      'an index below its low',
      { packet: Packet.indexFull, lastPrice: 98, open: 100, high: 101, low: 99 },
    ],
    ['averageOutsideDayRange', 'an average above the high', { averagePrice: 105 }],
    ['quantityNegative', 'a negative quantity', { lastQuantity: -1 }],
    ['quantityNegative', 'a negative sell quantity of a quote', { packet: Packet.quote, sellQuantity: -1 }],
    ['volumeDecreased', 'less volume than before', { volume: 800 }],
    ['openInterestOutsideDayRange', 'open interest above its high', { openInterest: 301 }],
    ['openInterestOutsideDayRange', 'open interest below its low', { openInterest: 99 }],
    ['depthNotSorted', 'bids that rise', { bidPrice: [99.9, 99.95, 99.8, 99.7, 99.6] }],
    ['depthNotSorted', 'asks that fall', { askPrice: [100.1, 100.05, 100.2, 100.3, 100.4] }],
    ['depthCrossed', 'a bid above the ask', { bidPrice: [100.2, 99.95, 99.8, 99.7, 99.6] }],
    ['depthQuantityNegative', 'a negative depth quantity', { bidQuantity: [1, 1, -1, 1, 1] }],
    ['depthOrdersInconsistent', 'a quantity without orders', { askOrders: [1, 0, 1, 1, 1] }],
    ['timeInFuture', 'an exchange time 6 s ahead', { exchangeTime: later, lastTradeTime: tenOClock }],
    ['timeInFuture', 'an index 6 s ahead', { packet: Packet.indexFull, exchangeTime: later }],
    ['timeMovedBack', 'an exchange time before the last one', { exchangeTime: tenOClock - 2 * second }],
    [
      'tradeAfterExchangeTime',
      'a trade after the exchange time',
      { exchangeTime: tenOClock, lastTradeTime: tenOClock + 2 * second },
    ],
    ['priceJump', 'a move of 21 %', {}, { previousPrice: 126, scalePrice: 120 }],
    ['priceJump', 'a move of an ltp', { packet: Packet.ltp }, { previousPrice: 70, scalePrice: 70 }],
  ];
  test.each(cases)('%s: %s', (name, _, row, context) => {
    expect(judge(row, context)).toEqual([name]);
  });

  test('every rule has a case', () => {
    expect(ruleNames.filter((name) => !cases.some(([rule]) => rule === name))).toEqual([]);
  });
});

describe('no rule is broken by', () => {
  const zeros = [0, 0, 0, 0, 0];
  const none = {
    bidPrice: zeros,
    bidQuantity: zeros,
    bidOrders: zeros,
    askPrice: zeros,
    askQuantity: zeros,
    askOrders: zeros,
  };
  const cases: [what: string, row: Partial<TickRow>, context?: Partial<RowContext>][] = [
    ['a quiet market', {}],
    ...Object.entries(Packet).map(([name, packet]): [string, Partial<TickRow>] => [`a ${name} packet`, { packet }]),
    [
      'an option that never traded',
      {
        ...none,
        lastPrice: 0,
        volume: 0,
        averagePrice: 0,
        open: 0,
        high: 0,
        low: 0,
        close: 0,
        lastTradeTime: 0,
        lastQuantity: 0,
        openInterest: 0,
        openInterestHigh: 0,
        openInterestLow: 0,
      },
      { previousVolume: 0 },
    ],
    ['the pre-open: no range yet', { open: 0, high: 0, low: 0, volume: 0 }, { first: true }],
    [
      'the pre-open: crossed before the auction',
      { volume: 0, bidPrice: [101, 100.9, 100.8, 100.7, 100.6] },
      { first: true },
    ],
    ['market orders of an auction: a quantity without a price', { bidPrice: zeros, askPrice: zeros }],
    ['an index before it opens', { packet: Packet.indexFull, open: 0, high: 0, low: 0 }],
    ['an empty side of the depth at the circuit limit', { askPrice: zeros, askQuantity: zeros, askOrders: zeros }],
    ['equity without open interest', { openInterest: 0, openInterestHigh: 0, openInterestLow: 0 }],
    ['the cached first tick of yesterday', { exchangeTime: tenOClock - 86_400 * second, volume: 5 }, { first: true }],
    [
      'a new day: volume from 0 after a night',
      { volume: 0, averagePrice: 0 },
      { volumeChangedTime: tenOClock - 17 * 3600 * second },
    ],
    ['a new day without a night: another previous close', { volume: 0, averagePrice: 0 }, { previousClose: 99 }],
    ['a new day of an option that stays at one tick', { volume: 0, high: 100, low: 100 }],
    ['a clock that is 4 s behind the exchange', { exchangeTime: tenOClock + 4 * second }],
    ['times in whole seconds', { lastTradeTime: tenOClock + second }],
    ['no previous price', {}, { previousPrice: Number.NaN, scalePrice: Number.NaN }],
    [
      'an option that doubles within 20 % of its underlying',
      { lastPrice: 100 },
      { previousPrice: 50, scalePrice: 24_500 },
    ],
  ];
  test.each(cases)('%s', (_, row, context) => {
    expect(judge(row, context)).toEqual([]);
  });
});

describe('what a set makes of a rule', () => {
  const jump = ruleBit('priceJump');
  const crossedBit = ruleBit('depthCrossed');
  test('usual rules are enforced, usual reports are reported', () => {
    const policy = rulePolicy({ action: 'enforce' });
    expect(policy.enforced).toBe(saneMask);
    expect(policy.counted & jump).toBe(jump);
  });
  test('report enforces nothing and counts everything', () => {
    const policy = rulePolicy({ action: 'report' });
    expect(policy.enforced).toBe(0);
    expect(namesOf(policy.counted)).toEqual(ruleNames);
  });
  test('off does not look', () => {
    expect(rulePolicy({ action: 'off' })).toEqual({ enforced: 0, counted: 0 });
  });
  test('an exception wins', () => {
    const policy = rulePolicy({ action: 'enforce', rules: { priceJump: 'enforce', depthCrossed: 'off' } });
    expect(policy.enforced & jump).toBe(jump);
    expect(policy.counted & crossedBit).toBe(0);
    expect(rulePolicy({ action: 'off', rules: { depthCrossed: 'enforce' } }).enforced).toBe(crossedBit);
  });
});
