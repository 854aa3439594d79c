import type { KubeObject } from '../crds/index.ts';
import { defineError } from '../runtime/errors.ts';
import type { ObjectName } from './cluster.ts';
import { compareVersions } from './resource-version.ts';

export type Change<T> =
  | { readonly type: 'ADDED'; readonly object: T }
  | { readonly type: 'MODIFIED'; readonly object: T; readonly old: T }
  | { readonly type: 'DELETED'; readonly object: T };

/** Keys under which an object is found in an index. */
export type Indexer<T> = (object: T) => readonly string[];

/** Objects that a store holds at most, unless it is told otherwise. */
export const maxObjects = 50_000;

export const storeFull = defineError(
  'CACHE_FULL',
  'terminal',
  'Watch fewer objects (a namespace, a label selector), or raise the limit of the cache.',
);

/** `namespace/name`, or the name alone of a kind without namespaces. */
export function keyOf({ namespace, name }: ObjectName): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** The reverse of {@link keyOf}. */
export function parseKey(key: string): ObjectName {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/**
 * Objects of one kind by name and by index, and what changes from one state to the next. One name with another UID is
 * another object: the former is DELETED, then the new one ADDED. Events that come twice, or late, change nothing.
 */
export class Store<T extends KubeObject> {
  readonly #indexers: Readonly<Record<string, Indexer<T>>>;
  readonly #limit: number;
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Map<string, Set<string>>>();

  constructor(indexers: Readonly<Record<string, Indexer<T>>> = {}, limit = maxObjects) {
    this.#indexers = indexers;
    this.#limit = limit;
    for (const name of Object.keys(indexers)) this.#indexes.set(name, new Map());
  }

  get size(): number {
    return this.#objects.size;
  }

  get(name: ObjectName): T | undefined {
    return this.#objects.get(keyOf(name));
  }

  list(namespace?: string): T[] {
    const all = [...this.#objects.values()];
    return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
  }

  /** Objects that the index `name` has under `key`. */
  byIndex(name: string, key: string): T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`there is no index ${name}`);
    return [...(index.get(key) ?? [])].map((object) => this.#objects.get(object)!);
  }

  /** The object as it is now. Throws `CACHE_FULL` where there is no room for it. */
  apply(object: T): Change<T>[] {
    const key = keyOf(object.metadata);
    const old = this.#objects.get(key);
    if (old === undefined) return [this.#add(key, object)];
    if (old.metadata.uid !== object.metadata.uid) {
      // Of two objects of one name the later created is the one that is there: a late event of the former is none.
      if (isOlder(object, old)) return [];
      this.#drop(key, old);
      return [{ type: 'DELETED', object: old }, this.#add(key, object)];
    }
    if (old.metadata.resourceVersion === object.metadata.resourceVersion || isOlder(object, old)) return [];
    this.#unindex(key, old);
    this.#objects.set(key, object);
    this.#index(key, object);
    return [{ type: 'MODIFIED', object, old }];
  }

  /** The object is gone; its last state. */
  remove(object: T): Change<T>[] {
    const key = keyOf(object.metadata);
    const old = this.#objects.get(key);
    if (old === undefined || old.metadata.uid !== object.metadata.uid) return [];
    this.#drop(key, old);
    return [{ type: 'DELETED', object }];
  }

  /** Everything that there is now. Deletions come first. */
  replaceAll(objects: readonly T[]): Change<T>[] {
    const uids = new Map(objects.map((object) => [keyOf(object.metadata), object.metadata.uid]));
    const changes: Change<T>[] = [];
    for (const [key, old] of [...this.#objects]) {
      if (uids.has(key) && uids.get(key) === old.metadata.uid) continue;
      this.#drop(key, old);
      changes.push({ type: 'DELETED', object: old });
    }
    for (const object of objects) changes.push(...this.apply(object));
    return changes;
  }

  #add(key: string, object: T): Change<T> {
    if (this.#objects.size >= this.#limit) {
      throw storeFull(`the cache of ${object.kind} objects is full: it holds ${this.#limit}`);
    }
    this.#objects.set(key, object);
    this.#index(key, object);
    return { type: 'ADDED', object };
  }

  #drop(key: string, old: T): void {
    this.#objects.delete(key);
    this.#unindex(key, old);
  }

  #index(key: string, object: T): void {
    for (const [name, index] of this.#indexes) {
      for (const at of this.#indexers[name]!(object)) {
        const keys = index.get(at) ?? new Set();
        index.set(at, keys.add(key));
      }
    }
  }

  #unindex(key: string, object: T): void {
    for (const [name, index] of this.#indexes) {
      for (const at of this.#indexers[name]!(object)) {
        const keys = index.get(at);
        keys?.delete(key);
        if (keys?.size === 0) index.delete(at);
      }
    }
  }
}

function isOlder(a: KubeObject, b: KubeObject): boolean {
  return compareVersions(a.metadata.resourceVersion ?? '', b.metadata.resourceVersion ?? '') < 0;
}
