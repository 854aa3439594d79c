import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { describeError } from '../../runtime/errors.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { type ApiServerConfig, loadApiServerConfig } from './config.ts';
import { inClusterConfig } from './in-cluster.ts';
import { execMargin, tokenAge } from './limits.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

let files = 0;
async function file(content: string | object, name = `file-${files++}`): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, typeof content === 'string' ? content : stringify(content), { mode: 0o700 });
  return path;
}

const kubeconfig = (user: object, cluster: object = {}): object => ({
  'current-context': 'c',
  contexts: [{ name: 'c', context: { cluster: 'k', user: 'u', namespace: 'trading' } }],
  clusters: [{ name: 'k', cluster: { server: 'https://k:6443', ...cluster } }],
  users: [{ name: 'u', user }],
});
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const clock = new VirtualClock();
const load = async (content: string | object, rest: { context?: string } = {}): Promise<ApiServerConfig> =>
  loadApiServerConfig({ clock, env: { PATH: process.env['PATH'] }, kubeconfig: await file(content), ...rest });
const failure = async (content: string | object, rest = {}): Promise<string> => {
  const outcome = await load(content, rest)
    .then(({ credentials }) => credentials.current())
    .catch((error: unknown) => error);
  return describeError(outcome);
};

describe('a kubeconfig', () => {
  it('gives server, authority, namespace and a token', async () => {
    const config = await load(
      kubeconfig(
        { token: 'hunter2\n' },
        { 'certificate-authority-data': base64('PEM'), 'tls-server-name': 'kubernetes' },
      ),
    );
    expect(config).toMatchObject({ namespace: 'trading', ca: 'PEM', serverName: 'kubernetes' });
    expect(config.server.href).toBe('https://k:6443/');
    expect(await config.credentials.current()).toEqual({ token: 'hunter2' });
  });

  it('gives client certificates, inline or from files beside it', async () => {
    const inline = { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') };
    const pair = { certificate: 'CERT', key: 'KEY' };
    expect(await (await load(kubeconfig(inline))).credentials.current()).toEqual(pair);
    await file('CERT', 'client.crt');
    await file('KEY', 'client.key');
    const beside = { 'client-certificate': 'client.crt', 'client-key': 'client.key' };
    expect(await (await load(kubeconfig(beside))).credentials.current()).toEqual(pair);
  });

  it('reads a token file again when it is old, and when it was refused', async () => {
    const path = await file('one');
    const { credentials } = await load(kubeconfig({ tokenFile: path }));
    expect(await credentials.current()).toEqual({ token: 'one' });
    await writeFile(path, 'two');
    expect(await credentials.current()).toEqual({ token: 'one' });
    credentials.refused();
    expect(await credentials.current()).toEqual({ token: 'two' });
    await writeFile(path, 'three');
    await clock.advance(tokenAge);
    expect(await credentials.current()).toEqual({ token: 'three' });
    await rm(path);
    await clock.advance(tokenAge);
    expect(await credentials.current()).toEqual({ token: 'three' });
  });

  it('runs a credential plugin once, and again when its credential expires or is refused', async () => {
    const count = join(directory, 'count');
    const expires = new Date(clock.now() + 60_000).toISOString();
    const plugin = await file(
      [
        `#!/bin/sh`,
        `echo x >>${count}`,
        `n=$(wc -l <${count})`,
        `printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s-%s","expirationTimestamp":"${expires}"}}' "$WHO" $n`,
      ].join('\n'),
    );
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: plugin,
      env: [{ name: 'WHO', value: 'me' }],
    };
    const { credentials } = await load(kubeconfig({ exec }));
    expect(await Promise.all([credentials.current(), credentials.current()])).toEqual([
      { token: 'me-1' },
      { token: 'me-1' },
    ]);
    credentials.refused();
    expect(await credentials.current()).toEqual({ token: 'me-2' });
    await clock.advance(60_000 - execMargin);
    expect(await credentials.current()).toEqual({ token: 'me-3' });
  });

  it('of several files the first counts, and a context can be chosen', async () => {
    const first = await file({ 'current-context': 'c', users: [{ name: 'u', user: { token: 'first' } }] });
    const second = await file(kubeconfig({ token: 'second' }));
    const env = { KUBECONFIG: `${first}:${join(directory, 'missing')}:${second}` };
    const config = await loadApiServerConfig({ clock, env });
    expect(await config.credentials.current()).toEqual({ token: 'first' });
    expect(await failure(kubeconfig({}), { context: 'd' })).toMatch(/no context 'd'; there are: c/);
  });

  it('may act as somebody else', async () => {
    const { impersonate } = await load(kubeconfig({ token: 't', as: 'jane', 'as-groups': ['traders', 'desk'] }));
    expect(impersonate).toEqual({ 'Impersonate-User': 'jane', 'Impersonate-Group': ['traders', 'desk'] });
  });

  it.each([
    ['broken YAML', 'users: [{token: hunter2', /is not valid YAML: line 1/],
    ['a list', '- hunter2', /KUBECONFIG_INVALID/],
    ['no current context', {}, /no current-context/],
    ['a user that is not there', { ...kubeconfig({}), users: [] }, /no user 'u'; there are: none/],
    ['a server that is none', kubeconfig({}, { server: 'hunter2' }), /server is no URL/],
    ['a server in the clear', kubeconfig({}, { server: 'http://k' }), /server must be https/],
    ['a proxy', kubeconfig({}, { 'proxy-url': 'http://u:hunter2@p' }), /proxy-url is not supported/],
    ['half a certificate', kubeconfig({ 'client-certificate-data': base64('C') }), /belong together/],
    [
      'an authority that is not there',
      kubeconfig({}, { 'certificate-authority': 'no' }),
      /no cannot be read \(ENOENT\)/,
    ],
    ['a password', kubeconfig({ username: 'u', password: 'hunter2' }), /no password/],
    ['an auth-provider', kubeconfig({ 'auth-provider': { name: 'oidc' } }), /use a credential plugin/],
    [
      'a plugin that is not there',
      kubeconfig({ exec: { apiVersion: 'v1', command: './no', installHint: 'Install it.' } }),
      /is not there: Install it/,
    ],
    [
      'a plugin that fails',
      kubeconfig({ exec: { apiVersion: 'v1', command: 'sh', args: ['-c', 'echo hunter2 >&2; exit 3'] } }),
      /failed \(3\)/,
    ],
    [
      'a plugin that prints something',
      kubeconfig({ exec: { apiVersion: 'v1', command: 'echo', args: ['hunter2'] } }),
      /printed no ExecCredential/,
    ],
    ['a token file that is not there', kubeconfig({ tokenFile: 'no' }), /KUBE_CREDENTIALS_UNAVAILABLE/],
  ])('with %s is refused, and says no value of it', async (_, content, said) => {
    const message = await failure(content);
    expect(message).toMatch(said);
    expect(message).not.toContain('hunter2');
  });

  it('that is nowhere is missed by name', async () => {
    const outcome = loadApiServerConfig({ clock, env: { HOME: join(directory, 'nobody') } });
    await expect(outcome).rejects.toMatchObject({ code: 'KUBECONFIG_MISSING' });
  });
});

describe('in a pod', () => {
  it('the service account is used', async () => {
    await file('hunter2\n', 'token');
    await file('trading', 'namespace');
    await file('PEM', 'ca.crt');
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    const config = await inClusterConfig(env, clock, directory);
    expect(config).toMatchObject({ namespace: 'trading', ca: 'PEM' });
    expect(config?.server.href).toBe('https://[fd00::1]/');
    expect(await config?.credentials.current()).toEqual({ token: 'hunter2' });
    expect(await inClusterConfig({}, clock, directory)).toBeUndefined();
  });

  it('a token that is not mounted is an error', async () => {
    const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
    const outcome = inClusterConfig(env, clock, join(directory, 'none'));
    await expect(outcome).rejects.toMatchObject({ code: 'KUBE_CREDENTIALS_UNAVAILABLE' });
  });
});
