import { admit, describeFieldError } from '../../crds/admission.ts';
import type { KubeObject } from '../../crds/index.ts';
import { invalid } from '../errors.ts';
import { exceeds, isRecord, type JsonObject, omit, recordAt, share } from './json.ts';
import type { Kind } from './kinds.ts';
import {
  applyConfig,
  decodeManagers,
  encodeManagers,
  type ManagerId,
  type Managers,
  updateObject,
  type Written,
} from './managed-fields.ts';
import { withNewValues } from './new-values.ts';
import { addedFinalizers, isKubeObject, validateMeta } from './object-meta.ts';

/** The pure part of a write: from what is there and what was sent to what will be there. No version is given here. */

export interface WriteContext {
  readonly kind: Kind;
  /** RFC 3339 with seconds. */
  readonly now: string;
  /** For an object that does not exist yet. */
  readonly uid: () => string;
  readonly by: ManagerId;
}

/** The size of a request that etcd refuses. */
export const maxObjectBytes = 1_500_000;

/** Metadata that only the server writes. */
const serverFields = [
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
] as const;

export function createObject(context: WriteContext, sent: JsonObject): KubeObject {
  const bare = context.kind.custom ? omit(sent, 'status') : sent;
  const object = admitted(context, withMeta(bare, omit(recordAt(bare, 'metadata'), ...serverFields)), undefined);
  const written = updateObject(context.kind.schema, withMeta({}, {}), object, new Map(), context.by);
  return finish(context, undefined, written, object);
}

export function replaceObject(context: WriteContext, live: KubeObject, sent: JsonObject): KubeObject {
  const renewed = withNewValues(context, live, sent);
  if (renewed !== undefined) {
    const { object, before } = renewed;
    if ((context.kind.validate?.(object, before) ?? []).length === 0 && isKubeObject(object)) return object;
  }
  const current = asJson(live);
  const candidate = withMeta(partsOf(context, current, sent), keepServerFields(live, recordAt(sent, 'metadata')));
  const object = admitted(context, candidate, live);
  const before = withoutManagers(current);
  return finish(context, live, updateObject(context.kind.schema, before, object, managersOf(live), context.by), object);
}

/** @param sent the configuration: what it says, and nothing else, becomes this manager's */
export function applyObject(
  context: WriteContext,
  live: KubeObject | undefined,
  sent: JsonObject,
  force: boolean,
): KubeObject {
  const config = configOf(context, sent);
  const before: JsonObject = live === undefined ? withMeta({}, {}) : withoutManagers(asJson(live));
  const managers: Managers = live === undefined ? new Map() : managersOf(live);
  const written = applyConfig(context.kind.schema, before, config, managers, context.by, force);
  const merged = asRecord(written.object);
  const metadata = recordAt(merged, 'metadata');
  const kept = live === undefined ? omit(metadata, ...serverFields) : keepServerFields(live, metadata);
  const object = admitted(context, withMeta(merged, kept), live);
  return finish(context, live, written, object);
}

/** What of an applied configuration this endpoint takes: never another's part, never what the server writes. */
function configOf({ kind, by }: WriteContext, sent: JsonObject): JsonObject {
  const metadata = omit(recordAt(sent, 'metadata'), ...serverFields);
  if (by.subresource === 'status') {
    const { name, namespace } = metadata;
    const { apiVersion, kind: named } = sent;
    return { apiVersion, kind: named, metadata: { name, namespace }, ...pick(sent, 'status') };
  }
  return withMeta(kind.custom ? omit(sent, 'status') : sent, metadata);
}

/** The new object's members besides metadata: on a kind with a status subresource, each endpoint writes its own part. */
function partsOf({ kind, by }: WriteContext, live: JsonObject, sent: JsonObject): JsonObject {
  if (!kind.custom) return sent;
  if (by.subresource === 'status') return { ...omit(live, 'status'), ...pick(sent, 'status') };
  return { ...omit(sent, 'status'), ...pick(live, 'status') };
}

function pick(object: JsonObject, key: string): JsonObject {
  return object[key] === undefined ? {} : { [key]: object[key] };
}

function keepServerFields(live: KubeObject, metadata: JsonObject): JsonObject {
  const own = omit(metadata, ...serverFields);
  const kept = asJson(live.metadata);
  for (const field of serverFields) {
    if (field !== 'managedFields' && kept[field] !== undefined) own[field] = kept[field];
  }
  return own;
}

/** Normalised, defaulted and judged; `CLUSTER_INVALID` names every field that is wrong. */
function admitted({ kind, by }: WriteContext, candidate: JsonObject, old: KubeObject | undefined): JsonObject {
  const normal = kind.normalise?.(candidate) ?? candidate;
  const object = withMeta(normal, tidy(recordAt(normal, 'metadata')));
  if (!isKubeObject(object)) throw invalid('apiVersion, kind and metadata.name are required');
  const judged = kind.custom ? admit(object.kind, object, old) : { object, errors: [] };
  const errors = judged.errors.map(describeFieldError);
  if (kind.custom && by.operation === 'Apply')
    errors.push(...nullFields(omit(asJson(object), 'metadata'), judged.object));
  if (errors.length === 0 && !sameMeta(object, old)) errors.push(...validateMeta(recordAt(object, 'metadata')));
  errors.push(...(kind.validate?.(object, old === undefined ? undefined : asJson(old)) ?? []));
  if (errors.length > 0) {
    const { namespace, name } = object.metadata;
    const where = `${namespace === undefined ? '' : `${namespace}/`}${name}${by.subresource === '' ? '' : ' (status)'}`;
    throw invalid(`${object.kind} ${where} is invalid: ${errors.join('; ')}`);
  }
  return withMeta(asJson(judged.object), recordAt(object, 'metadata'));
}

/** Fields that are null and have no default: an apply is refused for them, other writes drop them. */
function nullFields(sent: unknown, judged: unknown, path = ''): string[] {
  if (sent === judged && sent !== null) return [];
  if (sent === null) return judged === undefined || judged === null ? [`${path}: must not be null; leave it out`] : [];
  if (Array.isArray(sent)) {
    const items: readonly unknown[] = Array.isArray(judged) ? judged : [];
    return sent.flatMap((item, index) => nullFields(item, items[index], `${path}[${index}]`));
  }
  if (!isRecord(sent)) return [];
  const fields = asRecord(judged);
  return Object.entries(sent).flatMap(([key, value]) =>
    nullFields(value, fields[key], path === '' ? key : `${path}.${key}`),
  );
}

/** Whether all that is judged of the metadata is as it was when it was judged last. */
function sameMeta({ metadata }: KubeObject, old: KubeObject | undefined): boolean {
  if (old === undefined) return false;
  const judged = ['name', 'labels', 'annotations', 'finalizers', 'ownerReferences'] as const;
  return judged.every((field) => metadata[field] === old.metadata[field]);
}

/** Empty maps and lists of metadata are left out, as the API server encodes it. */
function tidy(metadata: JsonObject): JsonObject {
  const empty = (value: unknown): boolean =>
    value === null || (typeof value === 'object' && Object.keys(value).length === 0);
  return Object.values(metadata).some(empty)
    ? Object.fromEntries(Object.entries(metadata).filter(([, value]) => !empty(value)))
    : metadata;
}

/** Metadata that the server writes: identity, generation, managers. Returns `live` itself where nothing changed. */
function finish(context: WriteContext, live: KubeObject | undefined, written: Written, object: JsonObject): KubeObject {
  const { kind, now, uid } = context;
  const before = live === undefined ? undefined : withoutManagers(asJson(live));
  const changed = asRecord(share(before, object));
  const managers = managersAfter(live, changed !== before, written);
  const identity: JsonObject =
    live === undefined ? { uid: uid(), creationTimestamp: now, ...(kind.custom ? { generation: 1 } : {}) } : {};
  if (live !== undefined && kind.custom && !sameSpec(asJson(live), changed)) {
    identity['generation'] = (live.metadata.generation ?? 0) + 1;
  }
  const metadata = { ...recordAt(changed, 'metadata'), ...identity, ...managers };
  const next = share(live, withMeta(changed, metadata));
  if (live !== undefined && next === live) return live;
  if (!isKubeObject(next)) throw invalid('apiVersion, kind and metadata.name are required');
  if (live?.metadata.deletionTimestamp !== undefined) {
    const added = addedFinalizers(live, next);
    if (added.length > 0) {
      throw invalid(`metadata.finalizers: none can be added while the object is deleted: ${added.join(', ')}`);
    }
  }
  if (exceeds(next, maxObjectBytes))
    throw invalid(`the object has more bytes than the ${maxObjectBytes} that can be stored`);
  return next;
}

/** Keeps the managers' former times where the object did not change: a write of the same is not a write. */
function managersAfter(live: KubeObject | undefined, changed: boolean, written: Written): JsonObject {
  let { managers } = written;
  if (live !== undefined && !changed) {
    const former = managersOf(live);
    const kept = new Map(managers);
    for (const [key, manager] of managers) {
      const before = former.get(key);
      if (before !== undefined) kept.set(key, { ...manager, time: before.time });
    }
    managers = kept;
  }
  const encoded = encodeManagers(managers);
  return encoded.length === 0 ? {} : { managedFields: encoded };
}

/** Of an object that shares with the stored one what is the same. */
function sameSpec(a: JsonObject, b: JsonObject): boolean {
  const apart = (key: string): boolean => key === 'metadata' || key === 'status';
  const keys = Object.keys(b).filter((key) => !apart(key));
  return keys.length === Object.keys(a).filter((key) => !apart(key)).length && keys.every((key) => a[key] === b[key]);
}

const decoded = new WeakMap<object, Managers>();

/** Of a stored object, whose managed fields do not change. */
function managersOf({ metadata: { managedFields } }: KubeObject): Managers {
  if (managedFields === undefined) return new Map();
  let managers = decoded.get(managedFields);
  if (managers === undefined) {
    managers = decodeManagers(managedFields);
    decoded.set(managedFields, managers);
  }
  return managers;
}

function withoutManagers(object: JsonObject): JsonObject {
  return withMeta(object, omit(recordAt(object, 'metadata'), 'managedFields'));
}

/** The object with this metadata, members in the usual order. */
function withMeta(object: JsonObject, metadata: JsonObject): JsonObject {
  const result: JsonObject = {};
  if (object['apiVersion'] !== undefined) {
    result['apiVersion'] = object['apiVersion'];
    result['kind'] = object['kind'];
  }
  result['metadata'] = metadata;
  for (const key of Object.keys(object)) {
    if (key !== 'apiVersion' && key !== 'kind' && key !== 'metadata') result[key] = object[key];
  }
  return result;
}

function asRecord(value: unknown): JsonObject {
  return isRecord(value) ? value : {};
}

/** An interface's members as a record. */
function asJson(value: object): JsonObject {
  return { ...value };
}
