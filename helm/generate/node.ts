import { z } from 'zod';
import { valuesSchema } from '../values/index.ts';

/** A value as JSON Schema (draft 7) describes it; `hint` goes with `pattern`. */
export interface ValueNode {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  pattern?: string;
  hint?: string;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, ValueNode>;
  additionalProperties?: ValueNode | boolean;
  items?: ValueNode;
  anyOf?: ValueNode[];
  required?: string[];
  [more: string]: unknown;
}

/** All values, as a tree. */
export function valuesTree(): ValueNode {
  return z.toJSONSchema(valuesSchema, { io: 'input', target: 'draft-7' }) as ValueNode;
}

/** Whether it has values of its own below it, rather than being one. */
export function isSection({ properties, default: usual }: ValueNode): boolean {
  return properties !== undefined && (usual === undefined || Object.keys(usual as object).length === 0);
}

/** What the value is where nobody sets it. */
export function defaultOf(node: ValueNode): unknown {
  if (!isSection(node)) return node.default;
  const entries = Object.entries(node.properties ?? {}).map(([name, child]) => [name, defaultOf(child)]);
  return Object.fromEntries(entries);
}

/** Every value that is no section, with its path, e.g. `redis.auth.secretName`. */
export function leaves(node: ValueNode, path = ''): { path: string; node: ValueNode }[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const own = path === '' ? name : `${path}.${name}`;
    return isSection(child) ? leaves(child, own) : [{ path: own, node: child }];
  });
}
