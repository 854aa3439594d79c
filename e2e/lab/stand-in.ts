import { parse } from 'yaml';
import { z } from 'zod';
import { kubectl } from './kubectl.ts';
import { desk, release, system } from './lab.ts';

const config = z.object({
  shards: z.object({
    name: z.string(),
    min: z.int(),
    template: z.looseObject({ metadata: z.looseObject({}), spec: z.looseObject({}) }),
  }),
});

/** The ticker pods and the Role that lets them read the samples' Secrets, made from the operator's configuration. */
export async function standIn(): Promise<void> {
  const text = await kubectl([
    'get',
    'configmap',
    `${release}-operator`,
    '-n',
    system,
    '-o',
    'jsonpath={.data.operator\\.yaml}',
  ]);
  const { name, min, template } = config.parse(parse(text)).shards;
  const labels = { 'ticker-operator.io/shards': name };
  const access = { name: 'ticker-operator-shards', namespace: desk };
  const items = [
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name, namespace: system },
      spec: {
        serviceName: name,
        replicas: min,
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: labels },
        template: {
          ...template,
          metadata: {
            ...template.metadata,
            labels: { ...z.record(z.string(), z.string()).parse(template.metadata['labels']), ...labels },
          },
        },
      },
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: access,
      rules: [
        {
          apiGroups: [''],
          resources: ['secrets'],
          resourceNames: ['kite-demo-a', 'kite-demo-b'],
          verbs: ['get', 'list', 'watch'],
        },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: access,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: access.name },
      subjects: [{ kind: 'ServiceAccount', name: `${release}-shard`, namespace: system }],
    },
  ];
  await kubectl(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });
  await kubectl(['rollout', 'status', `statefulset/${name}`, '-n', system, '--timeout=240s'], { timeout: 250_000 });
}
