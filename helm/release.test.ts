import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { ApiServer } from '../cluster/kubernetes/api-server.testing.ts';
import { chart, helm } from './helm.testing.ts';

vi.setConfig({ hookTimeout: 180_000, testTimeout: 120_000 });

const [namespace, redis] = ['ticks', 'redis.url=redis://redis'];
const previous = join(import.meta.dirname, '..', 'e2e', 'fixtures', 'charts', 'ticker-operator-0.1.0.tgz');
const account = {
  apiVersion: 'ticker-operator.io/v1alpha1',
  kind: 'TickerAccount',
  metadata: { name: 'mine', namespace },
  spec: { provider: 'kite', credentials: { secretName: 'mine' } },
};

interface Definition {
  spec: {
    versions: { schema: { openAPIV3Schema: { properties: { spec: { properties: Record<string, object> } } } } }[];
  };
}

/** A release at a real API server, without nodes: what helm writes, and what is left of it. */
describe('the definitions of the kinds, and what users made', () => {
  let server: ApiServer;
  let directory: string;
  let next: string;

  const kubectl = async (args: readonly string[], input?: object): Promise<string> => {
    const program = await server.binary('kubectl');
    const started = promisify(execFile)(program, ['--kubeconfig', server.kubeconfig, '-n', namespace, ...args]);
    started.child.stdin?.end(JSON.stringify(input ?? {}));
    return (await started).stdout.trim();
  };
  const inCluster = (...args: string[]): Promise<string> =>
    helm([...args, '--namespace', namespace], '', server.kubeconfig);
  const uid = () => kubectl(['get', 'tickeraccount', 'mine', '-o', 'jsonpath={.metadata.uid}']);
  const note = () => kubectl(['get', 'tickeraccount', 'mine', '-o', 'jsonpath={.spec.note}']);
  const token = () => kubectl(['get', 'secret', 'ticker-market-data', '-o', 'jsonpath={.data.token}']);
  /** Sets the field that only the next chart's definition has; strictly, so that an unknown one is an error. */
  const setNote = () =>
    kubectl(['apply', '--server-side', '--force-conflicts', '--validate=strict', '-f', '-'], {
      ...account,
      spec: { ...account.spec, note: 'kept' },
    });

  beforeAll(async () => {
    // Helm brings the definitions.
    server = await ApiServer.start({ definitions: false });
    directory = await mkdtemp(join(tmpdir(), 'chart-'));
    await kubectl(['create', 'namespace', namespace]);
    next = await chartWithField(directory);
  });
  afterAll(async () => {
    await server?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('an upgrade changes the definitions, a rollback changes them back; objects stay the same', async () => {
    await inCluster('install', 'ticker', previous, '--set', redis);
    await kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
    await kubectl(['apply', '--server-side', '-f', '-'], account);
    const made = await uid();
    await expect(setNote()).rejects.toThrow(/note/);

    await inCluster('upgrade', 'ticker', next, '--reset-then-reuse-values');
    // The API server publishes a changed definition a moment later.
    await expect.poll(() => setNote().then(note, String), { timeout: 30_000 }).toBe('kept');

    await inCluster('rollback', 'ticker', '1');
    await expect.poll(() => setNote().then(() => 'taken', String), { timeout: 30_000 }).toMatch(/note/);
    expect({ uid: await uid(), note: await note() }).toEqual({ uid: made, note: '' });
  });

  it('a token that was made once stays over upgrades', async () => {
    await inCluster('upgrade', 'ticker', chart, '--reset-then-reuse-values');
    const made = await token();
    expect(Buffer.from(made, 'base64').toString()).toMatch(/^[A-Za-z0-9]{48}$/);
    await inCluster('upgrade', 'ticker', chart, '--reset-then-reuse-values', '--set', 'logLevel=debug');
    expect(await token()).toBe(made);
  });

  it('--reuse-values from the version before is refused, with what to give instead', async () => {
    await inCluster('rollback', 'ticker', '1');
    await expect(inCluster('upgrade', 'ticker', chart, '--reuse-values')).rejects.toThrow(
      /is missing from the values: upgrade with --reset-then-reuse-values/,
    );
  });

  it('an uninstallation leaves them, and the next installation takes them over', async () => {
    const made = await uid();
    await inCluster('uninstall', 'ticker');
    expect(await uid()).toBe(made);
    expect(
      await kubectl(['get', 'deployment,clusterrole', '-l', 'app.kubernetes.io/instance=ticker', '-o', 'name']),
    ).toBe('');
    await inCluster('install', 'ticker', chart, '--set', redis);
    expect(await uid()).toBe(made);
  });

  it('a release of another name takes them over where it is told to', async () => {
    await inCluster('uninstall', 'ticker');
    await expect(inCluster('install', 'other', chart, '--set', redis)).rejects.toThrow(/invalid ownership metadata/);
    await inCluster('install', 'other', chart, '--set', redis, '--take-ownership');
    await inCluster('uninstall', 'other');
    expect(await kubectl(['get', 'tickeraccounts', '-o', 'name'])).toBe('tickeraccount.ticker-operator.io/mine');
  });
});

/** A copy of the chart in which an account may have a `note`: as a next version would bring a field. */
async function chartWithField(directory: string): Promise<string> {
  const copy = join(directory, 'ticker-operator');
  await cp(chart, copy, { recursive: true });
  const file = join(copy, 'files', 'crds', 'tickeraccounts.yaml');
  const definition = parse(await readFile(file, 'utf8')) as Definition;
  const [version] = definition.spec.versions;
  if (version === undefined) throw new Error('the definition has no version');
  version.schema.openAPIV3Schema.properties.spec.properties['note'] = { type: 'string' };
  await writeFile(file, stringify(definition, { version: '1.1' }));
  return copy;
}
