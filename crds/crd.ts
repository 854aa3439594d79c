import { type KindDefinition, objectSchema } from './kinds.ts';
import type { StructuralSchema } from './openapi.ts';
import { group, version } from './schema.ts';

/** A CustomResourceDefinition (apiextensions.k8s.io/v1) of a kind, as plain data. */
export function customResourceDefinition(definition: KindDefinition): Record<string, unknown> {
  const { kind, plural, singular, shortNames, columns } = definition;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular, shortNames, categories: ['ticker'] },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: { openAPIV3Schema: published(objectSchema(definition)) },
        },
      ],
    },
  };
}

/** A node without what only the reference pages use. */
function published(schema: StructuralSchema): Record<string, unknown> {
  const { example: _example, unavailable: _unavailable, properties, items, additionalProperties, ...rest } = schema;
  return {
    ...rest,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, child]) => [name, published(child)])),
    }),
    ...(items && { items: published(items) }),
    ...(additionalProperties && { additionalProperties: published(additionalProperties) }),
  };
}
