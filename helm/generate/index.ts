import { chartYaml } from './chart-yaml.ts';
import { checksTemplate } from './checks.ts';
import { valuesTree } from './node.ts';
import { chartReadme } from './readme.ts';
import { valuesSchemaJson } from './values-schema.ts';
import { valuesYaml } from './values-yaml.ts';

const source = 'helm/values/*.ts by `make generate`';

/** What is generated of the chart: path from the root of the repository → text. */
export function chartFiles(): Map<string, string> {
  const tree = valuesTree();
  const chart = 'helm/ticker-operator';
  return new Map([
    [`${chart}/Chart.yaml`, chartYaml(tree, 'helm/generate/chart-yaml.ts by `make generate`')],
    [`${chart}/README.md`, chartReadme(tree, source)],
    [`${chart}/values.yaml`, valuesYaml(tree, source)],
    [`${chart}/values.schema.json`, valuesSchemaJson(tree)],
    [`${chart}/templates/_checks.tpl`, checksTemplate(tree, source)],
  ]);
}
