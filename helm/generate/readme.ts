import { isSection, leaves, type ValueNode } from './node.ts';

const intro = `# ticker-operator

Schedules market-data subscriptions over broker accounts, and delivers live, validated ticks to Redis and WebSocket.

\`\`\`sh
# With a Redis of yours:
helm install ticker helm/ticker-operator --namespace ticker-operator --create-namespace --set redis.url=redis://redis:6379
# With a small one of the chart's, to try it:
helm install ticker helm/ticker-operator --namespace ticker-operator --create-namespace --set redis.trial.enabled=true
\`\`\`

What is installed then says the next command. \`helm test ticker --namespace ticker-operator --logs\` waits for a real tick.

## What it installs

- the operator (two replicas, one leads) and the gateways, each spread over nodes and zones and with a PodDisruptionBudget;
  the operator runs the ticker pods by the bounds and the template in a ConfigMap that is named by what it says,
- the definitions of the three kinds, as templates: \`helm upgrade\` upgrades them, and \`helm.sh/resource-policy: keep\` lets
  them, and with them all accounts and sets, outlive \`helm uninstall\`; a new release of the same name and namespace takes them
  over (another one with \`--take-ownership\`),
- for each process the rights that it needs and no more, and admission policies that hold the operator to them,
- a FlowSchema and a PriorityLevelConfiguration, by which leases are served whatever else the API server has to do.

Every pod meets the Pod Security level \`restricted\`. One release serves a whole cluster: a second would plan the same accounts.

## Upgrades

\`helm upgrade\` replaces operator and gateways; the new operator then brings the new template to the ticker pods one by one, the
last one first, and stops where that one is not well. Ticks go on meanwhile. \`helm rollback\` goes the same way back. To keep
your values, give \`--reset-then-reuse-values\`: \`--reuse-values\` leaves out what a new chart brings.

## Monitoring

\`metrics.*\` makes ServiceMonitors of operator and gateways, a PodMonitor of the ticker pods, a PrometheusRule of each file of
\`files/rules\` and a ConfigMap for Grafana's sidecar of each of \`files/dashboards\`. The jobs are \`ticker-operator\`,
\`ticker-gateway\` and \`ticker-shard\` in every release; the label \`namespace\` tells releases apart.

## Values

What is no value here is refused, and so is a value that is not as it should be, with what to write instead.
`;

/** `README.md` of the chart: every value with its type, default and description. */
export function chartReadme(tree: ValueNode, source: string): string {
  const sections = Object.entries(tree.properties ?? {});
  const own = sections.filter(([, node]) => !isSection(node)).map(([path, node]) => row(path, node));
  const parts = sections
    .filter(([, node]) => isSection(node))
    .map(([name, node]) => {
      const rows = leaves(node, name).map(({ path, node: leaf }) => row(path, leaf));
      return `### ${name}\n\n${node.description ?? ''}\n\n${table(rows)}\n`;
    });
  const general = `### General\n\n${table(own)}\n`;
  return `<!-- Generated from ${source}. -->\n\n${[intro, ...parts, general].join('\n')}`;
}

function table(rows: readonly string[]): string {
  return ['| value | type | default | what |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function row(path: string, node: ValueNode): string {
  const usual = node.default === '' ? '' : `\`${JSON.stringify(node.default)}\``;
  const cells = [`\`${path}\``, typeOf(node), usual, node.description ?? ''];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function typeOf({ type = 'any', enum: choices, minimum, maximum, items, additionalProperties }: ValueNode): string {
  if (choices !== undefined) return choices.map((choice) => `\`${choice}\``).join(', ');
  if (type === 'array') return `list of ${items?.type ?? 'any'}s`;
  if (type === 'object' && additionalProperties !== undefined) return 'map';
  if (minimum !== undefined && maximum !== undefined) return `${type}, ${minimum} to ${maximum}`;
  return type;
}
