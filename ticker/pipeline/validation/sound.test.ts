import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Packet } from '../../tick-columns.ts';
import { second, type TickRow, tenOClock, ticksOf } from '../ticks.testing.ts';
import { usualPolicy } from './policy.ts';
import type { RowContext } from './rule.ts';
import { follows, survey } from './sound.ts';
import { namesOf, Validator } from './validator.ts';

const context: RowContext = {
  first: false,
  previousExchangeTime: tenOClock - second,
  volumeChangedTime: tenOClock - second,
  previousVolume: 900,
  previousPrice: 100,
  previousClose: 100,
  scalePrice: 100,
};
const odd = [
  0,
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1e-9,
  99,
  100,
  101,
  150,
  901,
  1e300,
];
const times = [
  0,
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  ...[-9, -2, -1, 1, 4, 6].map((s) => tenOClock + s * second),
];
const numbers = ['lastPrice', 'open', 'high', 'low', 'close', 'averagePrice', 'volume', 'lastQuantity'] as const;
const more = ['buyQuantity', 'sellQuantity', 'openInterest', 'openInterestHigh', 'openInterestLow'] as const;
const dates = ['exchangeTime', 'lastTradeTime', 'receiveTime'] as const;
const levels = ['bidPrice', 'bidQuantity', 'bidOrders', 'askPrice', 'askQuantity', 'askOrders'] as const;

/** A sound row with up to three columns that are not. */
const rows = fc
  .tuple(
    fc.constantFrom(Packet.full, Packet.quote, Packet.ltp, Packet.indexFull, Packet.indexQuote),
    fc.array(
      fc.oneof(
        fc.record({ key: fc.constantFrom(...numbers, ...more), value: fc.constantFrom(...odd) }),
        fc.record({ key: fc.constantFrom(...dates), value: fc.constantFrom(...times) }),
        fc.record({ key: fc.constantFrom(...levels), value: fc.constantFrom(...odd), level: fc.nat(4) }),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([packet, changes]) => {
    const row: TickRow & Record<string, unknown> = { token: 1, packet, lastPrice: 100 };
    for (const change of changes) {
      if (!('level' in change)) row[change.key] = change.value;
      else {
        const side = [0, 1, 2, 3, 4].map((level) => usual(change.key, level));
        side[change.level] = change.value;
        row[change.key] = side;
      }
    }
    return row as TickRow;
  });

function usual(key: (typeof levels)[number], level: number): number {
  if (key === 'bidPrice') return 100 - 0.05 * (level + 1);
  if (key === 'askPrice') return 100 + 0.05 * (level + 1);
  return key.endsWith('Orders') ? 2 : 100;
}

test('law: what is sound breaks no rule', () => {
  const validator = new Validator(usualPolicy.counted);
  const plain = new Uint8Array(1);
  let soundRows = 0;
  fc.assert(
    fc.property(rows, fc.boolean(), fc.constantFrom(900, 1000, 1001, Number.NaN), (row, first, previousVolume) => {
      const ticks = ticksOf([row]);
      const known = { ...context, first, previousVolume };
      survey(ticks, 0, 1, plain);
      if (plain[0] === 0 || !follows(ticks, 0, known)) return;
      soundRows++;
      expect(namesOf(validator.table(ticks, 0, known))).toEqual([]);
    }),
    { numRuns: 50_000, seed: 6 },
  );
  expect(soundRows).toBeGreaterThan(3_000);
});
