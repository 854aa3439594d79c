import { kinds as customKinds, objectSchema as structuralSchema } from '../../crds/kinds.ts';
import { apiVersion } from '../../crds/schema.ts';
import type { Resource } from '../cluster.ts';
import { normaliseSecret, validateEvent, validateLease, validateSecret } from './builtin-kinds.ts';
import { deduced, type FieldSchema, fromStructural, mapOf, objectSchema, scalar, struct } from './field-schema.ts';
import type { JsonObject } from './json.ts';

/** What the memory cluster must know of a kind. */
export interface Kind {
  /** Judged by `admit`, has a status subresource and a generation. */
  readonly custom: boolean;
  /** A replace of what is not there creates it. */
  readonly createOnReplace?: boolean;
  readonly schema: FieldSchema;
  readonly normalise?: (object: JsonObject) => JsonObject;
  /** What is wrong, as `path: message`. */
  readonly validate?: (object: JsonObject, old: JsonObject | undefined) => string[];
}

const builtinKinds: Record<string, Kind> = {
  'v1/Secret': {
    custom: false,
    schema: objectSchema({ type: scalar, data: mapOf(scalar), stringData: mapOf(scalar), immutable: scalar }),
    normalise: normaliseSecret,
    validate: validateSecret,
  },
  'v1/Event': {
    custom: false,
    schema: objectSchema({ involvedObject: struct({}, true), source: struct({ component: scalar, host: scalar }) }),
    validate: validateEvent,
  },
  'coordination.k8s.io/v1/Lease': {
    custom: false,
    schema: objectSchema({ spec: struct({ holderIdentity: scalar, renewTime: scalar, acquireTime: scalar }) }),
    createOnReplace: true,
    validate: validateLease,
  },
};

const kinds = new Map<string, Kind>([
  ...Object.entries(builtinKinds),
  ...customKinds.map((definition): [string, Kind] => {
    const { properties } = structuralSchema(definition);
    const schema = objectSchema({
      spec: fromStructural(properties?.['spec']),
      status: fromStructural(properties?.['status']),
    });
    return [`${apiVersion}/${definition.kind}`, { custom: true, schema }];
  }),
]);

/** Any other kind: maps are merged member by member, lists whole. */
const unknownKind: Kind = { custom: false, schema: objectSchema({ spec: deduced, status: deduced }) };

export function kindOf(resource: Resource): Kind {
  return kinds.get(`${resource.apiVersion}/${resource.kind}`) ?? unknownKind;
}
