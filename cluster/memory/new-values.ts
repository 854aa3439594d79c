import type { KubeObject } from '../../crds/index.ts';
import { isRecord, type JsonObject, recordAt } from './json.ts';
import type { WriteContext } from './write.ts';

/**
 * The shortest way through a replace, for the most frequent one: a holder that renews its lease. Where the writer is the
 * object's only manager, and only values of members of its own are new, nothing changes hands and nothing comes or goes.
 *
 * @returns undefined where it is not so, or nothing is new: then the long way decides
 */
export function withNewValues(
  { kind, by }: WriteContext,
  live: KubeObject,
  sent: JsonObject,
): { readonly object: JsonObject; readonly before: JsonObject } | undefined {
  const [entry, ...others] = Array.isArray(live.metadata.managedFields) ? live.metadata.managedFields : [];
  if (kind.custom || kind.normalise !== undefined || !isRecord(entry) || others.length > 0) return undefined;
  const { manager, operation, apiVersion, subresource, fieldsV1 } = entry;
  if (manager !== by.name || operation !== by.operation || apiVersion !== by.apiVersion) return undefined;
  if (subresource !== undefined || by.subresource !== '' || live.metadata.deletionTimestamp !== undefined)
    return undefined;
  const before: JsonObject = { ...live };
  const keys = Object.keys(sent);
  if (keys.length !== Object.keys(before).length || !sameMetadata(live, sent)) return undefined;
  let news = false;
  for (const key of keys) {
    if (key === 'metadata' || sent[key] === before[key]) continue;
    if (!onlyValuesDiffer(before[key], sent[key], recordAt(fieldsV1, `f:${key}`))) return undefined;
    news = true;
  }
  if (!news) return undefined;
  const managedFields = entry['time'] === by.time ? live.metadata.managedFields : [{ ...entry, time: by.time }];
  return { object: { ...before, ...sent, metadata: { ...live.metadata, managedFields } }, before };
}

/** What is judged of the metadata, and what the server keeps, is as it is. Empty maps are left out, as they are stored. */
function sameMetadata(live: KubeObject, sent: JsonObject): boolean {
  const before: JsonObject = { ...live.metadata };
  const metadata = recordAt(sent, 'metadata');
  for (const key in metadata) {
    const member = metadata[key];
    if (member === before[key] || key === 'managedFields') continue;
    if (before[key] !== undefined || !isRecord(member) || Object.keys(member).length > 0) return false;
  }
  for (const key in before) if (!(key in metadata) && key !== 'managedFields') return false;
  return true;
}

function onlyValuesDiffer(before: unknown, after: unknown, owned: JsonObject): boolean {
  if (!isRecord(before) || !isRecord(after)) return false;
  const keys = Object.keys(after);
  if (keys.length !== Object.keys(before).length) return false;
  return keys.every((key) => {
    const value = after[key];
    if (value === before[key]) return true;
    const isValue = typeof value === 'string' || typeof value === 'number';
    return isValue && typeof before[key] === typeof value && owned[`f:${key}`] !== undefined;
  });
}
