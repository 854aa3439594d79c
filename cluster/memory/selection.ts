import type { KubeObject } from '../../crds/index.ts';
import type { ListOptions, WatchEvent } from '../cluster.ts';
import type { Change } from './event-log.ts';
import { deepFreeze } from './json.ts';

/** Whether an object is one of those that a list or watch asks for. */
export function matches(object: KubeObject, { namespace, name, labels }: ListOptions): boolean {
  if (namespace !== undefined && object.metadata.namespace !== namespace) return false;
  if (name !== undefined && object.metadata.name !== name) return false;
  if (labels === undefined) return true;
  const actual = object.metadata.labels ?? {};
  for (const key of Object.keys(labels)) {
    if (!Object.hasOwn(actual, key) || actual[key] !== labels[key]) return false;
  }
  return true;
}

/**
 * A change as a watch with this selection sees it: an object that starts to match is ADDED, one that stops is DELETED,
 * with its last matching state under the version of the change.
 */
export function eventFor<T extends KubeObject>(change: Change, options: ListOptions): WatchEvent<T> | undefined {
  const before = change.before !== undefined && matches(change.before, options) ? change.before : undefined;
  const after = change.after !== undefined && matches(change.after, options) ? change.after : undefined;
  if (after !== undefined) return { type: before === undefined ? 'ADDED' : 'MODIFIED', object: after as T };
  if (before === undefined) return undefined;
  const metadata = { ...before.metadata, resourceVersion: String(change.version) };
  return { type: 'DELETED', object: deepFreeze({ ...before, metadata }) as T };
}
