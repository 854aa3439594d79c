import { z } from 'zod';
import type { FieldErrors } from './field-error.ts';
import { checkMetadata } from './metadata.ts';
import { nearest } from './nearest.ts';
import { isRecord } from './structure.ts';

/** The kind of Kubernetes itself that files may hold beside those of this project. */
export const secretKind = 'Secret';

const fields = ['apiVersion', 'kind', 'metadata', 'type', 'immutable', 'data', 'stringData'];
const key = z.string().regex(/^[-._a-zA-Z0-9]{1,253}$/);
const base64 = z.base64();

/** Adds what is wrong with a v1 Secret. No value is ever shown. */
export function checkSecret(object: Record<string, unknown>, errors: FieldErrors): void {
  checkMetadata(object['metadata'], errors);
  for (const field of Object.keys(object)) {
    if (fields.includes(field)) continue;
    const near = nearest(field, fields);
    if (near === undefined) errors.add([field], `unknown field \`${field}\``, 'Put values under stringData.');
    else errors.add([field], `unknown field \`${field}\`; did you mean \`${near}\`?`);
  }
  if (object['type'] !== undefined && typeof object['type'] !== 'string') errors.add(['type'], 'is no text');
  for (const field of ['data', 'stringData']) checkValues(field, object[field], errors);
}

function checkValues(field: string, values: unknown, errors: FieldErrors): void {
  if (values === undefined || values === null) return;
  if (!isRecord(values)) {
    errors.add([field], 'is no mapping', 'Write one line for each key, KEY: VALUE.');
    return;
  }
  for (const [name, value] of Object.entries(values)) {
    if (!key.safeParse(name).success) {
      errors.add([field, name], 'is no key of a Secret', 'Write letters, digits, `-`, `_` and `.`.');
    }
    if (typeof value !== 'string') errors.add([field, name], 'is no text', 'Put the value in quotes.');
    else if (field === 'data' && !base64.safeParse(value).success) {
      errors.add([field, name], 'is not base64', 'Put the value itself under stringData instead.');
    }
  }
}
