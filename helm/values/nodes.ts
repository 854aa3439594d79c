import { z } from 'zod';

/** What a value says of itself beyond its shape; kept in zod's metadata. */
interface ValueMeta {
  description?: string;
  /** Said where the pattern is not met, after the value's path: `is no …: write …`. */
  hint?: string;
}

/** Attaches a description, which is all the documentation that a value has. */
export function value<S extends z.ZodType>(schema: S, description: string): S {
  return schema.meta({ ...(schema.meta() as ValueMeta | undefined), description }) as S;
}

/**
 * A string of a form. The pattern (RE2) is not written to the JSON schema, whose message would repeat it: a template
 * checks it, and says the hint.
 */
export function text(pattern: RegExp, hint: string): z.ZodString {
  return z.string().regex(pattern).meta({ hint }) as z.ZodString;
}

const part = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const nameHint = 'is no name: write lower-case letters, digits, `-` and `.`, a letter or digit at both ends';

/** Name of an object; empty for none. */
export const objectName = text(new RegExp(`^(${part}(\\.${part})*)?$`), nameHint);
/** Key of a Secret. */
export const secretKey = text(/^[-._a-zA-Z0-9]+$/, 'is no key of a Secret: write letters, digits, `-`, `_` and `.`');
/** A time span of Prometheus. */
export const duration = text(/^([0-9]+(ms|s|m|h))+$/, 'is no duration: write a number and its unit, such as 15s or 1m');
/** A Kubernetes quantity. */
export const quantity = text(
  /^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/,
  'is no quantity: write a number with or without a unit, such as 512Mi or 2Gi',
);
export const cidr = text(
  /^[0-9a-fA-F.:]+\/[0-9]{1,3}$/,
  'is no block of addresses: write ADDRESS/BITS, such as 10.0.0.0/8',
);

export const port = z.int().min(1).max(65_535);

/** Labels, annotations and the like. */
export const strings = () => z.record(z.string(), z.string());

const amounts = z.record(z.string(), z.union([z.string(), z.number()])).optional();

export const resources = (requests: Record<string, string>, limits: Record<string, string>) =>
  value(
    z.strictObject({ requests: amounts, limits: amounts }).default({ requests, limits }),
    'Resources of the container. No limit of CPU: a throttled process is late.',
  );

export const toleration = z.strictObject({
  key: z.string().optional(),
  operator: z.enum(['Exists', 'Equal']).optional(),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: z.int().optional(),
});

export const spread = z.strictObject({
  topologyKey: z.string(),
  maxSkew: z.int().min(1).max(100).default(1),
  whenUnsatisfiable: z.enum(['ScheduleAnyway', 'DoNotSchedule']).default('ScheduleAnyway'),
  // Kubernetes' own are `Ignore`, and every pod that the selector takes.
  nodeTaintsPolicy: z.enum(['Honor', 'Ignore']).optional(),
  matchLabelKeys: z.array(z.string()).min(1).max(8).optional(),
});

/** Where the pods of a component go. */
export const placement = {
  nodeSelector: value(strings().default({}), 'Labels that a node must have.'),
  tolerations: value(z.array(toleration).default([]), 'Taints that the pods tolerate.'),
  affinity: value(z.record(z.string(), z.unknown()).default({}), 'A v1.Affinity, beside the spread.'),
  spread: value(
    z.array(spread).default([
      { topologyKey: 'kubernetes.io/hostname', maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' },
      { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' },
    ]),
    'How the pods are kept apart; their selector is added.',
  ),
  priorityClassName: value(objectName.default(''), 'A PriorityClass that exists; that of `priorityClass` where empty.'),
};

export const podAnnotations = value(strings().default({}), 'Annotations of the pods.');

export const disruptionBudget = value(
  z
    .strictObject({
      enabled: value(z.boolean().default(true), 'Make one.'),
      maxUnavailable: value(z.int().min(1).max(100).default(1), 'Pods that may be evicted at once.'),
    })
    .prefault({}),
  'A PodDisruptionBudget.',
);

/** Peers of a NetworkPolicy. */
export const peers = z.array(
  z.strictObject({
    podSelector: z.record(z.string(), z.unknown()).optional(),
    namespaceSelector: z.record(z.string(), z.unknown()).optional(),
    ipBlock: z.strictObject({ cidr: z.string(), except: z.array(z.string()).optional() }).optional(),
  }),
);
