import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { KubeObject } from '../../crds/index.ts';
import { hasCode } from '../../runtime/errors.ts';
import type { Cluster, Resource } from '../cluster.ts';
import { instrumentSets, type Secret, secrets } from '../resources.ts';
import { ApiServer } from './api-server.testing.ts';
import type { KubernetesCluster } from './kubernetes-cluster.ts';
import type { RequestReport } from './requester.ts';

vi.setConfig({ hookTimeout: 180_000, testTimeout: 60_000 });

const admin = { fieldManager: 'admin' };
const namespace = 'default';
const rbac = 'rbac.authorization.k8s.io';
const roles: Resource = { apiVersion: `${rbac}/v1`, kind: 'Role', plural: 'roles', namespaced: true };
const bindings: Resource = { apiVersion: `${rbac}/v1`, kind: 'RoleBinding', plural: 'rolebindings', namespaced: true };
const accounts: Resource = { apiVersion: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts', namespaced: true };

describe('a service account on a real API server', () => {
  let server: ApiServer;
  let cluster: KubernetesCluster;
  beforeAll(async () => {
    server = await ApiServer.start();
    cluster = await server.connect();
    const subjects = [{ kind: 'ServiceAccount', name: 'shard', namespace }];
    const roleRef = { apiGroup: rbac, kind: 'Role', name: 'shard' };
    await make(accounts, 'shard', {});
    await make(bindings, 'shard', { roleRef, subjects });
    for (const name of ['ours', 'theirs']) await make(secrets, name, { data: { token: secretValue } });
    await allow(['ours']);
  });
  afterAll(() => server.stop());

  const secretValue = Buffer.from('hunter2').toString('base64');
  const make = ({ apiVersion, kind, plural }: Resource, name: string, fields: object): Promise<KubeObject> => {
    const object = { apiVersion, kind, metadata: { name, namespace }, ...fields };
    return cluster.apply({ apiVersion, kind, plural, namespaced: true }, object, { ...admin, force: true });
  };
  const allow = (resourceNames: string[]) =>
    make(roles, 'shard', {
      rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames, verbs: ['get', 'list', 'watch'] }],
    });

  async function newToken(): Promise<string> {
    const kubectl = await server.binary('kubectl');
    const { stdout } = await promisify(execFile)(kubectl, [
      '--kubeconfig',
      server.kubeconfig,
      'create',
      'token',
      'shard',
    ]);
    return stdout.trim();
  }

  /** A client with a token in a file, as a pod has it. */
  async function asShard(token: string, onRequest: (report: RequestReport) => void = () => {}) {
    const file = join(server.directory, `token-${crypto.randomUUID()}`);
    await writeFile(file, token);
    const kubeconfig = `${file}.kubeconfig`;
    const config = {
      'current-context': 'shard',
      contexts: [{ name: 'shard', context: { cluster: 'test', user: 'shard' } }],
      clusters: [{ name: 'test', cluster: { server: server.url, 'certificate-authority': 'ca.crt' } }],
      users: [{ name: 'shard', user: { tokenFile: file } }],
    };
    await writeFile(kubeconfig, JSON.stringify(config));
    return { file, shard: await server.connect({ kubeconfig, onRequest }) };
  }

  const from = async (reader: Cluster, name: string): Promise<void> => {
    const { resourceVersion } = await reader.list(secrets, { namespace, name });
    const signal = AbortSignal.timeout(100);
    for await (const _ of reader.watch(secrets, { namespace, name, resourceVersion, signal }));
  };

  it('follows the Secret that its Role names, and no other', async () => {
    const { shard } = await asShard(await newToken());
    const { data } = await shard.get<Secret>(secrets, { namespace, name: 'ours' });
    expect(data).toEqual({ token: secretValue });
    await from(shard, 'ours');
    await expect(from(shard, 'theirs')).rejects.toMatchObject({ code: 'CLUSTER_FORBIDDEN', persistence: 'retryable' });
    await expect(shard.list(secrets, { namespace })).rejects.toMatchObject({ code: 'CLUSTER_FORBIDDEN' });
    await expect(shard.list(instrumentSets, { namespace })).rejects.toThrow(/system:serviceaccount:default:shard/);
  });

  it('sees a Secret as soon as its Role names it', async () => {
    const { shard } = await asShard(await newToken());
    await make(secrets, 'new', {});
    await allow(['ours', 'new']);
    // The authorizer learns of the Role by a watch of its own.
    await vi.waitFor(() => from(shard, 'new'), { timeout: 30_000 });
  });

  it('reads a rotated token as soon as the old one is refused, and says neither', async () => {
    const reports: RequestReport[] = [];
    const stale = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJub2JvZHkifQ.c2lnbmF0dXJl';
    const { file, shard } = await asShard(stale, (report) => void reports.push(report));
    const refused = await shard.get(secrets, { namespace, name: 'ours' }).catch((error: unknown) => error);
    expect(hasCode(refused, 'CLUSTER_UNAUTHORIZED')).toBe(true);
    expect(JSON.stringify(refused, Object.getOwnPropertyNames(refused))).not.toContain(stale.slice(0, 20));
    expect(reports.map(({ status }) => status)).toEqual([401, 401]);
    await writeFile(file, await newToken());
    await shard.get(secrets, { namespace, name: 'ours' });
    expect(reports.map(({ status }) => status)).toEqual([401, 401, 200]);
  });

  it('does not say what a Secret holds when it is refused', async () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'bad', namespace },
      data: { token: 'hunter2?' },
    };
    const refused = await cluster.create(secrets, secret, admin).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'CLUSTER_INVALID' });
    expect(String(refused)).not.toContain('hunter2');
  });

  it('reads a list in pages', async () => {
    const reports: RequestReport[] = [];
    const reader = await server.connect({ pageSize: 2, onRequest: (report) => void reports.push(report) });
    for (let i = 0; i < 5; i++) await make(secrets, `page-${i}`, {});
    const all = await cluster.list(secrets, { namespace });
    const paged = await reader.list(secrets, { namespace });
    expect(paged.items).toEqual(all.items);
    expect(paged.items[0]).toMatchObject({ apiVersion: 'v1', kind: 'Secret' });
    expect(reports.length).toBe(Math.ceil(all.items.length / 2));
  });

  it('serves many requests at once over few connections', async () => {
    const all = await Promise.all(Array.from({ length: 200 }, () => cluster.get(secrets, { namespace, name: 'ours' })));
    expect(new Set(all.map(({ metadata }) => metadata.uid)).size).toBe(1);
  });
});
