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
 *
 * @param former parts that equal those of it at the same place are taken from it instead of being copied
 */
export function toJson(value: unknown, former?: unknown): unknown {
  const path: (string | number)[] = [];
  const copy = (current: unknown, before: unknown): unknown => {
    if (typeof current === 'string' || typeof current === 'boolean' || current === null) return current;
    if (typeof current === 'number') {
      if (!Number.isFinite(current)) throw invalid(`${shownPath(path)}: ${current} is not a JSON number`);
      return Object.is(current, -0) ? 0 : current;
    }
    if (typeof current !== 'object') {
      throw invalid(`${shownPath(path)}: a ${typeof current} is not JSON`);
    }
    if (current === before && Object.isFrozen(current)) return current;
    return Array.isArray(current) ? copyList(current, before) : copyRecord(current as JsonObject, before);
  };
  const copyList = (current: readonly unknown[], before: unknown): unknown => {
    const known = Array.isArray(before) ? before : undefined;
    let same = known !== undefined && known.length === current.length;
    const items = current.map((item, index) => {
      path.push(index);
      const next = copy(item, known?.[index]);
      path.pop();
      same &&= next === known?.[index];
      return next;
    });
    return same ? before : items;
  };
  const copyRecord = (current: JsonObject, before: unknown): unknown => {
    const known = isRecord(before) ? before : undefined;
    const result: JsonObject = {};
    let members = 0;
    let same = known !== undefined;
    for (const key of Object.keys(current)) {
      const member = current[key];
      if (member === undefined) continue;
      path.push(key);
      const next = copy(member, known?.[key]);
      path.pop();
      result[key] = next;
      members++;
      same &&= next === known?.[key];
    }
    return same && known !== undefined && Object.keys(known).length === members ? before : result;
  };
  return copy(value, former);
}

function shownPath(path: readonly (string | number)[]): string {
  return path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('') || 'the object';
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
    let same = former.length === next.length;
    const items = next.map((item, index) => {
      const shared = share(former[index], item);
      same &&= shared === former[index];
      return shared;
    });
    return same ? former : items;
  }
  if (!isRecord(former) || !isRecord(next)) return next;
  const keys = Object.keys(next);
  const shared: JsonObject = {};
  let same = keys.length === Object.keys(former).length;
  for (const key of keys) {
    const member = share(former[key], next[key]);
    shared[key] = member;
    same &&= member === former[key] && Object.hasOwn(former, key);
  }
  return same ? former : shared;
}

/** Freezes a tree in place. What is frozen already is taken to be so all the way down. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    if (Array.isArray(value)) for (const item of value) deepFreeze(item);
    else for (const key in value) deepFreeze(value[key]);
  }
  return value;
}

/** A copy without these members. */
export function omit(value: JsonObject, ...keys: string[]): JsonObject {
  const rest: JsonObject = {};
  for (const key of Object.keys(value)) if (!keys.includes(key)) rest[key] = value[key];
  return rest;
}

/** Whether an object has more bytes than `most` as JSON. It is written out only where a bound that is quick to add up is passed. */
export function exceeds(value: object, most: number): boolean {
  let bytes = 2;
  for (const [key, member] of Object.entries(value)) bytes += key.length * 6 + 4 + knownBoundOf(member);
  return bytes > most && Buffer.byteLength(JSON.stringify(value)) > most;
}

const bounds = new WeakMap<object, number>();

/** {@link boundOf}, added up once for what is frozen: most writes leave all but one part of an object as it is. */
function knownBoundOf(value: unknown): number {
  if (typeof value !== 'object' || value === null || !Object.isFrozen(value)) return boundOf(value);
  let bound = bounds.get(value);
  if (bound === undefined) {
    bound = boundOf(value);
    bounds.set(value, bound);
  }
  return bound;
}

/** At least the bytes of a value as JSON: no character takes more than six. */
function boundOf(value: unknown): number {
  if (typeof value === 'string') return value.length * 6 + 2;
  if (typeof value !== 'object' || value === null) return 25;
  let bytes = 2;
  if (Array.isArray(value)) for (const item of value) bytes += boundOf(item) + 1;
  else for (const key in value) bytes += key.length * 6 + 4 + boundOf((value as JsonObject)[key]);
  return bytes;
}
