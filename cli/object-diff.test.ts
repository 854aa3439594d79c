import { expect, test } from 'vitest';
import { describeChanges } from './object-diff.ts';

test('says what was added, removed and changed, by path', () => {
  const before = { spec: { mode: 'quote', instruments: ['NSE:A', 'NSE:B'], delivery: { window: 100 } } };
  const after = { spec: { mode: 'full', instruments: ['NSE:B', 'NSE:C'], greeks: { rate: 0.06 } } };
  expect(describeChanges(before, after)).toEqual([
    'spec.mode: quote → full',
    'spec.instruments: + NSE:C',
    'spec.instruments: - NSE:A',
    'spec.delivery: - {"window":100}',
    'spec.greeks: + {"rate":0.06}',
  ]);
});

test('compares lists of objects by position, and lists no more than a screenful', () => {
  expect(describeChanges({ a: [{ x: 1 }, { x: 2 }] }, { a: [{ x: 1 }, { x: 3 }] })).toEqual(['a[1].x: 2 → 3']);
  const many = Array.from({ length: 40 }, (_, i) => `NSE:S${i}`);
  const lines = describeChanges({ l: [] }, { l: many });
  expect(lines).toHaveLength(13);
  expect(lines.at(-1)).toBe('and 28 more changes');
  expect(describeChanges({ a: 1 }, { a: 1 })).toEqual([]);
});
