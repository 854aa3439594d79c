import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { listOf, mapOf, scalar, struct } from './field-schema.ts';
import {
  difference,
  emptySet,
  equalSets,
  type FieldSet,
  fromFieldsV1,
  intersection,
  isEmpty,
  toFieldsV1,
  union,
} from './field-set.ts';
import { equalJson, isRecord } from './json.ts';
import {
  applyConfig,
  applyFields,
  decodeManagers,
  encodeManagers,
  type ManagerId,
  updateObject,
  type Written,
} from './managed-fields.ts';
import { compare, fieldsOf } from './typed-value.ts';

/** A schema with one of everything. */
const schema = struct({
  a: scalar,
  labels: mapOf(scalar),
  set: listOf('set', scalar),
  rows: listOf('map', struct({ key: scalar, x: scalar, y: scalar }), ['key']),
  whole: listOf('atomic'),
  inner: struct({ p: scalar, q: scalar, deep: struct({ r: scalar }) }),
});

const value = fc.integer({ min: 0, max: 2 });
const key = fc.constantFrom('k1', 'k2', 'k3');
const partial = <T>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(shape, { requiredKeys: [] });
const config = partial({
  a: value,
  labels: fc.dictionary(key, value, { minKeys: 1 }),
  set: fc.uniqueArray(value, { minLength: 1 }),
  rows: fc.uniqueArray(fc.record({ key, x: value, y: value }, { requiredKeys: ['key'] }), {
    selector: (row) => row.key,
    minLength: 1,
  }),
  whole: fc.array(value),
  inner: partial({ p: value, q: value, deep: fc.record({ r: value }) }),
});

const fields = config.map((object) => fieldsOf(schema, object));

const by = (name: string, operation: 'Apply' | 'Update' = 'Apply'): ManagerId => ({
  name,
  operation,
  subresource: '',
  apiVersion: 'v1',
  time: '2026-01-05T04:00:00Z',
});

const start: Written = { object: {}, managers: new Map() };
const apply = (at: Written, object: unknown, name: string, force = true): Written =>
  applyConfig(schema, at.object, object, at.managers, by(name), force);

/** Every field of `part` is in `whole` with the same value. */
function holds(whole: unknown, part: unknown): boolean {
  const { modified, added } = compare(schema, whole, applyConfig(schema, whole, part, new Map(), by('x'), true).object);
  return isEmpty(modified) && isEmpty(added);
}

describe('field sets', () => {
  test('keep the laws of sets', () => {
    fc.assert(
      fc.property(fields, fields, (a, b) => {
        expect(equalSets(union(a, b), union(b, a))).toBe(true);
        expect(equalSets(intersection(a, b), intersection(b, a))).toBe(true);
        expect(equalSets(union(difference(a, b), intersection(a, b)), a)).toBe(true);
        expect(isEmpty(intersection(difference(a, b), b))).toBe(true);
        expect(isEmpty(difference(a, a))).toBe(true);
      }),
    );
  });

  test('are written as FieldsV1 and read back', () => {
    fc.assert(fc.property(fields, fields, (a, b) => equalSets(fromFieldsV1(toFieldsV1(union(a, b))), union(a, b))));
    const marked: FieldSet = {
      member: false,
      children: new Map([['f:a', { member: true, children: emptySet.children }]]),
    };
    expect(toFieldsV1(marked)).toEqual({ 'f:a': {} });
  });

  test('managers are written and read back', () => {
    fc.assert(
      fc.property(config, config, (a, b) => {
        const { managers } = apply(apply(start, a, 'alice'), b, 'bob');
        expect(decodeManagers(encodeManagers(managers))).toEqual(
          new Map([...managers].sort(([x], [y]) => (x < y ? -1 : 1))),
        );
      }),
    );
  });
});

describe('server-side apply', () => {
  test('the object holds what was applied last', () => {
    fc.assert(fc.property(config, config, (a, b) => holds(apply(apply(start, a, 'alice'), b, 'bob').object, b)));
  });

  test('applying the same again changes nothing', () => {
    fc.assert(
      fc.property(config, config, (a, b) => {
        const once = apply(apply(start, a, 'alice'), b, 'bob');
        const twice = apply(once, b, 'bob');
        expect(twice.object).toEqual(once.object);
        expect(encodeManagers(twice.managers)).toEqual(encodeManagers(once.managers));
      }),
    );
  });

  test('one manager alone gets exactly what it says, whatever it said before', () => {
    fc.assert(
      fc.property(fc.array(config, { maxLength: 4 }), config, (before, last) => {
        const object = [...before, last].reduce((at: Written, each) => apply(at, each, 'alice'), start).object;
        expect(equalJson(sorted(nullsEmpty(object)), sorted(last))).toBe(true);
      }),
    );
  });

  test('one that gives everything up leaves what the others said', () => {
    fc.assert(
      fc.property(config, config, (a, b) => {
        const both = apply(apply(start, a, 'alice'), b, 'bob');
        const left = apply(both, {}, 'alice');
        expect(holds(left.object, b)).toBe(true);
        expect([...left.managers.values()].map(({ name }) => name)).not.toContain('alice');
      }),
    );
  });

  test('without force nothing of another changes: it is refused, or it was the same', () => {
    fc.assert(
      fc.property(config, config, (a, b) => {
        const first = apply(start, a, 'alice');
        let both: Written;
        try {
          both = apply(first, b, 'bob', false);
        } catch {
          return;
        }
        expect(holds(both.object, a)).toBe(true);
        expect(holds(both.object, b)).toBe(true);
      }),
    );
  });

  test('the short way, where only values are new, comes to what the long way does', () => {
    const steps = fc.array(fc.tuple(config, fc.constantFrom('alice', 'bob')), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(steps, fc.nat({ max: 2 }), fc.nat({ max: 2 }), fc.boolean(), (before, index, add, force) => {
        const at = before.reduce((each: Written, [object, name]) => apply(each, object, name), start);
        const [said, name] = before[index % before.length] ?? before[0]!;
        const sent = renewed(said, add);
        const way = (applied: typeof applyConfig): unknown => {
          try {
            const { object, managers } = applied(schema, at.object, sent, at.managers, by(name), force);
            return { object, managers: encodeManagers(managers), order: [...managers.keys()] };
          } catch (error) {
            return String(error);
          }
        };
        expect(way(applyConfig)).toEqual(way(applyFields));
      }),
      { numRuns: 1_000 },
    );
  });

  test('every field has an owner, and no owner a field that is not there', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(config, fc.constantFrom('a', 'b', 'c'), fc.boolean()), { maxLength: 6 }),
        (steps) => {
          let at = start;
          for (const [object, name, whole] of steps) {
            at = whole
              ? updateObject(schema, at.object, object, at.managers, by(name, 'Update'))
              : apply(at, object, name);
          }
          let owned = emptySet;
          for (const manager of at.managers.values()) owned = union(owned, manager.fields);
          const there = withoutEmptied(at.object);
          expect(isEmpty(difference(there, owned))).toBe(true);
          const containers = compare(schema, undefined, at.object).added;
          expect(isEmpty(difference(owned, union(there, containers)))).toBe(true);
        },
      ),
    );
  });

  test('managers that update are merged beyond ten', () => {
    let at = start;
    for (let index = 0; index < 15; index++) {
      const object = { labels: Object.fromEntries(Array.from({ length: index + 1 }, (_, k) => [`k${k}`, 1])) };
      at = updateObject(schema, at.object, object, at.managers, {
        ...by(`m${index}`, 'Update'),
        time: `t${10 + index}`,
      });
    }
    const names = [...at.managers.values()].map(({ name }) => name);
    expect(names).toHaveLength(10);
    expect(names).toContain('ancient-changes');
  });
});

/** The same fields with other values; what tells items of a list apart stays. */
function renewed(value: unknown, add: number): unknown {
  if (typeof value === 'number') return (value + add) % 3;
  if (!isRecord(value)) return Array.isArray(value) ? value.map((item) => renewed(item, add)) : value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, key === 'set' ? member : renewed(member, add)]),
  );
}

/** Fields of an object; a container that was emptied, be it null or not, is nobody's: it counts as gone. */
function withoutEmptied(object: unknown): FieldSet {
  return fieldsOf(schema, present(object) ?? {});
}

function present(node: unknown): unknown {
  if (node === null) return undefined;
  if (!isRecord(node)) return node;
  const members = Object.entries(node).map(([name, member]) => [name, present(member)] as const);
  const left = members.filter(([, member]) => member !== undefined);
  return left.length === 0 ? undefined : Object.fromEntries(left);
}

/** An object that loses all its members becomes null, as on a real API server: it counts as empty. */
function nullsEmpty(node: unknown): unknown {
  if (node === null) return {};
  if (!isRecord(node)) return node;
  return Object.fromEntries(Object.entries(node).map(([name, member]) => [name, nullsEmpty(member)]));
}

/** Keyed lists and sets in one order, for a merge keeps the former one. */
function sorted(node: unknown): unknown {
  if (!isRecord(node)) return node;
  const { rows, set, ...rest } = node;
  const text = (item: unknown): string => JSON.stringify(isRecord(item) ? item['key'] : item);
  const order = (list: unknown): unknown =>
    Array.isArray(list) ? [...list].sort((a, b) => (text(a) < text(b) ? -1 : 1)) : undefined;
  return { ...rest, rows: order(rows), set: order(set) };
}
