import { expect, test } from 'vitest';
import { type Figure, met, misses, renderTable } from './goals.ts';

const ratio: Figure = { name: 'r', value: 390, unit: '×', goal: { kind: 'atLeast', value: 400 }, checked: true };
const lost: Figure = { name: 'lost', value: 0, unit: '', goal: { kind: 'exactly', value: 0 }, checked: true };
const error: Figure = { name: 'e', value: 2e-9, unit: '', goal: { kind: 'atMost', value: 1e-9 }, checked: true };
const speed: Figure = { name: 's', value: 1, unit: '', goal: { kind: 'atLeast', value: 1e6 } };

test('a ratio within the margin is missed, and lets the check pass; errors and losses have no margin', () => {
  expect(met(ratio)).toBe(false);
  expect(misses([ratio, lost, speed])).toEqual([]);
  expect(misses([{ ...ratio, value: 299 }, { ...lost, value: 1 }, error]).map(({ name }) => name)).toEqual([
    'r',
    'lost',
    'e',
  ]);
});

test('the table says what was measured beside the goal', () => {
  const table = renderTable([ratio, lost, error]);
  expect(table).toContain('| r    | 390 ×    | ≥ 400 ×  | missed |');
  expect(table).toContain('2.0e-9');
});
