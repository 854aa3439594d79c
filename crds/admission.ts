import type { z } from 'zod';
import { type CompiledSchema, checkRules, compileRules } from './cel.ts';
import { type FieldError, FieldErrors } from './field-error.ts';
import { type KindDefinition, kindDefinition, kinds, objectSchema } from './kinds.ts';
import { checkMetadata } from './metadata.ts';
import { nearest } from './nearest.ts';
import { apiVersion } from './schema.ts';
import { isRecord, normalize } from './structure.ts';
import { addIssues } from './zod-issues.ts';

export type { FieldError } from './field-error.ts';

export interface Admission<T> {
  /** The object with defaults filled in and null fields dropped; only worth storing when there is no error. */
  readonly object: T;
  readonly errors: readonly FieldError[];
}

/**
 * Judges an object as a strict API server would: unknown fields, structure, defaults, then the CEL rules, those that
 * compare with `old` included. The whole object is judged, `status` too where there is one.
 *
 * Pure: `object` and `old` are not changed. Rules run only on an object whose structure is right.
 *
 * @param kind one of the three kinds; any other is one error at `kind`
 * @param old the object as it is stored now; absent when it is created
 */
export function admit<T extends object>(kind: string, object: T, old?: object): Admission<T> {
  const errors = new FieldErrors();
  const definition = kindDefinition(kind);
  if (definition === undefined) {
    errors.add(['kind'], ...unknownKind(kind));
    return { object, errors: errors.finish() };
  }
  if (!isRecord(object)) {
    errors.add([], 'is no object', 'Write apiVersion, kind, metadata and spec.');
    return { object, errors: errors.finish() };
  }
  checkType(definition, object, errors);
  checkMetadata(object['metadata'], errors, isRecord(old) ? old['metadata'] : undefined);
  const schema = objectSchema(definition);
  const kept = unchanged(object, old);
  const changing = kept.length === 0 ? object : omit(object, kept);
  const normalized = normalize(schema, changing, [], errors, schema) as T & Record<string, unknown>;
  if (object['spec'] === undefined) errors.add(['spec'], 'is missing', `Write the spec of the ${kind}.`);
  else if (!kept.includes('spec')) checkStructure(definition.spec, normalized['spec'], 'spec', errors);
  if (normalized['status'] !== undefined) checkStructure(definition.status, normalized['status'], 'status', errors);
  for (const part of kept) Object.assign(normalized, { [part]: object[part] });
  const rules = compiled(definition);
  if (errors.empty && rules !== undefined) checkRules(rules, normalized, old, [], errors);
  return { object: normalized, errors: errors.finish() };
}

/**
 * Parts that are the very values that are stored: they have been judged and have their defaults. An API server likewise
 * leaves alone what a write does not change.
 */
function unchanged(object: Readonly<Record<string, unknown>>, old: object | undefined): string[] {
  const before: Readonly<Record<string, unknown>> = isRecord(old) ? old : {};
  return ['spec', 'status'].filter((part) => isRecord(object[part]) && object[part] === before[part]);
}

function omit(object: Readonly<Record<string, unknown>>, parts: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !parts.includes(name)));
}

/** One line for a person: `spec.mode: must be one of ltp, quote, full. Write quote.` */
export function describeFieldError({ path, message, remedy }: FieldError): string {
  const text = path === '' ? message : `${path}: ${message}`;
  return remedy === undefined ? text : `${text}. ${remedy}`;
}

/** Message and remedy for a kind that does not exist. */
export function unknownKind(kind: string): [message: string, remedy?: string] {
  const known = kinds.map((definition) => definition.kind);
  const near = nearest(kind, known);
  if (near !== undefined) return [`unknown kind \`${kind}\`; did you mean \`${near}\`?`];
  return [`unknown kind \`${kind.slice(0, 100)}\``, `Write one of ${known.join(', ')}.`];
}

const compiledKinds = new Map<string, CompiledSchema | undefined>();

function compiled(definition: KindDefinition): CompiledSchema | undefined {
  const { kind } = definition;
  if (!compiledKinds.has(kind)) compiledKinds.set(kind, compileRules(objectSchema(definition)));
  return compiledKinds.get(kind);
}

function checkType({ kind }: KindDefinition, object: Record<string, unknown>, errors: FieldErrors): void {
  if (object['apiVersion'] !== apiVersion) {
    errors.add(['apiVersion'], `is ${shown(object['apiVersion'])}`, `Write ${apiVersion}.`);
  }
  if (object['kind'] !== kind) errors.add(['kind'], `is ${shown(object['kind'])}`, `Write ${kind}.`);
}

function shown(value: unknown): string {
  return value === undefined ? 'missing' : `\`${String(value).slice(0, 100)}\``;
}

function checkStructure(schema: z.ZodType, value: unknown, field: string, errors: FieldErrors): void {
  const result = schema.safeParse(value);
  if (!result.success) addIssues(result.error.issues, value, [field], errors);
}
