import { invalid } from '../errors.ts';

/** A JSON object whose members are not known yet. */
export type JsonObject = Record<string, unknown>;

export function isRecord(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The member of that name when it is an object, else an empty one. */
export function recordAt(value: unknown, key: string): JsonObject {
  const member = isRecord(value) ? value[key] : undefined;
  return isRecord(member) ? member : {};
}

/**
 * A copy as it would come off the wire: members that are undefined are gone. What JSON cannot hold is refused
 * (`CLUSTER_INVALID`) with its path, rather than turned into something else.
 */
export function toJson(value: unknown, path = ''): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw invalid(`${path || 'the object'}: ${value} is not a JSON number`);
      return Object.is(value, -0) ? 0 : value;
    case 'object':
      break;
    default:
      throw invalid(`${path || 'the object'}: a ${typeof value} is not JSON`);
  }
  if (value === null) return null;
  if (Array.isArray(value)) return value.map((item, index) => toJson(item, `${path}[${index}]`));
  const copy: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) copy[key] = toJson(member, `${path}.${key}`);
  }
  return copy;
}

/** Whether two JSON values are the same, whatever the order of members. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => equalJson(item, b[index]));
  }
  if (!isRecord(a) || !isRecord(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equalJson(a[key], b[key]))
  );
}

/**
 * `next` with every part that equals that of `former` at the same place taken from `former`; `former` itself where all
 * of it does. So versions of an object share what did not change.
 */
export function share(former: unknown, next: unknown): unknown {
  if (former === next) return former;
  if (Array.isArray(former) && Array.isArray(next)) {
    const items = next.map((item, index) => share(former[index], item));
    return items.length === former.length && items.every((item, index) => item === former[index]) ? former : items;
  }
  if (!isRecord(former) || !isRecord(next)) return next;
  const keys = Object.keys(next);
  const shared = Object.fromEntries(keys.map((key) => [key, share(former[key], next[key])]));
  const same = keys.length === Object.keys(former).length && keys.every((key) => shared[key] === former[key]);
  return same && keys.every((key) => Object.hasOwn(former, key)) ? former : shared;
}

/** Freezes a tree in place. What is frozen already is taken to be so all the way down. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}

/** A copy without these members. */
export function omit(value: JsonObject, ...keys: string[]): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}
