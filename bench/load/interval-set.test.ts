import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IntervalSet } from './interval-set.ts';

const ranges = fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 8 })), { maxLength: 30 });

function members(set: IntervalSet): number[] {
  const all: number[] = [];
  for (let i = 0; i < set.edges.length; i += 2) for (let n = set.edges[i]!; n < set.edges[i + 1]!; n++) all.push(n);
  return all;
}

function of(list: readonly (readonly [number, number])[]): { set: IntervalSet; model: Set<number>; added: number } {
  const set = new IntervalSet();
  const model = new Set<number>();
  let added = 0;
  for (const [from, length] of list) {
    added += set.addRange(from, from + length);
    for (let n = from; n < from + length; n++) model.add(n);
  }
  return { set, model, added };
}

test('it is the set of its numbers, in ranges that neither overlap nor touch', () => {
  fc.assert(
    fc.property(ranges, (list) => {
      const { set, model, added } = of(list);
      expect(members(set)).toEqual([...model].sort((a, b) => a - b));
      expect(set.size).toBe(model.size);
      expect(added).toBe(model.size);
      for (let i = 2; i < set.edges.length; i += 2) expect(set.edges[i]!).toBeGreaterThan(set.edges[i - 1]!);
      for (let n = 0; n < 70; n++) expect(set.has(n)).toBe(model.has(n));
      expect(new IntervalSet(set.edges).size).toBe(model.size);
    }),
  );
});

test('what another has besides is found', () => {
  fc.assert(
    fc.property(ranges, ranges, (a, b) => {
      const [own, other] = [of(a), of(b)];
      const missing = [...other.model].filter((n) => !own.model.has(n)).sort((x, y) => x - y);
      expect(members(own.set.missingFrom(other.set))).toEqual(missing);
    }),
  );
});

test('adding a number twice is noticed', () => {
  const set = new IntervalSet();
  expect([set.add(1), set.add(2), set.add(2), set.add(5), set.add(1)]).toEqual([true, true, false, true, false]);
});
