import type { ValueNode } from './node.ts';

/** Chart of charts hand a chart their `global` values, whatever these are. */
const global: ValueNode = { type: 'object', description: 'Values of a chart of charts; this chart reads none.' };

/** `values.schema.json`, by which helm refuses what is no value. Patterns are left to the templates, which say what to write. */
export function valuesSchemaJson(tree: ValueNode): string {
  const { $schema, ...root } = withoutPatterns(tree);
  const properties = { global, ...root.properties };
  const schema = { $schema, title: 'Values of the chart ticker-operator', ...root, properties };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

function withoutPatterns(node: ValueNode): ValueNode {
  const { pattern: _pattern, hint: _hint, propertyNames: _names, ...rest } = node;
  const { properties, items, additionalProperties, anyOf } = rest;
  return {
    ...rest,
    ...(properties !== undefined && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, child]) => [name, withoutPatterns(child)])),
    }),
    ...(items !== undefined && { items: withoutPatterns(items) }),
    ...(anyOf !== undefined && { anyOf: anyOf.map(withoutPatterns) }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: withoutPatterns(additionalProperties) }),
  };
}
