import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ApiServer } from '../cluster/kubernetes/api-server.testing.ts';
import { render } from './helm.testing.ts';

vi.setConfig({ hookTimeout: 180_000, testTimeout: 60_000 });

const namespace = 'ticks';

describe('requests about leases, at a real API server', () => {
  let server: ApiServer;
  let program: string;

  beforeAll(async () => {
    server = await ApiServer.start();
    program = await server.binary('kubectl');
    await kubectl('create', 'namespace', namespace);
    const objects = await render({ redis: { url: 'redis://redis' } }, { namespace, only: ['priority.yaml'] });
    const started = promisify(execFile)(program, [
      '--kubeconfig',
      server.kubeconfig,
      'apply',
      '--server-side',
      '-f',
      '-',
    ]);
    started.child.stdin?.end(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    await started;
  });
  afterAll(() => server?.stop());

  async function kubectl(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    return promisify(execFile)(program, ['--kubeconfig', server.kubeconfig, ...args]).catch(
      // A request that is refused was sorted all the same.
      ({ stdout, stderr }: { stdout: string; stderr: string }) => ({ stdout, stderr }),
    );
  }

  /** Name of the FlowSchema that a request of a service account falls under, as the answer's header says. */
  async function flowSchema(account: string, what: string): Promise<string | undefined> {
    const user = `--as=system:serviceaccount:${namespace}:${account}`;
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
    const as = [user, ...groups.map((group) => `--as-group=${group}`)];
    const { stderr } = await kubectl(...as, '-v=8', 'get', '--raw', what);
    const uid = /x-kubernetes-pf-flowschema-uid"?[:=] ?\[?"?([-0-9a-f]{36})/i.exec(stderr)?.[1];
    const { stdout } = await kubectl(
      'get',
      'flowschemas',
      '-o',
      'jsonpath={range .items[*]}{.metadata.uid} {.metadata.name}{"\\n"}{end}',
    );
    return stdout
      .split('\n')
      .find((line) => uid !== undefined && line.startsWith(uid))
      ?.split(' ')[1];
  }

  it('have a priority level of their own; everything else of operator and shards, and leases of others, have not', async () => {
    const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
    for (const account of ['ticker-operator', 'ticker-shard']) {
      // The API server learns of a FlowSchema a moment after it is made.
      await expect.poll(() => flowSchema(account, `${leases}/x`), { timeout: 30_000 }).toBe('ticker-leases');
      expect(await flowSchema(account, `/api/v1/namespaces/${namespace}/pods/x`)).toBe('service-accounts');
      expect(await flowSchema(account, '/apis/coordination.k8s.io/v1/namespaces/default/leases/x')).toBe(
        'service-accounts',
      );
    }
    expect(await flowSchema('ticker-gateway', `${leases}/x`)).toBe('service-accounts');
  });
});
