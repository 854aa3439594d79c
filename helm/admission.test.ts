import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ApiServer } from '../cluster/kubernetes/api-server.testing.ts';
import type { KubeObject } from '../crds/index.ts';
import { parseConfig } from '../operator/workload/config.ts';
import { disruptionBudgetOf, serviceOf, statefulSetOf } from '../operator/workload/objects.ts';
import { combinations } from './combinations.testing.ts';
import { definitions, render } from './helm.testing.ts';

vi.setConfig({ hookTimeout: 180_000, testTimeout: 120_000 });

const namespace = 'ticks';

interface Template {
  readonly metadata?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
  readonly spec: object;
}
type Workload = KubeObject & { readonly spec?: { readonly template?: Template } };
type ConfigMap = KubeObject & { readonly data?: Record<string, string> };

/** Everything of a release: what helm writes, and what the operator then writes from its configuration. */
async function everything(name: string): Promise<KubeObject[]> {
  const written = await render(combinations[name] ?? {}, { namespace });
  const config = written.find(
    (object): object is ConfigMap =>
      object.kind === 'ConfigMap' && 'operator.yaml' in ((object as ConfigMap).data ?? {}),
  );
  const { shards } = parseConfig(config?.data?.['operator.yaml'] ?? '');
  const place = { namespace, owner: undefined };
  const state = { replicas: shards.min, partition: 0, template: shards.template, annotations: {} };
  return [...written, statefulSetOf(shards, place, state), serviceOf(shards, place), disruptionBudgetOf(shards, place)];
}

/** A pod as the controllers would make it of each template. */
function podsOf(objects: readonly KubeObject[]): KubeObject[] {
  return objects.flatMap((object) => {
    if (object.kind === 'Pod') return [object];
    const { template } = (object as Workload).spec ?? {};
    if (template?.spec === undefined) return [];
    const metadata = { ...template.metadata, namespace, name: `${object.metadata.name}-pod` };
    return [{ apiVersion: 'v1', kind: 'Pod', metadata, spec: withClaims(object, template.spec) }];
  });
}

/** The StatefulSet's controller adds a volume for each claim. */
function withClaims(object: KubeObject, spec: object): object {
  const { volumeClaimTemplates: claims = [] } =
    (object as { spec?: { volumeClaimTemplates?: KubeObject[] } }).spec ?? {};
  const { volumes = [] } = spec as { volumes?: object[] };
  const claimed = claims.map(({ metadata: { name } }) => ({ name, persistentVolumeClaim: { claimName: `${name}-0` } }));
  return { ...spec, volumes: [...volumes, ...claimed] };
}

describe('a real API server', () => {
  let server: ApiServer;
  let kubectl: (args: readonly string[], objects?: readonly object[]) => Promise<string>;

  beforeAll(async () => {
    server = await ApiServer.start();
    const program = await server.binary('kubectl');
    kubectl = async (args, objects = []) => {
      const started = promisify(execFile)(program, ['--kubeconfig', server.kubeconfig, ...args], {
        maxBuffer: 2 ** 26,
      });
      started.child.stdin?.end(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
      return (await started).stdout;
    };
    for (const folder of ['prometheus-operator', 'gateway-api']) {
      const files = (await readdir(join(definitions, folder))).filter((file) =>
        /(servicemonitors|podmonitors|prometheusrules|httproutes)\.yaml$/.test(file),
      );
      await kubectl(['apply', '--server-side', ...files.flatMap((file) => ['-f', join(definitions, folder, file)])]);
    }
    await kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s']);
    const labels = {
      'pod-security.kubernetes.io/enforce': 'restricted',
      'pod-security.kubernetes.io/warn': 'restricted',
      'pod-security.kubernetes.io/enforce-version': 'latest',
    };
    const priority = await render(combinations['locked'] ?? {}, { namespace, only: ['priority.yaml'] });
    await kubectl(
      ['apply', '--server-side', '-f', '-'],
      [
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } },
        ...priority.filter(({ kind }) => kind === 'PriorityClass'),
      ],
    );
  });
  afterAll(() => server?.stop());

  /** Lets the API server judge without writing: unknown fields are errors, and so are its warnings, of Pod Security too. */
  const judge = (objects: readonly object[]) =>
    kubectl(
      [
        ...['apply', '--server-side', '--force-conflicts', '--dry-run=server', '--validate=strict'],
        ...['--warnings-as-errors', '--namespace', namespace, '-f', '-'],
      ],
      objects,
    );

  it.each(Object.keys(combinations))(
    '%s: takes every object, and every pod into a restricted namespace',
    async (name) => {
      const objects = await everything(name);
      const pods = podsOf(objects);
      // Operator, shards and the test at least.
      expect(pods.length).toBeGreaterThanOrEqual(3);
      const said = await judge([...objects, ...pods]);
      expect(said.trim().split('\n')).toHaveLength(objects.length + pods.length);
    },
  );

  it('refuses an unknown field, and a pod that is not restricted', async () => {
    const [pod] = podsOf(await everything('minimal')) as (KubeObject & { spec: object })[];
    if (pod === undefined) throw new Error('there is no pod');
    await expect(judge([{ ...pod, spec: { ...pod.spec, restartPolice: 'Never' } }])).rejects.toThrow(/restartPolice/);
    await expect(judge([{ ...pod, spec: { ...pod.spec, securityContext: {} } }])).rejects.toThrow(
      /violates PodSecurity "restricted:latest".*seccompProfile/s,
    );
  });
});
