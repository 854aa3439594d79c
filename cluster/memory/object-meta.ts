import { dnsSubdomain, type KubeObject } from '../../crds/index.ts';
import { isRecord, type JsonObject, recordAt } from './json.ts';

const namePart = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
/** Bytes of all annotations of an object. */
const maxAnnotationBytes = 256 * 1024;

export function isKubeObject(value: unknown): value is KubeObject {
  return (
    isRecord(value) &&
    typeof value['apiVersion'] === 'string' &&
    typeof value['kind'] === 'string' &&
    typeof recordAt(value, 'metadata')['name'] === 'string'
  );
}

/** What is wrong with an object's metadata, by the API server's rules. */
export function validateMeta(metadata: JsonObject): string[] {
  const errors: string[] = [];
  const { name, labels, annotations, finalizers, ownerReferences } = metadata;
  if (name === undefined || name === '') errors.push('metadata.name: is required');
  else if (!dnsSubdomain.safeParse(name).success) {
    errors.push(
      "metadata.name: must consist of lower case letters, digits, '-' or '.' (RFC 1123), e.g. `nifty-weekly`",
    );
  }
  for (const [key, value] of entries(labels, 'labels', errors)) {
    checkQualifiedName(key, `metadata.labels[${key}]`, errors);
    if (typeof value !== 'string' || value.length > 63 || (value !== '' && !namePart.test(value))) {
      errors.push(
        `metadata.labels[${key}]: the value must be 63 characters or less of letters, digits, '-', '_' or '.'`,
      );
    }
  }
  let bytes = 0;
  for (const [key, value] of entries(annotations, 'annotations', errors)) {
    checkQualifiedName(key.toLowerCase(), `metadata.annotations[${key}]`, errors);
    if (typeof value !== 'string') errors.push(`metadata.annotations[${key}]: the value must be a string`);
    else bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > maxAnnotationBytes) errors.push(`metadata.annotations: must have at most ${maxAnnotationBytes} bytes`);
  for (const finalizer of list(finalizers)) {
    if (typeof finalizer !== 'string') errors.push('metadata.finalizers: must be strings');
    else checkQualifiedName(finalizer, 'metadata.finalizers', errors);
  }
  for (const reference of list(ownerReferences)) {
    for (const field of ['apiVersion', 'kind', 'name', 'uid']) {
      if (!isRecord(reference) || typeof reference[field] !== 'string' || reference[field] === '') {
        errors.push(`metadata.ownerReferences.${field}: must not be empty`);
      }
    }
  }
  return errors;
}

function entries(value: unknown, field: string, errors: string[]): [string, unknown][] {
  if (value !== undefined && !isRecord(value)) errors.push(`metadata.${field}: must be a map of strings`);
  return isRecord(value) ? Object.entries(value) : [];
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function checkQualifiedName(key: string, path: string, errors: string[]): void {
  const slash = key.indexOf('/');
  const name = key.slice(slash + 1);
  const prefixFits = slash < 0 || dnsSubdomain.safeParse(key.slice(0, slash)).success;
  if (!prefixFits || name.length > 63 || !namePart.test(name)) {
    errors.push(`${path}: must be a qualified name, e.g. \`example.com/name\``);
  }
}

/** Finalizers that `next` has and `live` has not. */
export function addedFinalizers(live: KubeObject, next: KubeObject): string[] {
  const before = new Set(live.metadata.finalizers ?? []);
  return (next.metadata.finalizers ?? []).filter((finalizer) => !before.has(finalizer));
}
