import { createHash } from 'node:crypto';
import type { KubeObject } from '../../crds/index.ts';

/** The operator's field manager, and the component of its events. */
export const fieldManager = 'ticker-operator';

/** `namespace/name`. */
export function idOf({ metadata }: Pick<KubeObject, 'metadata'>): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

/** Namespace and name of `namespace/name`. */
export function splitId(id: string): { readonly namespace: string; readonly name: string } {
  const slash = id.indexOf('/');
  return { namespace: id.slice(0, slash), name: id.slice(slash + 1) };
}

/** Name of the slice for one connection of an account; unique in the namespace. */
export function sliceName(account: string, connection: number): string {
  return `${shortened(account, 240)}-c${connection}`;
}

/** `namespace/name` of the slice for one connection of an account. @param account `namespace/name` */
export function sliceId(account: string, connection: number): string {
  const { namespace, name } = splitId(account);
  return `${namespace}/${sliceName(name, connection)}`;
}

/** A value for a label (63 characters at most): the name itself, or its beginning and a hash of the whole. */
export function labelValue(name: string): string {
  return shortened(name, 63);
}

function shortened(name: string, most: number): string {
  if (name.length <= most) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 10);
  return `${name.slice(0, most - 11).replace(/[-.]+$/, '')}-${hash}`;
}
