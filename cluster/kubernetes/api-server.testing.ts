import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { kinds } from '../../crds/kinds.ts';
import type { KubeObject } from '../../crds/schema.ts';
import { systemClock } from '../../runtime/clock.ts';
import { freePorts } from '../../runtime/free-ports.testing.ts';
import { SeededRandom } from '../../runtime/random.ts';
import type { Resource } from '../cluster.ts';
import { instrumentSets } from '../resources.ts';
import { makeCertificates } from './certificates.testing.ts';
import { loadApiServerConfig } from './config.ts';
import { KubernetesCluster, type KubernetesClusterOptions } from './kubernetes-cluster.ts';
import { TestProcess } from './process.testing.ts';

const root = join(import.meta.dirname, '..', '..');
/** Milliseconds in which an API server has to be ready, on a machine that is busy: less than a hook of a test may take. */
const patience = 90_000;

const definitions: Resource = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};
const namespaces: Resource = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false };

/**
 * A real kube-apiserver with its etcd and this project's CRDs, as two processes on loopback: no kubelet, no controllers.
 * The binaries are those that `e2e/kube/build` made.
 *
 * @example
 * const server = await ApiServer.start();
 * const cluster = await server.connect();
 * await server.stop();
 */
export class ApiServer {
  /** Where certificates, data and logs lie. */
  readonly directory: string;
  /** Path of the administrator's kubeconfig, with a client certificate. */
  readonly kubeconfig: string;
  readonly url: string;
  readonly #etcdUrl: string;
  readonly #etcd: TestProcess;
  readonly #apiserver: TestProcess;
  readonly #clusters: KubernetesCluster[] = [];
  /** Kinds that it serves only some time after it answers. */
  #served: readonly Resource[] = [];

  private constructor(directory: string, binaries: string, ports: readonly [number, number, number]) {
    const [port, client, peer] = ports;
    this.directory = directory;
    this.kubeconfig = join(directory, 'kubeconfig');
    this.url = `https://127.0.0.1:${port}`;
    this.#etcdUrl = `http://127.0.0.1:${client}`;
    const program = (name: string, args: readonly string[]) =>
      new TestProcess(join(binaries, name), args, join(directory, `${name}.log`));
    this.#etcd = program('etcd', etcdArgs(directory, this.#etcdUrl, `http://127.0.0.1:${peer}`));
    this.#apiserver = program('kube-apiserver', apiserverArgs(directory, this.#etcdUrl, port));
  }

  /** @param options.definitions whether it serves this project's kinds from the start; default true */
  static async start({ definitions = true } = {}): Promise<ApiServer> {
    const [binaries, [port = 0, client = 0, peer = 0]] = await Promise.all([binaryDirectory(), freePorts(3)]);
    const directory = await mkdtemp(join(tmpdir(), 'kube-apiserver-'));
    const server = new ApiServer(directory, binaries, [port, client, peer]);
    try {
      await makeCertificates(directory);
      await writeFile(server.kubeconfig, JSON.stringify(server.#kubeconfig()), { mode: 0o600 });
      await server.#etcd.start();
      await server.startApiServer();
      if (definitions) {
        await installDefinitions(await server.connect());
        server.#served = [instrumentSets];
      }
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** A client as the administrator, or as the kubeconfig given says; closed when the server is stopped. */
  async connect(options: Partial<KubernetesClusterOptions> & { kubeconfig?: string } = {}): Promise<KubernetesCluster> {
    const { kubeconfig = this.kubeconfig, ...rest } = options;
    const config = await loadApiServerConfig({ clock: systemClock, env: {}, kubeconfig });
    const random = new SeededRandom(1);
    const cluster = new KubernetesCluster({ config, clock: systemClock, random, ...rest });
    this.#clusters.push(cluster);
    return cluster;
  }

  /** Starts the API server, again on the same port where it was stopped, and waits until it is ready. */
  async startApiServer(): Promise<void> {
    await this.#apiserver.start();
    const probe = await this.connect({ requestTimeout: 2000 });
    const mustRun = async () => {
      await this.#etcd.mustRun();
      await this.#apiserver.mustRun();
    };
    const deadline = performance.now() + patience;
    const wait = (attempt: () => Promise<unknown>) =>
      eventually(mustRun, attempt, deadline).catch(async (cause: unknown) => {
        throw new Error(`kube-apiserver is not ready. ${await this.#etcd.log()}\n${await this.#apiserver.log()}`, {
          cause,
        });
      });
    for (const name of ['default', 'kube-system']) await wait(() => probe.get(namespaces, { name }));
    for (const resource of this.#served) await wait(() => probe.list(resource));
    probe.close();
  }

  /** Ends the API server only; what it stored stays. */
  stopApiServer(signal?: NodeJS.Signals): Promise<void> {
    return this.#apiserver.stop(signal);
  }

  /** Lets etcd forget every version before now, as an API server does every five minutes. */
  async compact(): Promise<void> {
    const call = async (path: string, body: object): Promise<{ header: { revision: string } }> => {
      const answer = await fetch(`${this.#etcdUrl}/v3/kv/${path}`, { method: 'POST', body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`etcd: ${path} answered ${answer.status}`);
      return (await answer.json()) as { header: { revision: string } };
    };
    const { header } = await call('range', { key: Buffer.from('/').toString('base64'), limit: 1 });
    await call('compaction', { revision: header.revision, physical: true });
  }

  /** Path of a program that was built with the server, e.g. `kubectl`. */
  async binary(name: string): Promise<string> {
    return join(await binaryDirectory(), name);
  }

  /** A namespace that did not exist before. */
  async makeNamespace(name: string): Promise<string> {
    const cluster = await this.connect();
    await cluster.create(
      namespaces,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
      { fieldManager: 'test' },
    );
    return name;
  }

  /** Ends both processes and removes all they wrote. */
  async stop(): Promise<void> {
    for (const cluster of this.#clusters) cluster.close();
    await this.#apiserver.stop('SIGKILL');
    await this.#etcd.stop('SIGKILL');
    await rm(this.directory, { recursive: true, force: true });
  }

  #kubeconfig(): object {
    return {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [{ name: 'test', cluster: { server: this.url, 'certificate-authority': 'ca.crt' } }],
      users: [{ name: 'admin', user: { 'client-certificate': 'admin.crt', 'client-key': 'admin.key' } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    };
  }
}

async function binaryDirectory(): Promise<string> {
  const { stdout } = await promisify(execFile)(join(root, 'e2e', 'kube', 'build'), ['--path']);
  return stdout.trim();
}

function etcdArgs(directory: string, client: string, peer: string): string[] {
  return [
    ...['--data-dir', join(directory, 'etcd'), '--unsafe-no-fsync', '--log-level', 'warn'],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`],
  ];
}

function apiserverArgs(directory: string, etcd: string, port: number): string[] {
  const file = (name: string): string => join(directory, name);
  return [
    ...['--etcd-servers', etcd, '--etcd-compaction-interval', '0'],
    ...['--bind-address', '127.0.0.1', '--secure-port', String(port)],
    ...['--tls-cert-file', file('server.crt'), '--tls-private-key-file', file('server.key')],
    ...['--client-ca-file', file('ca.crt'), '--authorization-mode', 'RBAC'],
    ...['--service-account-issuer', 'https://kubernetes.default.svc', '--service-cluster-ip-range', '10.96.0.0/16'],
    ...['--service-account-key-file', file('ca.crt'), '--service-account-signing-key-file', file('ca.key')],
    // Ends watches when it is asked to end, instead of waiting for them.
    ...['--shutdown-watch-termination-grace-period', '1s'],
    // There is no controller that makes default service accounts, nor one that writes endpoints.
    ...['--disable-admission-plugins', 'ServiceAccount', '--endpoint-reconciler-type', 'none'],
  ];
}

async function installDefinitions(cluster: KubernetesCluster): Promise<void> {
  const directory = join(root, 'crds');
  const files = (await readdir(directory)).filter((name) => name.endsWith('.yaml'));
  const established = async (name: string): Promise<void> => {
    const { status } = await cluster.get<Definition>(definitions, { name });
    if (!status?.conditions?.some((it) => it.type === 'Established' && it.status === 'True')) throw new Error(name);
  };
  for (const file of files) {
    const object = parse(await readFile(join(directory, file), 'utf8')) as KubeObject;
    await cluster.apply(definitions, object, { fieldManager: 'test' });
    await eventually(
      async () => {},
      () => established(object.metadata.name),
    );
  }
  if (files.length !== kinds.length) throw new Error(`there are ${files.length} CRDs for ${kinds.length} kinds`);
}

interface Definition extends KubeObject {
  status?: { conditions?: { type: string; status: string }[] };
}

/** Tries until it works, at most until `deadline`; `check` ends it early. */
async function eventually(
  check: () => Promise<void>,
  attempt: () => Promise<unknown>,
  deadline = performance.now() + patience,
): Promise<void> {
  for (; ; await delay(50)) {
    await check();
    const failure = await attempt().then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    if (failure === undefined) return;
    if (performance.now() > deadline) throw failure.error;
  }
}
