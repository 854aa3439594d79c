import { z } from 'zod';
import { operatorConfigSchema } from './config.ts';

interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly items?: Node;
}

const example = `\`\`\`yaml
shards:
  min: 2
  max: 8
  template:
    metadata:
      labels: { app.kubernetes.io/component: shard }
    spec:
      serviceAccountName: ticker-shard
      terminationGracePeriodSeconds: 55
      containers:
        - name: shard
          image: ticker-operator:0.1.0
          args: [shard]
          env:
            - { name: REDIS_URL, value: redis://redis:6379 }
            - { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
            - { name: POD_UID, valueFrom: { fieldRef: { fieldPath: metadata.uid } } }
            - { name: POD_NAMESPACE, valueFrom: { fieldRef: { fieldPath: metadata.namespace } } }
            - { name: POD_IP, valueFrom: { fieldRef: { fieldPath: status.podIP } } }
\`\`\``;

/** `docs/reference/operator-config.md`, from the schema that the file is read by. */
export function configReference(): string {
  const schema = z.toJSONSchema(operatorConfigSchema, { io: 'input' }) as Node;
  const rows = rowsOf(schema, '').map((row) => `| ${row.join(' | ')} |`);
  const intro =
    'The file that `ticker-operator operator --config FILE` reads, YAML. A field that is not known is refused. It is read at the start: a changed one wants a restart.';
  const table = ['| field | type | default | what |', '| --- | --- | --- | --- |', ...rows].join('\n');
  return `# Configuration of the operator\n\n${intro}\n\n${example}\n\n${table}\n`;
}

function rowsOf(node: Node, path: string): string[][] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const own = path === '' ? name : `${path}.${name}`;
    const required = node.required?.includes(name) === true && child.default === undefined;
    const fallback = required ? 'required' : child.default === undefined || isObject(child) ? '' : code(child.default);
    return [[`\`${own}\``, typeOf(child), fallback, child.description ?? ''], ...rowsOf(child, own)];
  });
}

function isObject({ type }: Node): boolean {
  return type === 'object';
}

function code(value: unknown): string {
  return `\`${JSON.stringify(value)}\``;
}

function typeOf({ type = 'any', minimum, maximum, items }: Node): string {
  if (type === 'array') return `list of ${items?.type ?? 'any'}`;
  if (minimum === undefined && maximum === undefined) return type;
  return `${type}, ${minimum ?? ''}–${maximum ?? ''}`;
}
