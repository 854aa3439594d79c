import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import type { Cluster } from '../cluster/cluster.ts';
import {
  type Event,
  events,
  leases,
  type Pod,
  pods,
  secrets,
  subscriptionSlices,
  tickerAccounts,
} from '../cluster/resources.ts';
import {
  deployments,
  disruptionBudgets,
  type Role,
  type RoleBinding,
  roleBindings,
  roles,
  type StatefulSet,
  services,
  statefulSets,
} from '../cluster/workload-resources.ts';
import type { KubeObject } from '../crds/index.ts';
import { sleep, systemClock } from '../runtime/clock.ts';
import { clusterMetrics } from './metrics-reference.ts';
import { ClusterLab, LabReader, namespace } from './process/cluster-lab.testing.ts';
import type { LabProcess } from './process/lab-process.testing.ts';

vi.setConfig({ hookTimeout: 240_000, testTimeout: 180_000 });

const user = { fieldManager: 'kubelet', force: true };
const name = 'ticker';
const ofDeployments = { apiVersion: deployments.apiVersion, kind: deployments.kind };
const role = { namespace, name: 'ticker-operator-shards' };

/** Requests that wrote, but for leases, as metrics tell them. */
function written(metrics: string): string[] {
  const lines = metrics
    .split('\n')
    .filter((line) => /^ticker_api_requests_total\{verb="(create|update|patch|delete)"/.test(line));
  return lines.filter((line) => !line.includes('resource="leases"'));
}

/**
 * The operator runs the shards, each process with the rights that the chart gives it, on a real API server. The
 * StatefulSet's controller and the kubelet are played by the test: it makes pods and says how they are.
 */
describe('the ticker pods and their rights', () => {
  let lab: ClusterLab;
  let shard: string;
  let operatorRights: string;
  let operator: LabProcess;
  const shards = new Map<number, LabProcess>();

  beforeAll(async () => {
    lab = await ClusterLab.start();
    await lab.installAccess();
    [shard, operatorRights] = [await lab.as('lab-shard'), await lab.as('lab-operator')];
    const labels = { app: 'operator' };
    const containers = [{ name: 'operator', image: 'x' }];
    const spec = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } };
    const metadata = { namespace, name: 'lab-operator' };
    await lab.cluster.apply<KubeObject>(deployments, { ...ofDeployments, metadata, spec } as KubeObject, user);
    operator = start('one');
  });
  afterAll(() => lab?.stop());

  /** An operator whose configuration names this image. */
  function start(image: string): LabProcess {
    const file = join(lab.directory, `${image}.yaml`);
    const config = {
      name,
      min: 1,
      max: 3,
      accountsPerShard: 1,
      scaleDownAfterSeconds: 1,
      leaveSeconds: 60,
      ownerDeployment: 'lab-operator',
      rollout: { readySeconds: 4, watchSeconds: 1 },
      template: {
        metadata: { labels: { app: 'ticker' } },
        spec: { serviceAccountName: 'lab-shard', containers: [{ name: 'shard', image, args: ['shard'] }] },
      },
    };
    writeFileSync(file, stringify({ shards: config }));
    return lab.operator('operator-0', ['--config', file], operatorRights);
  }

  const found = () => lab.cluster.get<StatefulSet>(statefulSets, { namespace, name });
  const replicas = async () => (await found()).spec.replicas;
  const image = async () => {
    const template = (await found()).spec.template as { spec: { containers: { image: string }[] } };
    return template.spec.containers[0]?.image;
  };

  /** Makes the pod as a StatefulSet's controller would, and runs its shard. */
  async function makePod(ordinal: number, revision: string, run = true): Promise<Pod> {
    const metadata = {
      namespace,
      name: `${name}-${ordinal}`,
      labels: { 'ticker-operator.io/shards': name, 'controller-revision-hash': revision },
    };
    const spec = { containers: [{ name: 'shard', image: 'x' }] };
    const pod = await lab.cluster.apply<Pod>(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec } as Pod, user);
    if (run) shards.set(ordinal, lab.shard(pod.metadata.name, { uid: pod.metadata.uid ?? '', kubeconfig: shard }));
    return pod;
  }

  async function podIs(pod: Pod, ready: boolean): Promise<void> {
    const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
    const { name, uid } = pod.metadata;
    const status = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name, uid }, status: { conditions } };
    await lab.cluster.applyStatus(pods, status as unknown as Pod, user);
  }

  /** The StatefulSet's controller has seen the newest generation, and calls its template by this revision. */
  async function setIs(updateRevision: string): Promise<void> {
    const { metadata } = await found();
    const status = { observedGeneration: metadata.generation, replicas: 1, updateRevision };
    const object = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { namespace, name }, status };
    await lab.cluster.applyStatus(statefulSets, object as unknown as StatefulSet, user);
  }

  const recorded = async () => (await lab.cluster.list<Event>(events, { namespace })).items.map(({ reason }) => reason);

  it('makes the StatefulSet, its Service and its PodDisruptionBudget', async () => {
    await expect.poll(() => replicas().catch(() => undefined), { timeout: 30_000 }).toBe(1);
    expect((await found()).spec).toMatchObject({
      podManagementPolicy: 'Parallel',
      serviceName: name,
      template: { metadata: { labels: { app: 'ticker', 'ticker-operator.io/shards': name } } },
    });
    // Removing the operator removes them.
    expect((await found()).metadata).toMatchObject({ ownerReferences: [{ kind: 'Deployment', name: 'lab-operator' }] });
    const service = await lab.cluster.get<KubeObject>(services, { namespace, name });
    expect(service).toMatchObject({ spec: { clusterIP: 'None', ports: [{ port: 9464 }] } });
    const budget = await lab.cluster.get<KubeObject>(disruptionBudgets, { namespace, name });
    expect(budget).toMatchObject({ spec: { maxUnavailable: 1 } });
  });

  it('lets the shards read exactly the Secrets that accounts use', async () => {
    await lab.login('unused', { apiKey: 'unused-key', accessToken: 'unused-token' });
    await lab.account('demo-a');
    await expect
      .poll(
        () =>
          lab.cluster.get<Role>(roles, role).then(
            ({ rules }) => rules,
            () => undefined,
          ),
        { timeout: 30_000 },
      )
      .toMatchObject([{ resources: ['secrets'], resourceNames: ['login-demo-a'], verbs: ['get', 'list', 'watch'] }]);
    const asShard = await lab.server.connect({ kubeconfig: shard });
    const refused = { code: 'CLUSTER_FORBIDDEN' };
    // The API server's own caches follow a Role a moment later.
    const read = () => asShard.get(secrets, { namespace, name: 'login-demo-a' }).then(() => 'read', String);
    await expect.poll(read, { timeout: 30_000 }).toBe('read');
    await asShard.list(secrets, { namespace, name: 'login-demo-a' });
    await expect(asShard.get(secrets, { namespace, name: 'login-unused' })).rejects.toMatchObject(refused);
    await expect(asShard.list(secrets, { namespace, name: 'login-unused' })).rejects.toMatchObject(refused);
    await expect(asShard.list(secrets, { namespace })).rejects.toMatchObject(refused);
    await expect(asShard.list(tickerAccounts)).rejects.toMatchObject(refused);
    await expect(asShard.list(leases)).rejects.toMatchObject(refused);
    await expect(asShard.list(pods, { namespace })).rejects.toMatchObject(refused);
    await asShard.list(subscriptionSlices);
    const slice = { namespace, name: (await lab.slices())[0]?.metadata.name ?? '' };
    await expect(asShard.delete(subscriptionSlices, slice)).rejects.toMatchObject(refused);
  });

  it('the operator reads no Secret, and grants nothing but that Role', async () => {
    const asOperator: Cluster = await lab.server.connect({ kubeconfig: operatorRights });
    const refused = { code: 'CLUSTER_FORBIDDEN' };
    await expect(asOperator.get(secrets, { namespace, name: 'login-demo-a' })).rejects.toMatchObject(refused);
    await expect(asOperator.list(secrets)).rejects.toMatchObject(refused);
    const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }];
    const metadata = { namespace, name: 'another' };
    const grant: Role = { apiVersion: roles.apiVersion, kind: 'Role', metadata, rules };
    await expect(asOperator.apply(roles, grant, user)).rejects.toMatchObject(refused);
    await expect(asOperator.create(roles, grant, user)).rejects.toMatchObject(refused);
    expect(operator.output).not.toContain('CLUSTER_FORBIDDEN');

    // Under that name too: only Secrets, each by name, and only to the shards. A policy is in force a moment after it is made.
    const named = (rules: Role['rules']): Role => ({ ...grant, metadata: role, rules });
    const attempt = (wanted: Role) => asOperator.apply(roles, wanted, user).then(() => 'granted', String);
    const greedy = named([{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list'] }]);
    await expect.poll(() => attempt(greedy), { timeout: 60_000 }).toMatch(/each by its name/);
    const pods = named([{ apiGroups: [''], resources: ['pods'], resourceNames: ['x'], verbs: ['get'] }]);
    expect(await attempt(pods)).toMatch(/each by its name/);
    const binding: RoleBinding = {
      apiVersion: roleBindings.apiVersion,
      kind: 'RoleBinding',
      metadata: { namespace, name: 'mine' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role.name },
      subjects: [{ kind: 'ServiceAccount', name: 'lab-operator', namespace }],
    };
    await expect(asOperator.apply(roleBindings, binding, user)).rejects.toThrow(
      /the service account of the shards only/,
    );
  });

  it('streams with those rights, and grows with the planned load', async () => {
    const pod = await makePod(0, 'r1');
    await podIs(pod, true);
    await setIs('r1');
    await lab.set('banks', { mode: 'ltp', instruments: ['NSE:SBIN', 'NSE:ICICIBANK'] });
    await expect.poll(() => lab.ready('banks'), { timeout: 60_000 }).toMatch(/^True/);
    await lab.account('demo-b');
    const allowed = async () => (await lab.cluster.get<Role>(roles, role)).rules[0]?.resourceNames;
    await expect.poll(allowed, { timeout: 30_000 }).toEqual(['login-demo-a', 'login-demo-b']);
    await expect.poll(replicas, { timeout: 30_000 }).toBe(2);
    await podIs(await makePod(1, 'r1'), true);
    await setIs('r1');
    const gateway = lab.gateway();
    const [, port] = await gateway.says(/"event":"gateway\.listening","port":(\d+)/);
    await expect
      .poll(async () => (await fetch(`http://127.0.0.1:${port}/v1/sets`)).text(), { timeout: 30_000 })
      .toContain('banks');
    const reader = new LabReader(Number(port), 'banks');
    await reader.ticksOf([(await lab.slices()).map(({ metadata }) => `${namespace}/${metadata.name}`)[0]!]);
    reader.end();
    for (const each of shards.values()) expect(each.output).not.toMatch(/"level":"(error|fatal)"/);
  });

  it('writes nothing while nothing changes, and undoes what somebody else changed', async () => {
    // Events of what was before are still written, at their own pace.
    let seenBefore: string[] = [];
    const recentWrites = async () => {
      const now = written(await operator.metrics());
      const changed = now.filter((line) => !seenBefore.includes(line)).length;
      seenBefore = now;
      return changed;
    };
    const writes = async () =>
      Number(/ticker_operator_workload_writes_total (\d+)/.exec(await operator.metrics())?.[1]);
    await expect
      .poll(async () => JSON.stringify((await found()).metadata.annotations), { timeout: 30_000 })
      .toContain('good-template');
    await expect.poll(recentWrites, { timeout: 60_000, interval: 3_000 }).toBe(0);
    const before = { writes: await writes(), version: (await found()).metadata.resourceVersion };
    const wrote = written(await operator.metrics());
    await sleep(systemClock, 3_000);
    expect({ writes: await writes(), version: (await found()).metadata.resourceVersion }).toEqual(before);
    expect(written(await operator.metrics())).toEqual(wrote);
    const seen = await operator.metrics();
    for (const { name } of clusterMetrics) expect(seen).toContain(name);
    await lab.cluster.patch(
      statefulSets,
      { namespace, name },
      [{ op: 'replace', path: '/spec/replicas', value: 3 }],
      user,
    );
    await expect.poll(replicas, { timeout: 30_000 }).toBe(2);
  });

  it('a changed template goes to the last pod first; one that does not get Ready brings the former back', async () => {
    operator.signal('SIGTERM');
    await operator.ended;
    operator = start('two');
    await expect.poll(image, { timeout: 30_000 }).toBe('two');
    expect((await found()).spec.updateStrategy).toMatchObject({ rollingUpdate: { partition: 1 } });
    await setIs('r2');
    await expect.poll(image, { timeout: 60_000 }).toBe('one');
    await expect.poll(recorded, { timeout: 30_000 }).toContain('RolloutStopped');
    expect(await operator.metrics()).toContain('ticker_operator_workload_rollout{phase="Stopped"} 1');
    await setIs('r1');
  });

  it('a pod that is not needed any more leaves after its slices have moved', async () => {
    await lab.cluster.delete(tickerAccounts, { namespace, name: 'demo-b' });
    await expect.poll(replicas, { timeout: 90_000 }).toBe(1);
    await expect.poll(recorded, { timeout: 30_000 }).toEqual(expect.arrayContaining(['Leaving', 'ScaledDown']));
    const owners = (await lab.slices()).map(({ spec }) => spec.owner?.shard);
    expect(new Set(owners)).toEqual(new Set(['ticker-0']));
    await expect
      .poll(async () => (await lab.cluster.get<Role>(roles, role)).rules[0], { timeout: 30_000 })
      .toMatchObject({ resourceNames: ['login-demo-a'] });
  });
});
