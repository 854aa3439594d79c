import { describe, expect, it } from 'vitest';
import { compileRules } from './cel.ts';
import { kinds, objectSchema } from './kinds.ts';
import type { StructuralSchema } from './openapi.ts';
import { fieldRows } from './reference.ts';

const rows = kinds.flatMap((definition) => {
  const { spec, status } = objectSchema(definition).properties ?? {};
  return [...fieldRows(spec!, 'spec'), ...fieldRows(status!, 'status')].map(
    (row) => [`${definition.kind} ${row.path}`, row.schema] as const,
  );
});
const leaves = rows.filter(([, schema]) => schema.properties === undefined && schema.items?.properties === undefined);

/** Whether `value` keeps the bounds of its own node. */
function fits(schema: StructuralSchema, value: unknown): boolean {
  const { items, additionalProperties, pattern } = schema;
  if (Array.isArray(value)) return items !== undefined && value.every((item) => fits(items, item));
  if (typeof value === 'string') {
    if (schema.enum !== undefined) return schema.enum.includes(value);
    const long = value.length >= (schema.minLength ?? 0) && value.length <= (schema.maxLength ?? Infinity);
    return schema.type === 'string' && long && new RegExp(pattern ?? '').test(value);
  }
  if (typeof value === 'number') {
    const whole = schema.type === 'number' || Number.isInteger(value);
    return whole && value >= (schema.minimum ?? -Infinity) && value <= (schema.maximum ?? Infinity);
  }
  if (typeof value === 'boolean') return schema.type === 'boolean';
  return (
    additionalProperties !== undefined && Object.values(value as object).every((v) => fits(additionalProperties, v))
  );
}

function bounded({ type, format, ...schema }: StructuralSchema): boolean {
  if (schema.items !== undefined)
    return schema.maxItems !== undefined && (isObject(schema.items) || bounded(schema.items));
  if (schema.additionalProperties !== undefined) return schema.maxProperties !== undefined;
  if (type === 'string') return schema.enum !== undefined || schema.maxLength !== undefined || format !== undefined;
  if (type === 'integer' || type === 'number') return schema.minimum !== undefined && schema.maximum !== undefined;
  return type === 'boolean';
}

const isObject = (schema: StructuralSchema): boolean => schema.properties !== undefined;

describe('every field', () => {
  it('has a description', () => {
    expect(rows.filter(([, schema]) => (schema.description ?? '').length < 8).map(([path]) => path)).toEqual([]);
  });

  it('has bounds', () => {
    const lists = rows.filter(([, schema]) => schema.items !== undefined);
    expect([...leaves, ...lists].filter(([, schema]) => !bounded(schema)).map(([path]) => path)).toEqual([]);
  });

  it('has an example, a default or a choice', () => {
    const bare = leaves.filter(
      ([, schema]) =>
        schema.example === undefined && schema.default === undefined && !schema.enum && schema.type !== 'boolean',
    );
    expect(bare.map(([path]) => path)).toEqual([]);
  });

  it('keeps its own bounds in its example and default', () => {
    for (const [path, schema] of leaves) {
      for (const value of [schema.example, schema.default]) {
        if (value !== undefined) expect(fits(schema, value), `${path}: ${JSON.stringify(value)}`).toBe(true);
      }
    }
  });
});

describe('rules', () => {
  it('can all be parsed, and say what to write', () => {
    let rules = 0;
    const visit = (schema: StructuralSchema): void => {
      for (const { message } of schema['x-kubernetes-validations'] ?? []) {
        expect(message.length).toBeGreaterThan(20);
        rules++;
      }
      for (const child of Object.values(schema.properties ?? {})) visit(child);
      if (schema.items !== undefined) visit(schema.items);
    };
    for (const definition of kinds) {
      visit(objectSchema(definition));
      expect(compileRules(objectSchema(definition))).toBeDefined();
    }
    expect(rules).toBeGreaterThan(30);
  });
});

describe('names', () => {
  it('are those that the design gives', () => {
    expect(kinds.map(({ kind, shortNames }) => [kind, shortNames])).toEqual([
      ['TickerAccount', ['ta']],
      ['InstrumentSet', ['iset']],
      ['SubscriptionSlice', ['subs']],
    ]);
  });
});
