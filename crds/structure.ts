import type { FieldErrors } from './field-error.ts';
import type { FieldPath } from './field-path.ts';
import { nearest } from './nearest.ts';
import type { StructuralSchema } from './openapi.ts';

/** Whether a value is a JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * `value` as the API server would store it: null fields dropped, defaults filled in. Unknown fields are errors, and so
 * are doubles in a list that is a set or a map. What is of the wrong type is left for zod to name. Parts that are stored
 * as they are written are those of `value`; of others there is a copy.
 *
 * @param path where `value` is in the whole object; the same again when this returns
 */
export function normalize(
  schema: StructuralSchema,
  value: unknown,
  path: (string | number)[],
  errors: FieldErrors,
  root: StructuralSchema,
): unknown {
  if (schema.type === 'object' && isRecord(value)) return normalizeObject(schema, value, path, errors, root);
  if (schema.type === 'array' && Array.isArray(value)) {
    const items = schema.items as StructuralSchema;
    const list = value.map((item, index) => normalizeAt(index, items, item, path, errors, root));
    checkUnique(schema, list, path, errors);
    return list.every((item, index) => item === value[index]) ? value : list;
  }
  return value;
}

function normalizeAt(
  step: string | number,
  schema: StructuralSchema,
  value: unknown,
  path: (string | number)[],
  errors: FieldErrors,
  root: StructuralSchema,
): unknown {
  if (typeof value !== 'object' || value === null) return value;
  path.push(step);
  const normal = normalize(schema, value, path, errors, root);
  path.pop();
  return normal;
}

function normalizeObject(
  schema: StructuralSchema,
  value: Record<string, unknown>,
  path: (string | number)[],
  errors: FieldErrors,
  root: StructuralSchema,
): Record<string, unknown> {
  const { properties, additionalProperties } = schema;
  if (properties === undefined && additionalProperties === undefined) return value;
  const result: Record<string, unknown> = {};
  let entries = 0;
  let same = true;
  for (const name of Object.keys(value)) {
    const field = value[name];
    const fieldSchema = properties === undefined ? additionalProperties : own(properties, name);
    if (fieldSchema === undefined) errors.add([...path, name], ...unknownField(name, schema, root));
    // A null of a map is kept, for zod to refuse; a null field counts as absent.
    else if (field === undefined || (field === null && properties !== undefined)) {
      same = false;
      continue;
    } else result[name] = normalizeAt(name, fieldSchema, field, path, errors, root);
    same &&= result[name] === field;
    entries++;
  }
  if (schema.maxProperties !== undefined && entries > schema.maxProperties) {
    errors.add(path, `has ${entries} entries`, `Write at most ${schema.maxProperties}.`);
  }
  for (const [name, field] of defaultsOf(schema)) {
    if (result[name] !== undefined) continue;
    result[name] = normalizeAt(name, field, structuredClone(field.default), path, errors, root);
    same = false;
  }
  return same ? value : result;
}

const defaults = new WeakMap<StructuralSchema, readonly (readonly [string, StructuralSchema])[]>();

/** The properties that have a default, looked for once. */
function defaultsOf(schema: StructuralSchema): readonly (readonly [string, StructuralSchema])[] {
  let found = defaults.get(schema);
  if (found === undefined) {
    found = Object.entries(schema.properties ?? {}).filter(([, field]) => field.default !== undefined);
    defaults.set(schema, found);
  }
  return found;
}

function own<T>(record: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function unknownField(
  name: string,
  schema: StructuralSchema,
  root: StructuralSchema,
): [message: string, remedy?: string] {
  const known = Object.keys(schema.properties ?? {});
  const near = nearest(name, known);
  if (near !== undefined) return [`unknown field \`${name}\`; did you mean \`${near}\`?`];
  const elsewhere = findField(root, name, '');
  if (elsewhere !== undefined) {
    return [`unknown field \`${name}\` here; it belongs at \`${elsewhere}\``, `Move it to \`${elsewhere}\`.`];
  }
  const list = known.map((field) => `\`${field}\``).join(', ');
  return [`unknown field \`${name}\``, `Remove it; the fields here are ${list}.`];
}

/** The path of the first field of this name, breadth first. */
function findField(root: StructuralSchema, name: string, at: string): string | undefined {
  let level: [string, StructuralSchema][] = [[at, root]];
  while (level.length > 0) {
    const next: [string, StructuralSchema][] = [];
    for (const [path, schema] of level) {
      for (const [field, child] of Object.entries(schema.properties ?? {})) {
        // Nobody writes a status by hand.
        if (path === '' && field === 'status') continue;
        const childPath = path === '' ? field : `${path}.${field}`;
        if (field === name) return childPath;
        next.push(child.items === undefined ? [childPath, child] : [`${childPath}[]`, child.items]);
      }
    }
    level = next;
  }
  return undefined;
}

function checkUnique(schema: StructuralSchema, list: unknown[], path: FieldPath, errors: FieldErrors): void {
  const kind = schema['x-kubernetes-list-type'];
  if (kind !== 'set' && kind !== 'map') return;
  const seen = new Set<string>();
  list.forEach((item, index) => {
    const key = kind === 'set' ? JSON.stringify(item) : listMapKey(schema, item);
    if (seen.has(key)) errors.add([...path, index], `is in the list twice: ${key}`, 'Remove one of them.');
    seen.add(key);
  });
}

/** What tells one entry of a list of type map from another. */
export function listMapKey(schema: StructuralSchema, item: unknown): string {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  return JSON.stringify(keys.map((key) => (isRecord(item) ? item[key] : undefined)));
}
