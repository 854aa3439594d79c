import { invalid } from '../errors.ts';
import { deduced, type FieldSchema, mapOf, scalar } from './field-schema.ts';
import { emptySet, type FieldSet, FieldSetBuilder, isEmpty, leaf } from './field-set.ts';
import { equalJson, isRecord, type JsonObject } from './json.ts';

/**
 * Operations on a JSON value whose merge strategy is known, as server-side apply needs them.
 * Source: sigs.k8s.io/structured-merge-diff, `typed`.
 */

type MapSchema = Extract<FieldSchema, { type: 'map' }>;
type ListSchema = Extract<FieldSchema, { type: 'list' }>;

const deducedMap = mapOf(deduced);

/** What a value is merged as: a schema that the value does not fit gives way to what the value is. */
function resolve(schema: FieldSchema, value: unknown): FieldSchema {
  if (isRecord(value)) return schema.type === 'map' ? schema : schema.type === 'deduced' ? deducedMap : scalar;
  if (Array.isArray(value)) return schema.type === 'list' ? schema : scalar;
  return scalar;
}

function isAtomic(schema: FieldSchema): boolean {
  if (schema.type === 'map') return schema.atomic;
  if (schema.type === 'list') return schema.listType === 'atomic';
  return true;
}

function memberSchema(schema: MapSchema, key: string): FieldSchema {
  return Object.hasOwn(schema.fields, key) ? schema.fields[key]! : schema.values;
}

/** Path elements of a list's items, with the items. Two of one key, or an item without its key, is `CLUSTER_INVALID`. */
function keyed(schema: ListSchema, items: readonly unknown[], path: string): Map<string, unknown> {
  const result = new Map<string, unknown>();
  for (const [index, item] of items.entries()) {
    const element = pathElement(schema, item, `${path}[${index}]`);
    if (result.has(element)) throw invalid(`${path}[${index}]: duplicate entry ${element.slice(2)}`);
    result.set(element, item);
  }
  return result;
}

function pathElement(schema: ListSchema, item: unknown, path: string): string {
  if (schema.listType === 'set') return `v:${JSON.stringify(item)}`;
  const keys: JsonObject = {};
  for (const key of [...schema.keys].sort()) {
    const value = isRecord(item) ? item[key] : undefined;
    if (value === undefined) throw invalid(`${path}.${key}: required, for it tells the list's items apart`);
    keys[key] = value;
  }
  return `k:${JSON.stringify(keys)}`;
}

/** The members of a granular map or list by path element, each with its schema. Absent values have none. */
function members(schema: FieldSchema, value: unknown, path: string): Map<string, [FieldSchema, unknown]> {
  const result = new Map<string, [FieldSchema, unknown]>();
  if (schema.type === 'map' && isRecord(value)) {
    for (const [key, member] of Object.entries(value)) result.set(`f:${key}`, [memberSchema(schema, key), member]);
  } else if (schema.type === 'list' && Array.isArray(value)) {
    for (const [element, item] of keyed(schema, value, path)) result.set(element, [schema.items, item]);
  }
  return result;
}

/** Every field that an applied configuration speaks of. */
export function fieldsOf(declared: FieldSchema, value: unknown, path = ''): FieldSet {
  const schema = resolve(declared, value);
  if (isAtomic(schema)) return leaf;
  const children = new Map<string, FieldSet>();
  const add = (element: string, fields: FieldSet, isMember: boolean): void => {
    if (fields.member === isMember) children.set(element, fields);
    else children.set(element, { member: isMember, children: fields.children });
  };
  if (schema.type === 'map' && isRecord(value)) {
    for (const key of Object.keys(value)) {
      const member = value[key];
      const fields = fieldsOf(memberSchema(schema, key), member, `${path}:${key}`);
      const named = Object.hasOwn(schema.fields, key);
      const isMember = fields.member || !named || (isRecord(member) && Object.keys(member).length === 0);
      if (isMember || !isEmpty(fields)) add(`f:${key}`, fields, isMember);
    }
  } else if (schema.type === 'list' && Array.isArray(value)) {
    for (const [element, item] of keyed(schema, value, path)) {
      add(element, fieldsOf(schema.items, item, path + element.slice(1)), true);
    }
  }
  return { member: false, children };
}

/** The set with each named field that has members in it added: removing all of a struct's fields removes the struct. */
export function withNamedFields(declared: FieldSchema, set: FieldSet): FieldSet {
  if (set.children.size === 0) return set;
  const children = new Map<string, FieldSet>();
  for (const [element, child] of set.children) {
    if (declared.type === 'map' && element.startsWith('f:')) {
      const key = element.slice(2);
      const deep = withNamedFields(memberSchema(declared, key), child);
      const isMember = deep.member || Object.hasOwn(declared.fields, key);
      children.set(element, isMember === deep.member ? deep : { member: isMember, children: deep.children });
    } else {
      children.set(element, withNamedFields(declared.type === 'list' ? declared.items : deduced, child));
    }
  }
  return { member: set.member, children };
}

/** Says that more than values differ. */
export const otherwise: unique symbol = Symbol('more than values differ');

/**
 * `live` with the values of a configuration in it, where that is all that an apply comes to: the configuration speaks of
 * exactly the fields that its manager owns, all of them are there, and none whose value is new is another's too. Parts
 * that stay the same are those of `live`.
 *
 * @param own the manager's fields, at this place
 * @param others those of all others, at this place
 * @param free members, of a map, that nobody owns
 * @returns {@link otherwise} where it is not so, or not plainly
 */
export function withNewValues(
  declared: FieldSchema,
  live: unknown,
  config: unknown,
  own: FieldSet,
  others: readonly FieldSet[],
  free: FreeMembers = noneFree,
): unknown {
  const schema = resolve(declared, config);
  if (live === undefined || resolve(declared, live).type !== schema.type) return otherwise;
  if (isAtomic(schema)) {
    if (!own.member || own.children.size > 0) return otherwise;
    if (equalJson(live, config)) return live;
    return live === null || config === null || others.some((other) => other.member) ? otherwise : config;
  }
  if (schema.type === 'map' && isRecord(live) && isRecord(config)) {
    return newMembers(schema, live, config, own, others, free);
  }
  if (schema.type === 'list' && Array.isArray(live) && Array.isArray(config)) {
    return newItems(schema, live, config, own, others);
  }
  return otherwise;
}

/** Members of a map that nobody owns: `true`, or those of that member. */
export interface FreeMembers {
  readonly [member: string]: true | FreeMembers;
}

const noneFree: FreeMembers = {};

function newMembers(
  schema: MapSchema,
  live: JsonObject,
  config: JsonObject,
  own: FieldSet,
  others: readonly FieldSet[],
  free: FreeMembers,
): unknown {
  let merged = live;
  let met = 0;
  let asked = 0;
  for (const key of Object.keys(config)) {
    asked++;
    const within = Object.hasOwn(free, key) ? free[key] : undefined;
    if (within === true) {
      if (config[key] !== live[key]) return otherwise;
      continue;
    }
    const element = `f:${key}`;
    const owned = own.children.get(element);
    if (owned !== undefined) met++;
    else if (within === undefined) return otherwise;
    const inOthers = below(others, element);
    const value = withNewValues(memberSchema(schema, key), live[key], config[key], owned ?? emptySet, inOthers, within);
    if (value === otherwise) return otherwise;
    if (value === live[key]) continue;
    if (merged === live) merged = { ...live };
    merged[key] = value;
  }
  return asked > 0 && met === own.children.size ? merged : otherwise;
}

function newItems(
  schema: ListSchema,
  live: readonly unknown[],
  config: readonly unknown[],
  own: FieldSet,
  others: readonly FieldSet[],
): unknown {
  let merged: unknown[] | undefined;
  let at = -1;
  for (const item of config) {
    // In the order in which they stand, so that the order stays.
    do at++;
    while (at < live.length && !isItem(schema, live[at], item));
    if (at === live.length) return otherwise;
    const element = pathElement(schema, item, '');
    const owned = own.children.get(element);
    if (owned === undefined) return otherwise;
    const value = withNewValues(schema.items, live[at], item, owned, below(others, element));
    if (value === otherwise) return otherwise;
    if (value === live[at]) continue;
    merged ??= [...live];
    merged[at] = value;
  }
  return config.length > 0 && config.length === own.children.size ? (merged ?? live) : otherwise;
}

function isItem({ listType, keys }: ListSchema, a: unknown, b: unknown): boolean {
  if (listType === 'set') return a === b;
  return isRecord(a) && isRecord(b) && keys.every((key) => b[key] !== undefined && a[key] === b[key]);
}

function below(sets: readonly FieldSet[], element: string): readonly FieldSet[] {
  if (sets.length === 0) return sets;
  return sets.map((set) => set.children.get(element)).filter((set) => set !== undefined);
}

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** What differs from `before` to `after`, field by field. */
export function compare(schema: FieldSchema, before: unknown, after: unknown): Comparison {
  const added = new FieldSetBuilder();
  const modified = new FieldSetBuilder();
  const removed = new FieldSetBuilder();
  const path: string[] = [];
  const visitMember = (declared: FieldSchema, element: string, a: unknown, b: unknown): void => {
    if (a === b) return;
    path.push(element);
    visit(declared, a, b);
    path.pop();
  };
  const visit = (declared: FieldSchema, a: unknown, b: unknown): void => {
    // Null takes the form of what it is compared with.
    const schemaA = resolve(declared, a ?? b);
    const schemaB = resolve(declared, b ?? a);
    const known = a === undefined ? schemaB : schemaA;
    const differ = schemaA.type !== schemaB.type;
    if (!differ && !isAtomic(known)) {
      if (known.type === 'map') {
        const inA = isRecord(a) ? a : {};
        const inB = isRecord(b) ? b : {};
        for (const key of Object.keys(inA)) visitMember(memberSchema(known, key), `f:${key}`, inA[key], inB[key]);
        for (const key of Object.keys(inB)) {
          if (!Object.hasOwn(inA, key)) visitMember(memberSchema(known, key), `f:${key}`, undefined, inB[key]);
        }
      } else {
        const inA = members(known, a, path.join(''));
        const inB = members(known, b, path.join(''));
        for (const element of new Set([...inA.keys(), ...inB.keys()])) {
          const [child] = inA.get(element) ?? inB.get(element) ?? [deduced];
          visitMember(child, element, inA.get(element)?.[1], inB.get(element)?.[1]);
        }
      }
      if (a === undefined) added.insert(path);
      else if (b === undefined) removed.insert(path);
    } else if (a === undefined) added.insert(path);
    else if (b === undefined) removed.insert(path);
    else if (!equalJson(a, b)) modified.insert(path);
  };
  if (before !== after) visit(schema, before, after);
  return { added: added.build(), modified: modified.build(), removed: removed.build() };
}

/** `live` with everything that `config` says; nothing is removed. */
export function merge(declared: FieldSchema, live: unknown, config: unknown, path = ''): unknown {
  const schema = resolve(declared, config);
  if (live === undefined || isAtomic(schema) || resolve(declared, live).type !== schema.type) return config;
  if (schema.type === 'map' && isRecord(live) && isRecord(config)) {
    const merged: JsonObject = { ...live };
    for (const [key, value] of Object.entries(config)) {
      merged[key] = merge(memberSchema(schema, key), live[key], value, `${path}.${key}`);
    }
    return merged;
  }
  if (schema.type === 'list' && Array.isArray(live) && Array.isArray(config)) {
    return mergeLists(schema, live, config, path);
  }
  return config;
}

/**
 * Items of the configuration come in its order; items that only live has come where they stood, as far as the two
 * orders agree. Both lists are walked side by side: where they disagree the configuration goes first.
 */
function mergeLists(schema: ListSchema, live: unknown[], config: unknown[], path: string): unknown[] {
  const inLive = keyed(schema, live, path);
  const inConfig = keyed(schema, config, path);
  const waiting = [...inLive.keys()];
  const shared = [...inConfig.keys()].filter((element) => inLive.has(element));
  const merged: unknown[] = [];
  const done = new Set<string>();
  let at = 0;
  let nextShared = 0;
  for (const [element, item] of inConfig) {
    for (; at < waiting.length && waiting[at] !== element; at++) {
      const head = waiting[at]!;
      if (!inConfig.has(head)) merged.push(inLive.get(head));
      else if (!done.has(head) && head === shared[nextShared]) break;
    }
    if (waiting[at] === element) at++;
    if (shared[nextShared] === element) nextShared++;
    merged.push(merge(schema.items, inLive.get(element), item, path + element.slice(1)));
    done.add(element);
  }
  for (const head of waiting.slice(at)) if (!inConfig.has(head)) merged.push(inLive.get(head));
  return merged;
}

/**
 * `value` without the fields in `set`. A container that loses all of its members but is not in the set itself becomes
 * null, as upstream has it: a custom resource's schema then refuses it.
 */
export function removeFields(declared: FieldSchema, value: unknown, set: FieldSet, path = ''): unknown {
  const schema = resolve(declared, value);
  if (isAtomic(schema) || set.children.size === 0) return value;
  if (schema.type === 'map' && isRecord(value)) return removeMembers(schema, value, set, path);
  if (schema.type !== 'list' || !Array.isArray(value)) return value;
  const kept: unknown[] = [];
  for (const [element, item] of keyed(schema, value, path)) {
    const within = set.children.get(element) ?? emptySet;
    if (!within.member) kept.push(removeFields(schema.items, item, within, path + element.slice(1)));
  }
  return kept.length === 0 && value.length > 0 ? null : kept;
}

function removeMembers(schema: MapSchema, value: JsonObject, set: FieldSet, path: string): JsonObject | null {
  const kept: JsonObject = {};
  const keys = Object.keys(value);
  let count = 0;
  for (const key of keys) {
    const within = set.children.get(`f:${key}`) ?? emptySet;
    if (within.member) continue;
    kept[key] = removeFields(memberSchema(schema, key), value[key], within, `${path}:${key}`);
    count++;
  }
  return count === 0 && keys.length > 0 ? null : kept;
}
