import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { WebSocket } from 'ws';
import { ApiServer } from '../../cluster/kubernetes/api-server.testing.ts';
import type { KubernetesCluster } from '../../cluster/kubernetes/index.ts';
import { instrumentSets, secrets, subscriptionSlices, tickerAccounts } from '../../cluster/resources.ts';
import { apiVersion, type InstrumentSet, type KubeObject, type SubscriptionSlice } from '../../crds/index.ts';
import { render } from '../../helm/helm.testing.ts';
import type { BatchHeader } from '../../ticker/delivery.ts';
import { BatchSequence } from '../../ticker/gateway/batch-sequence.ts';
import { type RedisServer, startRedis } from '../../ticker/sinks/redis/redis-server.testing.ts';
import { LabProcess } from './lab-process.testing.ts';

const user = { fieldManager: 'user', force: true };
export const namespace = 'default';
const serviceAccounts = { apiVersion: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts', namespaced: true };

/** A real API server, a real Redis, a simulated broker, and the product's processes; there is no kubelet. */
export class ClusterLab {
  readonly server: ApiServer;
  readonly cluster: KubernetesCluster;
  readonly redis: RedisServer;
  readonly broker: LabProcess;
  readonly brokerPort: number;
  readonly directory = mkdtempSync(join(tmpdir(), 'cluster-lab-'));
  readonly #processes: LabProcess[];

  private constructor(
    server: ApiServer,
    cluster: KubernetesCluster,
    redis: RedisServer,
    broker: LabProcess,
    port: number,
  ) {
    this.server = server;
    this.cluster = cluster;
    this.redis = redis;
    this.broker = broker;
    this.brokerPort = port;
    this.#processes = [broker];
  }

  /** @param rate ticks a second of each instrument */
  static async start(rate = 10): Promise<ClusterLab> {
    const server = await ApiServer.start();
    const redis = await startRedis();
    const args = ['simulator', '--port', '0', '--rate', String(rate), '--login', 'demo-c:secret-c:demo-token-c'];
    const broker = new LabProcess('simulator', '', args, {});
    const [, port] = await broker.says(/rest\s+http:\/\/127\.0\.0\.1:(\d+)/);
    return new ClusterLab(server, await server.connect(), redis, broker, Number(port));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.kill()));
    await this.server.stop();
    await this.redis.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  operator(name: string, more: readonly string[] = [], kubeconfig = this.server.kubeconfig): LabProcess {
    return this.#run(name, randomUUID(), ['operator', '--kubeconfig', kubeconfig, ...more]);
  }

  /** @param uid of the pod; another one is another pod of that name */
  shard(
    name: string,
    { uid = randomUUID(), more = [], kubeconfig = this.server.kubeconfig }: Partial<ShardSettings> = {},
  ): LabProcess {
    return this.#run(name, uid, ['shard', '--kubeconfig', kubeconfig, '--redis', this.redis.url, ...more]);
  }

  gateway(more: readonly string[] = []): LabProcess {
    const args = ['gateway', '--redis', this.redis.url, '--host', '127.0.0.1', '--port', '0'];
    return this.#run('gateway', '', [...args, ...more]);
  }

  #run(name: string, uid: string, args: readonly string[]): LabProcess {
    const http = ['--http-host', '127.0.0.1', '--http-port', '0'];
    const env = { POD_NAME: name, POD_UID: uid, POD_NAMESPACE: namespace, POD_IP: '127.0.0.1' };
    const started = new LabProcess(name, uid, [...args, ...http], env);
    this.#processes.push(started);
    return started;
  }

  /** A login at the simulated broker, with its Secret. */
  async account(name: string, spec: object = {}): Promise<void> {
    await this.login(name, { apiKey: name, accessToken: name.replace('demo-', 'demo-token-') });
    const port = this.brokerPort;
    const endpoint = { rest: `http://127.0.0.1:${port}`, websocket: `ws://127.0.0.1:${port}` };
    const object = {
      apiVersion,
      kind: 'TickerAccount',
      metadata: { namespace, name },
      spec: { provider: 'kite', credentials: { secretName: `login-${name}` }, endpoint, ...spec },
    };
    await this.cluster.apply<KubeObject>(tickerAccounts, object, user);
  }

  async login(account: string, values: Readonly<Record<string, string>>): Promise<void> {
    const data = Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    );
    const metadata = { namespace, name: `login-${account}` };
    await this.cluster.apply<KubeObject>(
      secrets,
      { apiVersion: 'v1', kind: 'Secret', metadata, data } as KubeObject,
      user,
    );
  }

  async set(name: string, spec: object): Promise<void> {
    const object = { apiVersion, kind: 'InstrumentSet', metadata: { namespace, name }, spec };
    await this.cluster.apply<KubeObject>(instrumentSets, object, user);
  }

  /** A kubeconfig with the token of a service account, made where there is none. */
  async as(name: string): Promise<string> {
    const metadata = { namespace, name };
    await this.cluster.apply(serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata }, user);
    const kubectl = await this.server.binary('kubectl');
    const args = ['--kubeconfig', this.server.kubeconfig, '-n', namespace, 'create', 'token', name];
    const { stdout } = await promisify(execFile)(kubectl, args);
    const path = join(this.directory, `${name}.kubeconfig`);
    const config = {
      'current-context': name,
      contexts: [{ name, context: { cluster: 'test', user: name, namespace } }],
      clusters: [
        {
          name: 'test',
          cluster: { server: this.server.url, 'certificate-authority': join(this.server.directory, 'ca.crt') },
        },
      ],
      users: [{ name, user: { token: stdout.trim() } }],
    };
    await writeFile(path, JSON.stringify(config), { mode: 0o600 });
    return path;
  }

  /** What the chart lets the processes' service accounts do, as `helm install lab` would write it. */
  async installAccess(): Promise<void> {
    const values = { redis: { url: 'redis://redis' } };
    const only = ['rbac.yaml', 'access-policy.yaml'];
    for (const object of await render(values, { release: 'lab', namespace, only })) {
      const { apiVersion, kind } = object;
      const clusterWide = /^(Cluster|Validating)/.test(kind);
      const plural = `${kind.toLowerCase()}s`.replace(/ys$/, 'ies');
      const metadata = { ...object.metadata, ...(clusterWide ? {} : { namespace }) };
      const resource = { apiVersion, kind, plural, namespaced: !clusterWide };
      await this.cluster.apply(resource, { ...object, metadata }, user);
    }
  }

  async slices(): Promise<readonly SubscriptionSlice[]> {
    return (await this.cluster.list<SubscriptionSlice>(subscriptionSlices)).items;
  }

  async ready(set: string): Promise<string> {
    const { status } = await this.cluster.get<InstrumentSet>(instrumentSets, { namespace, name: set });
    const condition = status?.conditions?.find(({ type }) => type === 'Ready');
    return `${condition?.status} ${condition?.reason}`;
  }
}

interface ShardSettings {
  readonly uid: string;
  readonly more: readonly string[];
  readonly kubeconfig: string;
}

interface ReaderSettings {
  readonly token?: string;
  /** A reader that was cut off: this one goes on where it was. */
  readonly after?: LabReader;
}

/** Reads a set at a gateway, checking each batch's number. */
export class LabReader {
  readonly sequence: BatchSequence;
  readonly headers: BatchHeader[] = [];
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;

  constructor(port: number, set: string, { token, after }: ReaderSettings = {}) {
    this.sequence = after?.sequence ?? new BatchSequence();
    const from = (after?.positions ?? []).map((position) => `&from=${position}`).join('');
    this.#socket = new WebSocket(`ws://127.0.0.1:${port}/v1/stream?set=${namespace}/${set}${from}`, {
      headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    });
    this.#socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as BatchHeader & { type?: string };
      if (message.type !== undefined) return;
      this.sequence.check(message);
      this.headers.push(message);
    });
    this.closed = once(this.#socket, 'close').then(([code]) => code as number);
    this.#socket.on('error', () => {});
  }

  /** Where it stands in each slice, as a reader that resumes says it. */
  get positions(): string[] {
    const last = new Map(this.headers.map((each) => [each.sliceUid ?? '', each]));
    return [...last].map(([slice, { epoch, claim, seq }]) => `${slice}:${epoch}.${claim}:${seq}`);
  }

  /** Waits for ticks of each of these slices from now on. */
  async ticksOf(slices: readonly string[], timeout = 60_000): Promise<void> {
    const from = this.headers.length;
    const missing = () => {
      const ticked = new Set(this.headers.slice(from).flatMap(({ slice, count }) => (count > 0 ? [slice] : [])));
      return slices.filter((slice) => !ticked.has(slice));
    };
    await expect.poll(missing, { timeout, interval: 20 }).toEqual([]);
  }

  end(): void {
    this.#socket.terminate();
  }
}
