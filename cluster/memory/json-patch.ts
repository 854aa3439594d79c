import type { PatchOperation } from '../cluster.ts';
import { invalid } from '../errors.ts';
import { equalJson, isRecord, toJson } from './json.ts';

/** Applies a JSON Patch (RFC 6902) to a copy. A `test` that fails or a path that is not there is `CLUSTER_INVALID`. */
export function applyPatch(document: unknown, operations: readonly PatchOperation[]): unknown {
  let root = toJson(document);
  for (const operation of operations) {
    const path = parsePointer(operation.path);
    const last = path.pop();
    if (last === undefined) {
      if (operation.op === 'test') expectEqual(operation, root);
      else if (operation.op === 'remove') throw invalid('patch: the whole document cannot be removed');
      else root = toJson(operation.value);
      continue;
    }
    let parent: unknown = root;
    for (const key of path) parent = child(parent, key, operation);
    if (Array.isArray(parent)) changeArray(parent, last, operation);
    else if (isRecord(parent)) changeRecord(parent, last, operation);
    else throw missing(operation);
  }
  return root;
}

/** RFC 6901: `~1` stands for a slash, `~0` for a tilde. */
function parsePointer(pointer: string): string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw invalid(`patch: path ${pointer} does not start with a slash`);
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function missing(operation: PatchOperation): Error {
  return invalid(`patch: ${operation.op} ${operation.path}: there is no such path`);
}

function child(parent: unknown, key: string, operation: PatchOperation): unknown {
  const value = Array.isArray(parent) ? parent[indexOf(key, parent.length, operation)] : undefined;
  if (Array.isArray(parent)) return value;
  if (isRecord(parent) && Object.hasOwn(parent, key)) return parent[key];
  throw missing(operation);
}

function indexOf(key: string, bound: number, operation: PatchOperation): number {
  if (!/^(0|[1-9][0-9]*)$/.test(key) || Number(key) >= bound) throw missing(operation);
  return Number(key);
}

function expectEqual(operation: PatchOperation, value: unknown): void {
  // The values stay out of the message: they may be a Secret's.
  if (!equalJson(toJson(operation.value), value)) throw invalid(`patch: test ${operation.path} failed`);
}

function changeArray(parent: unknown[], key: string, operation: PatchOperation): void {
  if (operation.op === 'add') {
    const index = key === '-' ? parent.length : indexOf(key, parent.length + 1, operation);
    parent.splice(index, 0, toJson(operation.value));
    return;
  }
  const index = indexOf(key, parent.length, operation);
  if (operation.op === 'test') expectEqual(operation, parent[index]);
  else if (operation.op === 'remove') parent.splice(index, 1);
  else parent[index] = toJson(operation.value);
}

function changeRecord(parent: Record<string, unknown>, key: string, operation: PatchOperation): void {
  if (operation.op === 'add') {
    parent[key] = toJson(operation.value);
    return;
  }
  if (!Object.hasOwn(parent, key)) throw missing(operation);
  if (operation.op === 'test') expectEqual(operation, parent[key]);
  else if (operation.op === 'remove') delete parent[key];
  else parent[key] = toJson(operation.value);
}
