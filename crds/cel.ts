import { type CelInput, celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { readBy } from './cel-paths.ts';
import type { FieldErrors } from './field-error.ts';
import { type FieldPath, parsePath } from './field-path.ts';
import type { StructuralSchema, ValidationRule } from './openapi.ts';
import { isRecord, listMapKey } from './structure.ts';

/** A rule that was parsed once. */
interface CompiledRule {
  readonly rule: ValidationRule;
  /** Compares with the value before: holds where there was none. */
  readonly transition: boolean;
  /** What it needs of a value. */
  readonly read: (value: unknown) => unknown;
  readonly evaluate: (bindings: Record<string, CelInput>) => unknown;
}

/** A schema with its rules compiled; branches without any rule are left out. */
export interface CompiledSchema {
  readonly schema: StructuralSchema;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, CompiledSchema>;
  readonly items?: CompiledSchema;
  readonly values?: CompiledSchema;
}

const env = celEnv();

/** Compiles every rule of a schema. Throws for a rule that cannot be parsed. */
export function compileRules(schema: StructuralSchema): CompiledSchema | undefined {
  const rules = (schema['x-kubernetes-validations'] ?? []).map(compileRule);
  const properties = new Map<string, CompiledSchema>();
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const compiled = compileRules(property);
    if (compiled !== undefined) properties.set(name, compiled);
  }
  const items = schema.items && compileRules(schema.items);
  const values = schema.additionalProperties && compileRules(schema.additionalProperties);
  if (rules.length === 0 && properties.size === 0 && items === undefined && values === undefined) return undefined;
  return { schema, rules, properties, ...(items && { items }), ...(values && { values }) };
}

function compileRule(rule: ValidationRule): CompiledRule {
  const evaluate = plan(env, parse(rule.rule));
  return { rule, transition: /\boldSelf\b/.test(rule.rule), read: readBy(rule.rule), evaluate };
}

/**
 * Evaluates every rule on `value`, as Kubernetes does: a rule of an absent field does not run, and a transition rule
 * runs only where there was a value before, found by key in maps and lists of type map, never in other lists.
 */
export function checkRules(
  compiled: CompiledSchema,
  value: unknown,
  old: unknown,
  path: FieldPath,
  errors: FieldErrors,
): void {
  // The very value that is stored has passed.
  if (value === old && isRecord(value)) return;
  for (const { rule, transition, read, evaluate } of compiled.rules) {
    if (transition && old === undefined) continue;
    const bindings: Record<string, CelInput> = { self: celValue(compiled.schema, read(value)) };
    if (transition) bindings['oldSelf'] = celValue(compiled.schema, read(old));
    const result = evaluate(bindings);
    if (result === true) continue;
    const at = rule.fieldPath === undefined ? path : [...path, ...parsePath(rule.fieldPath)];
    errors.add(at, isCelError(result) ? `${rule.message} (${result.message})` : rule.message);
  }
  if (isRecord(value)) {
    const before = isRecord(old) ? old : {};
    for (const [name, child] of compiled.properties) {
      if (value[name] !== undefined) checkRules(child, value[name], before[name], [...path, name], errors);
    }
    if (compiled.values === undefined) return;
    for (const [name, item] of Object.entries(value)) {
      checkRules(compiled.values, item, before[name], [...path, name], errors);
    }
  } else if (Array.isArray(value) && compiled.items !== undefined) {
    const { items, schema } = compiled;
    const before = oldItems(schema, old);
    value.forEach((item, index) => {
      checkRules(items, item, before?.get(listMapKey(schema, item)), [...path, index], errors);
    });
  }
}

function oldItems(schema: StructuralSchema, old: unknown): Map<string, unknown> | undefined {
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old)) return undefined;
  return new Map(old.map((item) => [listMapKey(schema, item), item]));
}

/** A JSON value in CEL's types: an `integer` is an int, a `number` a double. */
function celValue(schema: StructuralSchema, value: unknown): CelInput {
  if (schema.type === 'integer' && Number.isInteger(value)) return BigInt(value as number);
  if (Array.isArray(value)) {
    const { items } = schema;
    return value.map((item) => (items === undefined ? null : celValue(items, item)));
  }
  if (!isRecord(value)) return value as CelInput;
  const map = new Map<string, CelInput>();
  for (const [name, field] of Object.entries(value)) {
    const fieldSchema = schema.properties?.[name] ?? schema.additionalProperties;
    map.set(name, fieldSchema === undefined ? plainValue(field) : celValue(fieldSchema, field));
  }
  return map;
}

/** A value without a schema (metadata): only its strings matter to rules. */
function plainValue(value: unknown): CelInput {
  if (!isRecord(value)) return typeof value === 'string' ? value : null;
  return new Map(Object.entries(value).map(([name, field]) => [name, plainValue(field)]));
}
