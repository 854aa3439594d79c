import { isRecord, type JsonObject, recordAt } from './json.ts';

/** What the API server does to, and asks of, objects of its own kinds. Each returns what is wrong; names fields, never values. */

const base64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const secretKey = /^[-._a-zA-Z0-9]{1,253}$/;
/** Bytes of all values of a Secret. */
const maxSecretBytes = 1024 * 1024;

/** `stringData` is written into `data` and forgotten; `type` is `Opaque` unless said. */
export function normaliseSecret(secret: JsonObject): JsonObject {
  const { stringData, ...rest } = secret;
  const type = typeof secret['type'] === 'string' && secret['type'] !== '' ? secret['type'] : 'Opaque';
  if (!isRecord(stringData)) return { ...rest, type };
  const folded = Object.entries(stringData).map(([key, value]) => [key, Buffer.from(String(value)).toString('base64')]);
  return { ...rest, type, data: { ...recordAt(secret, 'data'), ...Object.fromEntries(folded) } };
}

export function validateSecret(secret: JsonObject, old: JsonObject | undefined): string[] {
  const errors: string[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(recordAt(secret, 'data'))) {
    if (!secretKey.test(key)) errors.push(`data[${key}]: a key consists of letters, digits, '-', '_' or '.'`);
    if (typeof value !== 'string' || !base64.test(value)) errors.push(`data[${key}]: must be base64`);
    else bytes += Math.floor((value.length * 3) / 4);
  }
  if (bytes > maxSecretBytes) errors.push(`data: must have at most ${maxSecretBytes} bytes`);
  if (old !== undefined && old['type'] !== secret['type']) errors.push('type: field is immutable');
  if (old?.['immutable'] === true) {
    if (secret['immutable'] !== true) errors.push('immutable: field is immutable when `immutable` is set');
    if (JSON.stringify(old['data']) !== JSON.stringify(secret['data'])) {
      errors.push('data: field is immutable when `immutable` is set');
    }
  }
  return errors;
}

/** metav1.MicroTime: RFC 3339 with six digits. */
const microTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/;

export function validateLease(lease: JsonObject): string[] {
  const spec = recordAt(lease, 'spec');
  const errors: string[] = [];
  for (const field of ['acquireTime', 'renewTime']) {
    const time = spec[field];
    if (time !== undefined && (typeof time !== 'string' || !microTime.test(time))) {
      errors.push(`spec.${field}: must be RFC 3339 with microseconds`);
    }
  }
  const { leaseDurationSeconds: duration, leaseTransitions: transitions } = spec;
  if (duration !== undefined && !(Number.isInteger(duration) && Number(duration) > 0)) {
    errors.push('spec.leaseDurationSeconds: must be greater than 0');
  }
  if (transitions !== undefined && !(Number.isInteger(transitions) && Number(transitions) >= 0)) {
    errors.push('spec.leaseTransitions: must be greater than or equal to 0');
  }
  return errors;
}

export function validateEvent(event: JsonObject): string[] {
  const involved = recordAt(event, 'involvedObject');
  const namespace = recordAt(event, 'metadata')['namespace'];
  const errors: string[] = [];
  if ((involved['namespace'] ?? 'default') !== namespace) {
    errors.push('involvedObject.namespace: does not match metadata.namespace');
  }
  return errors;
}
