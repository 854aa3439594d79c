import { z } from 'zod';
import type { FieldErrors } from './field-error.ts';
import { nearest } from './nearest.ts';
import { dnsLabel, dnsSubdomain } from './schema.ts';
import { isRecord } from './structure.ts';
import { addIssues } from './zod-issues.ts';

const qualifiedName = z
  .string()
  .max(317)
  .regex(
    /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'is no label key: write [PREFIX/]NAME, a name of at most 63 letters, digits, `-`, `_` and `.`',
  );
const labelValue = z
  .string()
  .max(63)
  .regex(
    /^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?$/,
    'is no label value: write letters, digits, `-`, `_` and `.`, a letter or digit at both ends',
  );

/** metav1.ObjectMeta, as far as a person may write it wrongly. */
const metadata = z.object({
  name: dnsSubdomain,
  namespace: dnsLabel.optional(),
  labels: z.record(qualifiedName, labelValue).optional(),
  annotations: z.record(qualifiedName, z.string()).optional(),
  finalizers: z.array(z.string().min(1).max(317)).optional(),
});

const knownFields = [
  ...['name', 'generateName', 'namespace', 'labels', 'annotations', 'finalizers', 'ownerReferences', 'uid'],
  ...['resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'],
  ...['managedFields', 'selfLink'],
];

/** Adds what is wrong with an object's metadata. @param old as it is stored: what is still the same has passed */
export function checkMetadata(value: unknown, errors: FieldErrors, old?: unknown): void {
  if (!isRecord(value)) {
    errors.add(['metadata'], value === undefined ? 'is missing' : 'is no mapping', 'Write metadata with a name.');
    return;
  }
  const fields = Object.keys(value);
  if (isRecord(old) && fields.every((field) => value[field] === old[field])) return;
  for (const field of fields) {
    if (knownFields.includes(field)) continue;
    const near = nearest(field, knownFields);
    if (near !== undefined) errors.add(['metadata', field], `unknown field \`${field}\`; did you mean \`${near}\`?`);
    else
      errors.add(['metadata', field], `unknown field \`${field}\``, 'Remove it, or make it a label or an annotation.');
  }
  const present = Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
  const result = metadata.safeParse(present);
  if (!result.success) addIssues(result.error.issues, present, ['metadata'], errors);
}
