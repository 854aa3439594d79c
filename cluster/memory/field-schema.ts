import type { StructuralSchema } from '../../crds/openapi.ts';

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
 * Reads merge strategies off a structural schema, the one that the CRD is made from: `x-kubernetes-list-type` and
 * `x-kubernetes-list-map-keys`.
 */
export function fromStructural(node: StructuralSchema | undefined): FieldSchema {
  if (node === undefined) return deduced;
  if (node.type === 'array') {
    return listOf(
      node['x-kubernetes-list-type'] ?? 'atomic',
      fromStructural(node.items),
      node['x-kubernetes-list-map-keys'],
    );
  }
  if (node.type !== 'object') return scalar;
  const fields = Object.entries(node.properties ?? {}).map(([name, field]) => [name, fromStructural(field)]);
  return {
    type: 'map',
    atomic: false,
    fields: Object.fromEntries(fields),
    values: fromStructural(node.additionalProperties),
  };
}
