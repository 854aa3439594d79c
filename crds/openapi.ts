import { z } from 'zod';
import type { CelRule, NodeMeta } from './schema.ts';

/** A rule as a CRD carries it (`x-kubernetes-validations`). */
export type ValidationRule = CelRule;

/**
 * A node of a structural schema: the subset of OpenAPI v3 that a CustomResourceDefinition may hold
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema).
 */
export interface StructuralSchema {
  type: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  description?: string;
  /** One value that is valid here; for the reference pages, not written to the CRD. */
  example?: unknown;
  default?: unknown;
  format?: string;
  enum?: unknown[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  required?: string[];
  properties?: Record<string, StructuralSchema>;
  additionalProperties?: StructuralSchema;
  items?: StructuralSchema;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-validations'?: ValidationRule[];
  /** Why this field cannot be used yet; for the reference pages, not written to the CRD. */
  unavailable?: string;
}

/** What zod's JSON Schema of these kinds may contain; anything else is refused, so that nothing is lost in silence. */
const translated = new Set([
  ...['type', 'description', 'default', 'format', 'enum', 'pattern', 'minLength', 'maxLength', 'minimum', 'maximum'],
  ...['minItems', 'maxItems', 'required', 'properties', 'additionalProperties', 'items'],
  ...['examples', 'cel', 'listType', 'listMapKeys', 'maxProperties', 'unavailable', 'id'],
]);

/** A zod schema as a structural schema. Throws for what a CRD cannot express. */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  return translate(z.toJSONSchema(schema, { io: 'input', target: 'openapi-3.0' }), '');
}

type JsonSchema = z.core.JSONSchema.BaseSchema & NodeMeta;

function translate(json: JsonSchema, path: string): StructuralSchema {
  for (const key of Object.keys(json)) {
    if (!translated.has(key)) throw new Error(`${path || 'schema'}: a CRD cannot express '${key}'`);
  }
  const { type } = json;
  if (type === undefined || type === 'null' || Array.isArray(type))
    throw new Error(`${path || 'schema'}: a CRD node needs one type`);
  const node: StructuralSchema = { type };
  if (json.description !== undefined) node.description = json.description;
  if (json.examples?.[0] !== undefined) node.example = json.examples[0];
  if (type === 'object') translateObject(json, node, path);
  else if (type === 'array') translateArray(json, node, path);
  else translateScalar(json, node);
  if (json.default !== undefined) node.default = completed(node, json.default);
  const rules = [...(json.cel ?? []), ...unavailableRules(json, node)];
  if (rules.length > 0) node['x-kubernetes-validations'] = rules;
  if (json.unavailable !== undefined) node.unavailable = json.unavailable.reason;
  return node;
}

/** A default with the defaults below it: the API server runs the rules on it as it stands. */
function completed(node: StructuralSchema, value: unknown): unknown {
  if (node.type !== 'object' || typeof value !== 'object' || value === null) return value;
  const result: Record<string, unknown> = { ...value };
  for (const [name, property] of Object.entries(node.properties ?? {})) {
    if (result[name] === undefined && property.default !== undefined) result[name] = property.default;
  }
  return result;
}

function translateObject(json: JsonSchema, node: StructuralSchema, path: string): void {
  if (json.properties !== undefined) {
    node.properties = {};
    for (const [name, property] of Object.entries(json.properties)) {
      if (typeof property !== 'boolean') node.properties[name] = translate(property, `${path}.${name}`);
    }
    if (json.required !== undefined && json.required.length > 0) node.required = [...json.required];
  } else if (typeof json.additionalProperties === 'object') {
    node.additionalProperties = translate(json.additionalProperties, `${path}.*`);
    if (json.maxProperties === undefined) throw new Error(`${path}: a map needs maxProperties`);
    node.maxProperties = json.maxProperties;
  }
}

function translateArray(json: JsonSchema, node: StructuralSchema, path: string): void {
  if (typeof json.items !== 'object' || Array.isArray(json.items))
    throw new Error(`${path}: a list needs one item type`);
  if (json.maxItems === undefined) throw new Error(`${path}: a list needs a maximum of items`);
  node.items = translate(json.items, `${path}[]`);
  if (json.minItems !== undefined) node.minItems = json.minItems;
  node.maxItems = json.maxItems;
  node['x-kubernetes-list-type'] = json.listType ?? 'atomic';
  if (json.listMapKeys !== undefined) node['x-kubernetes-list-map-keys'] = json.listMapKeys;
}

function translateScalar(json: JsonSchema, node: StructuralSchema): void {
  if (json.enum !== undefined) node.enum = [...json.enum];
  if (json.minLength !== undefined) node.minLength = json.minLength;
  if (json.maxLength !== undefined) node.maxLength = json.maxLength;
  // What `format` says, Kubernetes checks by itself; zod's pattern for it is long and would be checked twice.
  if (json.format !== undefined) node.format = json.format;
  else if (json.pattern !== undefined) node.pattern = json.pattern.replaceAll('\\/', '/');
  if (json.minimum !== undefined && json.minimum !== Number.MIN_SAFE_INTEGER) node.minimum = json.minimum;
  if (json.maximum !== undefined) node.maximum = json.maximum;
  if (node.type === 'integer') node.format = 'int64';
}

/**
 * A scalar with an `except` is held to that value. Anything else must be absent, which only its parent can say: that
 * rule is added by {@link absentRules}.
 */
function unavailableRules(json: JsonSchema, node: StructuralSchema): ValidationRule[] {
  const { unavailable } = json;
  const own: ValidationRule[] = [];
  if (unavailable?.except !== undefined) {
    own.push({ rule: `self == ${celLiteral(unavailable.except)}`, message: unavailable.reason });
  }
  return node.properties === undefined ? own : [...own, ...absentRules(json)];
}

function absentRules(json: JsonSchema): ValidationRule[] {
  return Object.entries(json.properties ?? {}).flatMap(([name, property]) => {
    const unavailable = typeof property === 'boolean' ? undefined : (property as JsonSchema).unavailable;
    if (unavailable === undefined || unavailable.except !== undefined) return [];
    return [{ rule: `!has(self.${name})`, message: unavailable.reason, fieldPath: `.${name}` }];
  });
}

function celLiteral(value: string | number | boolean): string {
  return typeof value === 'string' ? `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'` : String(value);
}
