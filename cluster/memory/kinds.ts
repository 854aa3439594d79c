import {
  apiVersion,
  instrumentSetSpec,
  instrumentSetStatus,
  subscriptionSliceSpec,
  subscriptionSliceStatus,
  tickerAccountSpec,
  tickerAccountStatus,
} from '../../crds/index.ts';
import type { Resource } from '../cluster.ts';
import { normaliseSecret, validateEvent, validateLease, validateSecret } from './builtin-kinds.ts';
import { deduced, type FieldSchema, fromZod, mapOf, objectSchema, scalar, struct } from './field-schema.ts';
import type { JsonObject } from './json.ts';

/** What the memory cluster must know of a kind. */
export interface Kind {
  /** Judged by `admit`, has a status subresource and a generation. */
  readonly custom: boolean;
  readonly schema: FieldSchema;
  readonly normalise?: (object: JsonObject) => JsonObject;
  /** What is wrong, as `path: message`. */
  readonly validate?: (object: JsonObject, old: JsonObject | undefined) => string[];
}

const kinds = new Map<string, Kind>(
  Object.entries({
    [`${apiVersion}/TickerAccount`]: {
      custom: true,
      schema: objectSchema({ spec: fromZod(tickerAccountSpec), status: fromZod(tickerAccountStatus) }),
    },
    [`${apiVersion}/InstrumentSet`]: {
      custom: true,
      schema: objectSchema({ spec: fromZod(instrumentSetSpec), status: fromZod(instrumentSetStatus) }),
    },
    [`${apiVersion}/SubscriptionSlice`]: {
      custom: true,
      schema: objectSchema({ spec: fromZod(subscriptionSliceSpec), status: fromZod(subscriptionSliceStatus) }),
    },
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
      validate: validateLease,
    },
  }),
);

/** Any other kind: maps are merged member by member, lists whole. */
const unknownKind: Kind = { custom: false, schema: objectSchema({ spec: deduced, status: deduced }) };

export function kindOf(resource: Resource): Kind {
  return kinds.get(`${resource.apiVersion}/${resource.kind}`) ?? unknownKind;
}
