import { conflict } from '../errors.ts';
import type { FieldSchema } from './field-schema.ts';
import {
  covers,
  describePaths,
  difference,
  emptySet,
  equalSets,
  type FieldSet,
  fromFieldsV1,
  intersection,
  isEmpty,
  reuse,
  toFieldsV1,
  union,
} from './field-set.ts';
import { deepFreeze, isRecord, type JsonObject } from './json.ts';
import {
  compare,
  type FreeMembers,
  fieldsOf,
  merge,
  otherwise,
  removeFields,
  withNamedFields,
  withNewValues,
} from './typed-value.ts';

/** Who owns fields of an object. One name has separate entries for each operation and subresource. */
export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  /** `status`, or empty for the object itself. */
  readonly subresource: string;
  readonly apiVersion: string;
  /** RFC 3339, when its fields last changed. */
  readonly time: string;
  readonly fields: FieldSet;
}

/** Managers by {@link managerKey}. */
export type Managers = ReadonlyMap<string, Manager>;

export type ManagerId = Omit<Manager, 'fields'>;

export interface Written {
  readonly object: unknown;
  readonly managers: Managers;
}

/** Managers that updated (not applied) and are listed singly; the oldest beyond that are merged into one, as upstream. */
const maxUpdateManagers = 10;
const ancientChanges = 'ancient-changes';

function managerKey({ name, operation, subresource, apiVersion }: ManagerId): string {
  return `${operation}\0${name}\0${subresource}\0${apiVersion}`;
}

/** Members of an object that nobody owns. */
const unowned = ['apiVersion', 'kind'];
const unownedMetadata = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
];

const unownedMembers: FreeMembers = {
  ...Object.fromEntries(unowned.map((name): [string, true] => [name, true])),
  metadata: Object.fromEntries(unownedMetadata.map((name): [string, true] => [name, true])),
};

function strip(set: FieldSet): FieldSet {
  const children = new Map(set.children);
  for (const name of unowned) children.delete(`f:${name}`);
  const metadata = children.get('f:metadata');
  if (metadata !== undefined) {
    const kept = new Map(metadata.children);
    for (const name of unownedMetadata) kept.delete(`f:${name}`);
    if (kept.size === 0) children.delete('f:metadata');
    else children.set('f:metadata', { member: false, children: kept });
  }
  return { member: false, children };
}

/** The fields of what was created last of a kind: most of it, Events above all, looks the same. */
const lastCreated = new WeakMap<FieldSchema, FieldSet>();

/**
 * Server-side apply: `config` merged into `live`, what this manager applied before and no longer does removed unless
 * somebody else owns it. Fields of others that would change are `CLUSTER_CONFLICT`, or taken over with `force`.
 * Source: sigs.k8s.io/structured-merge-diff, `merge`.
 */
export function applyConfig(
  schema: FieldSchema,
  live: unknown,
  config: unknown,
  managers: Managers,
  by: ManagerId,
  force: boolean,
): Written {
  return applyValues(schema, live, config, managers, by) ?? applyFields(schema, live, config, managers, by, force);
}

/** The shortest way, for the most frequent apply: a manager says the same fields again, with other values. */
function applyValues(
  schema: FieldSchema,
  live: unknown,
  config: unknown,
  managers: Managers,
  by: ManagerId,
): Written | undefined {
  const key = managerKey(by);
  const own = managers.get(key)?.fields;
  if (own === undefined) return undefined;
  const others = [...managers].filter(([each]) => each !== key).map(([, { fields }]) => fields);
  const object = withNewValues(schema, live, config, own, others, unownedMembers);
  if (object === otherwise) return undefined;
  return { object, managers: new Map(managers).set(key, { ...by, fields: own }) };
}

/** {@link applyConfig} in full. */
export function applyFields(
  schema: FieldSchema,
  live: unknown,
  config: unknown,
  managers: Managers,
  by: ManagerId,
  force: boolean,
): Written {
  const key = managerKey(by);
  const last = managers.get(key)?.fields ?? emptySet;
  const fields = fieldsOf(schema, config);
  // Name and the like count as owned while fields are pruned, so that `metadata` itself stays.
  const object = prune(
    schema,
    merge(schema, live, config),
    last,
    fields,
    new Map(managers).set(key, { ...by, fields }),
  );
  // Where nobody else owns anything, nothing can change hands.
  const alone = managers.size === 0 || (managers.size === 1 && managers.has(key));
  const others = alone ? new Map(managers) : settle(compare(schema, live, object), managers, key, force);
  const own = reuse(managers.get(key)?.fields ?? lastCreated.get(schema), strip(fields));
  if (managers.size === 0) lastCreated.set(schema, own);
  if (isEmpty(own)) others.delete(key);
  else others.set(key, { ...by, fields: own });
  return { object, managers: others };
}

/** A write of the whole object: what changes becomes this manager's, whoever had it. */
export function updateObject(
  schema: FieldSchema,
  live: unknown,
  object: unknown,
  managers: Managers,
  by: ManagerId,
): Written {
  const key = managerKey(by);
  const comparison = compare(schema, live, object);
  const next = settle(comparison, managers, key, true);
  const before = next.get(key);
  const changed = union(strip(comparison.modified), strip(comparison.added));
  const fields = reuse(before?.fields, union(difference(before?.fields ?? emptySet, comparison.removed), changed));
  const touched = before === undefined || !isEmpty(changed) || !equalSets(fields, before.fields);
  if (isEmpty(fields)) next.delete(key);
  else next.set(key, touched ? { ...by, fields } : before);
  return { object, managers: capped(next) };
}

/** Takes away what nobody but the applying manager's last configuration wanted; what it has `applied` now it still wants. */
function prune(schema: FieldSchema, merged: unknown, last: FieldSet, applied: FieldSet, managers: Managers): unknown {
  if (isEmpty(last) || covers(applied, last)) return merged;
  const named = (set: FieldSet): FieldSet => withNamedFields(schema, set);
  const fields = (value: unknown): FieldSet => named(fieldsOf(schema, value));
  const all = fields(merged);
  const dropped = removeFields(schema, merged, named(last));
  let owned = emptySet;
  for (const manager of managers.values()) owned = union(owned, manager.fields);
  const kept = removeFields(schema, merged, difference(difference(all, fields(dropped)), named(owned)));
  return removeFields(schema, merged, intersection(difference(all, fields(kept)), named(last)));
}

/** Takes from every other manager what changes hands or is gone. */
function settle(
  { added, modified, removed }: { added: FieldSet; modified: FieldSet; removed: FieldSet },
  managers: Managers,
  writer: string,
  force: boolean,
): Map<string, Manager> {
  const changed = union(modified, added);
  const next = new Map(managers);
  const conflicts: string[] = [];
  for (const [key, manager] of managers) {
    if (key === writer) continue;
    const lost = intersection(manager.fields, changed);
    if (!isEmpty(lost)) conflicts.push(describeConflict(manager, lost));
    const fields = difference(difference(manager.fields, lost), removed);
    if (isEmpty(fields)) next.delete(key);
    else if (fields !== manager.fields) next.set(key, { ...manager, fields });
  }
  if (!force && conflicts.length > 0) {
    throw conflict(
      `apply failed with ${conflicts.length} conflict${conflicts.length > 1 ? 's' : ''}: ${conflicts.join('; ')}`,
    );
  }
  return next;
}

function describeConflict({ name, subresource, apiVersion, operation }: Manager, fields: FieldSet): string {
  const where = subresource === '' ? '' : ` with subresource "${subresource}"`;
  const how = operation === 'Update' ? ` using ${apiVersion} (update)` : '';
  return `conflict with "${name}"${where}${how}: ${describePaths(fields).join(', ')}`;
}

function capped(managers: Map<string, Manager>): Map<string, Manager> {
  const updates = [...managers].filter(([, { operation }]) => operation === 'Update');
  if (updates.length <= maxUpdateManagers) return managers;
  const oldest = updates
    .sort(([, a], [, b]) => (a.time < b.time ? -1 : 1))
    .slice(0, updates.length - maxUpdateManagers + 1);
  const last = oldest.at(-1)![1];
  let fields = emptySet;
  for (const [key, manager] of oldest) {
    fields = union(fields, manager.fields);
    managers.delete(key);
  }
  const merged: Manager = { ...last, name: ancientChanges, fields };
  return managers.set(managerKey(merged), merged);
}

const order = ['operation', 'time', 'name', 'apiVersion', 'subresource'] as const;

function byOrder(a: Manager, b: Manager): number {
  for (const field of order) if (a[field] !== b[field]) return a[field] < b[field] ? -1 : 1;
  return 0;
}

/** `metadata.managedFields`, in upstream's order: by operation, then time, then name. */
export function encodeManagers(managers: Managers): JsonObject[] {
  return [...managers.values()].sort(byOrder).map(({ name, operation, subresource, apiVersion, time, fields }) => ({
    manager: name,
    operation,
    apiVersion,
    time,
    fieldsType: 'FieldsV1',
    fieldsV1: encodedFields(fields),
    ...(subresource === '' ? {} : { subresource }),
  }));
}

const encodedSets = new WeakMap<FieldSet, JsonObject>();

/** A set is encoded once; most writes change nobody's fields. */
function encodedFields(fields: FieldSet): JsonObject {
  let encoded = encodedSets.get(fields);
  if (encoded === undefined) {
    encoded = deepFreeze(toFieldsV1(fields));
    encodedSets.set(fields, encoded);
  }
  return encoded;
}

export function decodeManagers(managedFields: unknown): Managers {
  const managers = new Map<string, Manager>();
  for (const entry of Array.isArray(managedFields) ? managedFields : []) {
    if (!isRecord(entry)) continue;
    const manager: Manager = {
      name: String(entry['manager'] ?? ''),
      operation: entry['operation'] === 'Apply' ? 'Apply' : 'Update',
      subresource: String(entry['subresource'] ?? ''),
      apiVersion: String(entry['apiVersion'] ?? ''),
      time: String(entry['time'] ?? ''),
      fields: decodedFields(entry['fieldsV1']),
    };
    managers.set(managerKey(manager), manager);
  }
  return managers;
}

const decodedSets = new WeakMap<object, FieldSet>();

function decodedFields(fieldsV1: unknown): FieldSet {
  if (!isRecord(fieldsV1)) return emptySet;
  let set = decodedSets.get(fieldsV1);
  if (set === undefined) {
    set = fromFieldsV1(fieldsV1);
    decodedSets.set(fieldsV1, set);
    if (Object.isFrozen(fieldsV1)) encodedSets.set(set, fieldsV1);
  }
  return set;
}
