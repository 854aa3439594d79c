import { z } from 'zod';

export { apiVersion, group, version } from './group.ts';

/** A validation rule in the Common Expression Language: evaluated by the API server and by the memory cluster alike. */
export interface CelRule {
  /** May use `self`, and `oldSelf` in a transition rule. */
  readonly rule: string;
  /** Says what to write instead. */
  readonly message: string;
  /** The field below this node that is at fault, e.g. `.sessions`, where it is not the node itself. */
  readonly fieldPath?: string;
}

/** What a schema node says beyond its shape; kept in zod's metadata under these keys. */
export interface NodeMeta {
  description?: string;
  examples?: unknown[];
  /** `x-kubernetes-validations`. */
  cel?: CelRule[];
  /** `x-kubernetes-list-type`, and the keys of a `map`. Lists are `atomic` where nothing is said. */
  listType?: 'atomic' | 'set' | 'map';
  listMapKeys?: string[];
  /** The most entries of a map (a zod record). */
  maxProperties?: number;
  /**
   * The behaviour of this field has not landed: any value but `except` is refused at admission, with this reason.
   * No field is accepted and ignored.
   */
  unavailable?: { reason: string; except?: string | number | boolean };
}

/** Attaches {@link NodeMeta} to a schema. */
export function described<S extends z.ZodType>(
  schema: S,
  description: string,
  meta: Omit<NodeMeta, 'description'> = {},
): S {
  return schema.meta({ description, ...meta }) as S;
}

/** An RFC 1123 label, the form of most Kubernetes names. */
export const dnsLabel = z
  .string()
  .min(1)
  .max(63)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    'is no name: write lower-case letters, digits and `-`, a letter or digit at both ends',
  );

/** An RFC 1123 subdomain, the form of a Secret's or custom resource's name. */
export const dnsSubdomain = z
  .string()
  .min(1)
  .max(253)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    'is no name: write lower-case letters, digits, `-` and `.`, a letter or digit at both ends',
  );

/** Code of an exchange, e.g. `NSE`, `NFO`, `MCX`. */
export const exchange = z
  .string()
  .min(2)
  .max(10)
  .regex(/^[A-Z][A-Z0-9]{1,9}$/, 'is no exchange: write its code in capitals, such as NSE or NFO');

/** `EXCHANGE:TRADINGSYMBOL`, e.g. `NSE:RELIANCE`, `NFO:NIFTY26JAN24500CE`, `NSE:NIFTY 50`. */
export const instrumentName = z
  .string()
  .min(4)
  .max(80)
  .regex(
    /^[A-Z][A-Z0-9]{1,9}:[A-Z0-9][A-Z0-9 &._-]*$/,
    'is no instrument: write EXCHANGE:TRADINGSYMBOL in capitals, such as NSE:RELIANCE or NSE:NIFTY 50',
  );

/** What the broker sends of an instrument: last price only, a quote, or a quote with market depth. */
export const mode = z.enum(['ltp', 'quote', 'full']);
export type Mode = z.infer<typeof mode>;

/** A calendar date, `YYYY-MM-DD`. */
export const calendarDate = z.iso.date();

/** A time of day, `HH:MM`, 24-hour. */
export const timeOfDay = z
  .string()
  .min(5)
  .max(5)
  .regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'is no time of day: write HH:MM in quotes, such as "09:15" or "15:30"');

/** A time of day at which something ends: `24:00` is the end of the day. */
export const closingTime = z
  .string()
  .min(5)
  .max(5)
  .regex(
    /^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$/,
    'is no time of day: write HH:MM in quotes, such as "15:30", or "24:00" for the end of the day',
  );

/** An IANA time zone name. The rule asks the evaluator's own time zone database. */
export const timeZone = z
  .string()
  .min(1)
  .max(64)
  .regex(
    /^[A-Z][A-Za-z0-9_+-]*(\/[A-Z][A-Za-z0-9_+-]*){0,2}$/,
    'is no time zone: write an IANA name, such as Asia/Kolkata or UTC',
  );
export const timeZoneRule: CelRule = {
  rule: "self != 'Local' && timestamp('2026-01-01T00:00:00Z').getFullYear(self) > 0",
  message: 'no such time zone; write an IANA name, such as Asia/Kolkata or UTC',
};

/** A number of instruments, slices or rows in a status. */
export const count = z.int().min(0).max(1_000_000);

/** metav1.Condition. */
export const condition = z.object({
  type: described(z.string().min(1).max(316), 'Name of the condition.', { examples: ['Ready'] }),
  status: described(z.enum(['True', 'False', 'Unknown']), 'Whether it holds.'),
  observedGeneration: described(z.int().min(0).optional(), 'The generation that this was said of.', { examples: [3] }),
  lastTransitionTime: described(z.iso.datetime({ offset: true }), 'When `status` last changed.', {
    examples: ['2026-01-05T03:45:00Z'],
  }),
  reason: described(
    z
      .string()
      .min(1)
      .max(1024)
      .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/, 'is no reason: write one CamelCase word'),
    'One CamelCase word for programs.',
    { examples: ['Streaming'] },
  ),
  message: described(z.string().max(32768), 'A sentence for people: what is so, and what to do about it.', {
    examples: ['42 of 42 instruments stream'],
  }),
});
export type Condition = z.infer<typeof condition>;

export const conditions = described(z.array(condition).max(16), 'What is so of this object now.', {
  listType: 'map',
  listMapKeys: ['type'],
});

/** The parts of metav1.ObjectMeta that this project reads or writes. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  finalizers?: string[];
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean }[];
  managedFields?: unknown[];
}

/** Any object of the API. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}
