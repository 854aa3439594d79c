import { isMap, isScalar, parseDocument, stringify, type YAMLMap } from 'yaml';
import { defaultOf, isSection, type ValueNode } from './node.ts';

const yamlOptions = { version: '1.1', lineWidth: 0 } as const;
/** Columns of a line of comment. */
const width = 116;

/** `values.yaml`: every value with its default, and its description above it. */
export function valuesYaml(tree: ValueNode, source: string): string {
  const document = parseDocument(stringify(defaultOf(tree), yamlOptions), yamlOptions);
  if (!isMap(document.contents)) throw new Error('the values are no map');
  document.commentBefore = ` Generated from ${source}.`;
  comment(document.contents, tree, 0);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function comment(map: YAMLMap, { properties = {} }: ValueNode, depth: number): void {
  for (const pair of map.items) {
    const { key, value } = pair;
    if (!isScalar(key)) continue;
    const node = properties[String(key.value)];
    if (node === undefined) continue;
    if (node.description !== undefined) key.commentBefore = wrapped(node.description, width - 2 * depth);
    if (depth === 0) key.spaceBefore = true;
    if (isMap(value)) {
      if (isSection(node)) comment(value, node, depth + 1);
      else value.flow = value.items.every((item) => isScalar(item.value));
    }
  }
}

function wrapped(text: string, columns: number): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last.length + word.length + 1 > columns) lines.push(` ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join('\n');
}
