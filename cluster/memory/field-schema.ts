import { z } from 'zod';
import { isRecord, recordAt } from './json.ts';

/**
 * How server-side apply merges a value: `map` member by member, `list` item by item unless it is atomic.
 * `deduced` takes whatever comes: maps are granular, lists atomic.
 */
export type FieldSchema =
  | { readonly type: 'scalar' }
  | { readonly type: 'deduced' }
  | {
      readonly type: 'map';
      readonly atomic: boolean;
      /** Named fields of a struct. */
      readonly fields: Readonly<Record<string, FieldSchema>>;
      /** Of members that are not named. */
      readonly values: FieldSchema;
    }
  | {
      readonly type: 'list';
      readonly listType: 'atomic' | 'set' | 'map';
      readonly keys: readonly string[];
      readonly items: FieldSchema;
    };

export const scalar: FieldSchema = { type: 'scalar' };
export const deduced: FieldSchema = { type: 'deduced' };

export function struct(fields: Record<string, FieldSchema>, atomic = false): FieldSchema {
  return { type: 'map', atomic, fields, values: deduced };
}

export function mapOf(values: FieldSchema): FieldSchema {
  return { type: 'map', atomic: false, fields: {}, values };
}

export function listOf(
  listType: 'atomic' | 'set' | 'map',
  items: FieldSchema = deduced,
  keys: readonly string[] = [],
): FieldSchema {
  return { type: 'list', listType, keys, items };
}

const objectMeta = struct({
  name: scalar,
  namespace: scalar,
  labels: mapOf(scalar),
  annotations: mapOf(scalar),
  finalizers: listOf('set', scalar),
  ownerReferences: listOf('map', struct({}, true), ['uid']),
});

/** The schema of a whole object from that of its members besides `metadata`. */
export function objectSchema(fields: Record<string, FieldSchema>): FieldSchema {
  return struct({ apiVersion: scalar, kind: scalar, metadata: objectMeta, ...fields });
}

/**
 * Reads merge strategies off a zod schema, from the same metadata that the CRD's `x-kubernetes-list-type` and
 * `x-kubernetes-list-map-keys` are generated from.
 */
export function fromZod(schema: z.ZodType): FieldSchema {
  return fromJsonSchema(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
}

function fromJsonSchema(node: unknown): FieldSchema {
  if (!isRecord(node)) return deduced;
  if (node['type'] === 'array') {
    const listType = node['listType'] === 'set' || node['listType'] === 'map' ? node['listType'] : 'atomic';
    const keys = Array.isArray(node['listMapKeys']) ? node['listMapKeys'].map(String) : [];
    return listOf(listType, fromJsonSchema(node['items']), keys);
  }
  if (node['type'] === 'object') {
    const fields = Object.fromEntries(
      Object.entries(recordAt(node, 'properties')).map(([name, child]) => [name, fromJsonSchema(child)]),
    );
    const values = isRecord(node['additionalProperties']) ? fromJsonSchema(node['additionalProperties']) : deduced;
    return { type: 'map', atomic: false, fields, values };
  }
  return node['type'] === undefined ? deduced : scalar;
}
