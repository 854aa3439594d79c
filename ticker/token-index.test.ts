import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InstrumentTable } from './pipeline/instrument-table.ts';
import { TokenIndex } from './token-index.ts';

test('law: it is a map', () => {
  const token = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 2 ** 32 - 1 }));
  const step = fc.record({ kind: fc.constantFrom('set', 'set', 'delete', 'get'), token });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), fc.nat(400), (steps, expected) => {
      const index = new TokenIndex(expected);
      const model = new Map<number, number>();
      steps.forEach(({ kind, token }, at) => {
        if (kind === 'set') {
          index.set(token, at);
          model.set(token, at);
        } else if (kind === 'delete') {
          expect(index.delete(token)).toBe(model.delete(token));
        }
        expect(index.get(token)).toBe(model.get(token) ?? -1);
      });
      expect(index.size).toBe(model.size);
      for (const [key, value] of model) expect(index.get(key)).toBe(value);
      const all = new Map<number, number>();
      index.forEach((value, key) => {
        all.set(key, value);
        expect(index.has(key)).toBe(true);
      });
      expect(all).toEqual(model);
    }),
    { numRuns: 500, seed: 1 },
  );
});

test('token 0 is never there, even when it is full of others', () => {
  const index = new TokenIndex();
  for (let token = 1; token < 5000; token++) index.set(token << 8, token);
  expect(index.get(0)).toBe(-1);
  expect(index.get(4999 << 8)).toBe(4999);
  expect(() => index.set(0, 1)).toThrow(RangeError);
});

test('a slot is held until everybody has released it, and starts without a price', () => {
  const table = new InstrumentTable();
  const slot = table.acquire(7);
  expect(table.acquire(7)).toBe(slot);
  table.lastPrice[slot] = 5;
  table.release(slot);
  expect(table.priceOf(7)).toBe(5);
  table.release(slot);
  expect(table.slotOf(7)).toBe(-1);
  expect(table.acquire(8)).toBe(slot);
  expect(table.priceOf(8)).toBeUndefined();
  expect(() => {
    table.release(slot);
    table.release(slot);
  }).toThrow(RangeError);
});
