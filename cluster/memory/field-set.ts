import { isRecord, type JsonObject } from './json.ts';

/**
 * A set of field paths as a tree. A path's elements are written as in `metadata.managedFields` (FieldsV1):
 * `f:name` a member of a map, `k:{"type":"Ready"}` an item of a keyed list, `v:"x"` an item of a set.
 * Source: sigs.k8s.io/structured-merge-diff, `fieldpath`.
 */
export interface FieldSet {
  /** The path that leads here is in the set itself. */
  readonly member: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

const nothing: ReadonlyMap<string, FieldSet> = new Map();
export const emptySet: FieldSet = { member: false, children: nothing };
/** The set of only the path that leads to it. */
export const leaf: FieldSet = { member: true, children: nothing };

export function isEmpty(set: FieldSet): boolean {
  return !set.member && set.children.size === 0;
}

/** A set of these, without children that are empty. What only one of two sets has is taken from it as it is. */
function setOf(member: boolean, children: Map<string, FieldSet>): FieldSet {
  if (children.size > 0) return { member, children };
  return member ? leaf : emptySet;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmpty(b)) return a;
  if (isEmpty(a)) return b;
  const children = new Map(a.children);
  for (const [element, child] of b.children) {
    const other = children.get(element);
    children.set(element, other === undefined ? child : union(other, child));
  }
  return setOf(a.member || b.member, children);
}

export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a) || isEmpty(b)) return a;
  if (a === b) return emptySet;
  const children = new Map<string, FieldSet>();
  for (const [element, child] of a.children) {
    const other = b.children.get(element);
    const left = other === undefined ? child : difference(child, other);
    if (!isEmpty(left)) children.set(element, left);
  }
  return setOf(a.member && !b.member, children);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a) || isEmpty(b)) return emptySet;
  if (a === b) return a;
  const children = new Map<string, FieldSet>();
  for (const [element, child] of a.children) {
    const other = b.children.get(element);
    if (other === undefined) continue;
    const both = intersection(child, other);
    if (!isEmpty(both)) children.set(element, both);
  }
  return setOf(a.member && b.member, children);
}

/** Whether everything in `b` is in `a`. */
export function covers(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  if (b.member && !a.member) return false;
  for (const [element, child] of b.children) if (!covers(a.children.get(element) ?? emptySet, child)) return false;
  return true;
}

/** `former` where it is the same set: what was made of it once need not be made again. */
export function reuse(former: FieldSet | undefined, set: FieldSet): FieldSet {
  return former !== undefined && equalSets(former, set) ? former : set;
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  return (
    a.member === b.member &&
    a.children.size === b.children.size &&
    [...a.children].every(([element, child]) => equalSets(child, b.children.get(element) ?? emptySet))
  );
}

/** A set under construction. */
export class FieldSetBuilder {
  #member = false;
  readonly #children = new Map<string, FieldSetBuilder>();

  insert(path: readonly string[]): void {
    let node: FieldSetBuilder = this;
    for (const element of path) {
      let child = node.#children.get(element);
      if (child === undefined) {
        child = new FieldSetBuilder();
        node.#children.set(element, child);
      }
      node = child;
    }
    node.#member = true;
  }

  build(): FieldSet {
    const children = new Map<string, FieldSet>();
    for (const [element, child] of this.#children) children.set(element, child.build());
    return { member: this.#member, children };
  }
}

/** `metadata.managedFields[].fieldsV1`. */
export function toFieldsV1(set: FieldSet): JsonObject {
  const fields: JsonObject = {};
  if (set.member && set.children.size > 0) fields['.'] = {};
  for (const [element, child] of set.children) fields[element] = toFieldsV1(child);
  return fields;
}

export function fromFieldsV1(fields: unknown): FieldSet {
  if (!isRecord(fields)) return emptySet;
  const read = (node: JsonObject): FieldSet => {
    const children = new Map<string, FieldSet>();
    for (const [element, child] of Object.entries(node)) {
      if (element !== '.' && isRecord(child)) children.set(element, read(child));
    }
    return { member: '.' in node || children.size === 0, children };
  };
  const root = read(fields);
  return { member: false, children: root.children };
}

/** The paths in the set as people write them, e.g. `.status.conditions[type="Ready"].status`. */
export function describePaths(set: FieldSet, prefix = ''): string[] {
  const paths = set.member ? [prefix || '.'] : [];
  for (const [element, child] of set.children) paths.push(...describePaths(child, prefix + describeElement(element)));
  return paths;
}

function describeElement(element: string): string {
  const rest = element.slice(2);
  if (element.startsWith('f:')) return `.${rest}`;
  if (element.startsWith('v:')) return `[=${rest}]`;
  const keys: unknown = JSON.parse(rest);
  const pairs = isRecord(keys) ? Object.entries(keys) : [];
  return `[${pairs.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
}
