import { type KindDefinition, objectSchema } from './kinds.ts';
import type { StructuralSchema } from './openapi.ts';
import { apiVersion } from './schema.ts';

/** One row of a table of fields. */
export interface FieldRow {
  /** e.g. `spec.optionChains[].strikes.aroundMoney` */
  path: string;
  schema: StructuralSchema;
  required: boolean;
}

/** Every field below `schema`, parents before their children. */
export function fieldRows(schema: StructuralSchema, path: string): FieldRow[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const childPath = path === '' ? name : `${path}.${name}`;
    const row = { path: childPath, schema: child, required: schema.required?.includes(name) ?? false };
    const inner = child.items ?? child;
    return [row, ...fieldRows(inner, child.items === undefined ? childPath : `${childPath}[]`)];
  });
}

/** The reference page of a kind, in Markdown. Ends with a newline. */
export function kindReference(definition: KindDefinition): string {
  const schema = objectSchema(definition);
  const { kind, plural, shortNames, conditions, columns } = definition;
  const spec = schema.properties?.['spec'] ?? { type: 'object' };
  const status = schema.properties?.['status'] ?? { type: 'object' };
  const sections = [
    `# ${kind}`,
    definition.description,
    table(
      ['', ''],
      [
        ['apiVersion', `\`${apiVersion}\``],
        ['written by', definition.writtenBy],
        ['`kubectl get`', [plural, ...shortNames].map((name) => `\`${name}\``).join(', ')],
        ['category', '`ticker` (`kubectl get ticker` lists every kind of this project)'],
      ],
    ),
    '## Spec',
    fieldTable(fieldRows(spec, 'spec')),
    '## Rules',
    'Checked when an object is written, besides the bounds above.',
    ruleTable(schema),
    '## Status',
    fieldTable(fieldRows(status, 'status')),
    ...(conditions.length === 0
      ? []
      : [
          '## Conditions',
          `Wait for one with \`kubectl wait --for=condition=Ready ${shortNames[0]}/NAME\`.`,
          table(
            ['type', '`True` means'],
            conditions.map(({ type, meaning }) => [`\`${type}\``, meaning]),
          ),
        ]),
    '## Columns of `kubectl get`',
    table(
      ['column', 'what', 'shown'],
      columns.map(({ name, description, priority }) => [name, description, priority ? '`-o wide`' : 'always']),
    ),
  ];
  return `${sections.join('\n\n')}\n`;
}

function fieldTable(rows: FieldRow[]): string {
  return table(
    ['field', 'type', 'default', 'bounds', 'what', 'example'],
    rows.map(({ path, schema, required }) => [
      `\`${path}\`${required ? ' (required)' : ''}`,
      typeName(schema),
      schema.default === undefined ? '' : code(schema.default),
      bounds(schema),
      [schema.description ?? '', schema.unavailable === undefined ? '' : `**Not yet**: ${schema.unavailable}.`]
        .filter((text) => text !== '')
        .join(' '),
      exampleOf(schema),
    ]),
  );
}

function exampleOf({ example, default: usual, enum: values, type }: StructuralSchema): string {
  const value = example ?? usual ?? values?.[0] ?? (type === 'boolean' ? true : undefined);
  return value === undefined ? '' : code(value);
}

function typeName({ type, items, additionalProperties, format }: StructuralSchema): string {
  if (type === 'array' && items !== undefined) return `list of ${typeName(items)}`;
  if (type === 'object')
    return additionalProperties === undefined ? 'object' : `map of ${typeName(additionalProperties)}`;
  if (format === 'date' || format === 'date-time') return format;
  return type;
}

function bounds(schema: StructuralSchema): string {
  const { items, additionalProperties } = schema;
  const parts: string[] = [];
  if (schema.enum !== undefined) parts.push(schema.enum.map(code).join(', '));
  pushRange(parts, schema.minimum, schema.maximum, '');
  if (schema.pattern !== undefined && schema.minLength === schema.maxLength)
    parts.push(`${schema.maxLength} characters`);
  else pushRange(parts, schema.minLength, schema.maxLength, ' characters');
  if (schema.pattern !== undefined) parts.push(code(schema.pattern));
  pushRange(parts, schema.minItems, schema.maxItems, ' entries');
  pushRange(parts, undefined, schema.maxProperties, ' entries');
  if (schema['x-kubernetes-list-type'] === 'set') parts.push('no doubles');
  const keys = schema['x-kubernetes-list-map-keys'];
  if (keys !== undefined) parts.push(`one for each ${keys.map(code).join(', ')}`);
  const inner = items ?? additionalProperties;
  if (inner !== undefined && inner.type !== 'object') {
    const innerBounds = bounds(inner);
    if (innerBounds !== '') parts.push(`each ${innerBounds}`);
  }
  return parts.join('; ');
}

function pushRange(parts: string[], least: number | undefined, most: number | undefined, unit: string): void {
  if (most === Number.MAX_SAFE_INTEGER) pushRange(parts, least, undefined, unit);
  else if (least !== undefined && most !== undefined) parts.push(`${shown(least)} to ${shown(most)}${unit}`);
  else if (most !== undefined) parts.push(`at most ${shown(most)}${unit}`);
  else if (least !== undefined) parts.push(`at least ${shown(least)}${unit}`);
}

const shown = (value: number): string => value.toLocaleString('en-US');

/** Every rule of a kind with the field that it is about; those of fields that are not available yet are left to the fields. */
function ruleTable(schema: StructuralSchema): string {
  const rows: string[][] = [];
  const visit = (node: StructuralSchema, path: string): void => {
    for (const { rule, message, fieldPath } of node['x-kubernetes-validations'] ?? []) {
      rows.push([
        path === '' && fieldPath === undefined ? 'the object' : `\`${path}${fieldPath ?? ''}\``,
        message,
        code(rule),
      ]);
    }
    for (const [name, child] of Object.entries(node.properties ?? {}))
      visit(child, path === '' ? name : `${path}.${name}`);
    if (node.items !== undefined) visit(node.items, `${path}[]`);
    if (node.additionalProperties !== undefined) visit(node.additionalProperties, `${path}.*`);
  };
  visit(schema, '');
  return table(['field', 'message', 'rule (CEL)'], rows);
}

function code(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return `\`${text}\``;
}

/** A Markdown table. `|` in a cell is escaped. */
export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
