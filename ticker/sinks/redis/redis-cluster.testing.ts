import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { makeCertificates } from '../../../cluster/kubernetes/certificates.testing.ts';
import { freePort } from '../../../runtime/free-ports.testing.ts';
import type { RedisTls } from './connection.ts';
import { slotCount } from './key-slot.ts';
import { type RedisServer, startRedis } from './redis-server.testing.ts';

export interface ClusterNode {
  readonly server: RedisServer;
  /** For commands of the test. */
  readonly admin: Redis;
  /** Its name in the cluster. */
  readonly id: string;
  readonly port: number;
}

/** A real Redis Cluster for tests: three masters with a replica each, TLS only, and a password. */
export interface RedisCluster {
  readonly nodes: readonly ClusterNode[];
  /** What a sink or reader of it is opened with. */
  readonly access: { readonly url: string; readonly tls: RedisTls; readonly password: string };
  /** Directory with `ca.crt`, and `admin.crt` and `admin.key` for a client. */
  readonly certificates: string;
  masterOf(slot: number): Promise<ClusterNode>;
  /** Waits until there is one, in step. */
  replicaOf(master: ClusterNode): Promise<ClusterNode>;
  /** Moves one slot with all its keys, as `redis-cli --cluster reshard` does; `between` runs while it is on its way. */
  migrate(
    slot: number,
    to: ClusterNode,
    between?: (step: 'begun' | 'someMoved' | 'allMoved') => Promise<void>,
  ): Promise<void>;
  stop(): Promise<void>;
}

export const clusterPassword = 'hunter2-of-the-cluster';
const masters = 3;

/** @param nodeTimeout milliseconds after which a server that does not answer is taken for dead */
export async function startRedisCluster(nodeTimeout = 3000): Promise<RedisCluster> {
  const certificates = await mkdtemp(join(tmpdir(), 'redis-tls-'));
  await makeCertificates(certificates);
  const text = (name: string): Promise<string> => readFile(join(certificates, name), 'utf8');
  const tls = { ca: await text('ca.crt'), cert: await text('admin.crt'), key: await text('admin.key') };
  const nodes = await Promise.all(Array.from({ length: 2 * masters }, () => startNode(certificates, tls, nodeTimeout)));
  const [first] = nodes;
  for (const node of nodes.slice(1)) {
    await first!.admin.call('CLUSTER', 'MEET', '127.0.0.1', node.port, node.busPort);
  }
  const share = Math.ceil(slotCount / masters);
  for (const [i, node] of nodes.slice(0, masters).entries()) {
    await node.admin.call('CLUSTER', 'ADDSLOTSRANGE', i * share, Math.min(slotCount, (i + 1) * share) - 1);
  }
  for (const [i, node] of nodes.slice(masters).entries()) {
    await eventually(() => node.admin.call('CLUSTER', 'REPLICATE', nodes[i]!.id));
  }
  await settled(nodes);
  const byId = (id: string): ClusterNode => {
    const found = nodes.find((node) => node.id === id);
    if (found === undefined) throw new Error(`no node ${id}`);
    return found;
  };
  const cluster: RedisCluster = {
    nodes,
    access: {
      url: `rediss+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
      tls,
      password: clusterPassword,
    },
    certificates,
    masterOf: (slot) =>
      eventually(async () => {
        for (const { id, flags, slots } of await view(nodes)) {
          if (flags.includes('master') && slots.some(([from, to]) => slot >= from && slot <= to)) return byId(id);
        }
        throw new Error(`no master has slot ${slot}`);
      }),
    replicaOf: (master) =>
      eventually(async () => {
        const replica = (await view(nodes)).find(({ of, flags }) => of === master.id && !flags.includes('fail'));
        if (replica === undefined) throw new Error('it has no replica');
        if (!/state=online/.test(await master.admin.info('replication'))) throw new Error('it is not in step yet');
        return byId(replica.id);
      }),
    migrate: async (slot, to, between = async () => {}) => {
      const from = await cluster.masterOf(slot);
      await to.admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
      await from.admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
      await between('begun');
      for (let moved = 0; ; ) {
        const keys = (await from.admin.call('CLUSTER', 'GETKEYSINSLOT', slot, 3)) as string[];
        if (keys.length === 0) break;
        const options = ['REPLACE', 'AUTH2', 'default', clusterPassword, 'KEYS', ...keys];
        await from.admin.call('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, ...options);
        if (moved === 0) await between('someMoved');
        moved += keys.length;
      }
      await between('allMoved');
      for (const node of [to, from]) await node.admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
    },
    stop: async () => {
      for (const { admin } of nodes) admin.disconnect();
      await Promise.all(nodes.map(({ server }) => server.stop()));
      await rm(certificates, { recursive: true, force: true });
    },
  };
  return cluster;
}

async function startNode(certificates: string, tls: RedisTls, nodeTimeout: number) {
  const [port, busPort] = [await freePort(), await freePort()];
  const options = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--tls-cluster', 'yes'];
  const timing = ['--cluster-node-timeout', String(nodeTimeout), '--repl-diskless-sync-delay', '0'];
  const login = ['--requirepass', clusterPassword, '--masterauth', clusterPassword];
  const server = await startRedis([...options, ...timing, ...login], port, certificates);
  const admin = new Redis({ host: '127.0.0.1', port, password: clusterPassword, tls, maxRetriesPerRequest: null });
  admin.on('error', () => {});
  return { server, admin, port, busPort, id: String(await admin.call('CLUSTER', 'MYID')) };
}

interface Seen {
  readonly id: string;
  readonly flags: readonly string[];
  /** Its master's name, or `-`. */
  readonly of: string;
  readonly slots: readonly (readonly [number, number])[];
}

/** How a server that is up and part of a cluster that works sees it. */
async function view(nodes: readonly { readonly admin: Redis }[]): Promise<Seen[]> {
  for (const { admin } of nodes) {
    if (admin.status !== 'ready') continue;
    const state = String(await admin.call('CLUSTER', 'INFO'));
    if (!state.includes('cluster_state:ok')) continue;
    const lines = String(await admin.call('CLUSTER', 'NODES'))
      .trim()
      .split('\n');
    return lines.map((line) => {
      const [id = '', , flags = '', of = '', , , , , ...slots] = line.split(' ');
      const ranges = slots.filter((slot) => /^\d/.test(slot)).map((slot) => slot.split('-').map(Number));
      return { id, flags: flags.split(','), of, slots: ranges.map(([from, to = from]) => [from!, to!] as const) };
    });
  }
  throw new Error('no server says that the cluster works');
}

/** Until all see all, the slots are served and the replicas are in step. */
async function settled(nodes: readonly { readonly admin: Redis }[]): Promise<void> {
  await eventually(async () => {
    for (const { admin } of nodes) {
      const info = String(await admin.call('CLUSTER', 'INFO'));
      if (!/cluster_state:ok/.test(info) || !info.includes(`cluster_known_nodes:${nodes.length}`))
        throw new Error(info);
    }
    for (const { admin } of nodes.slice(0, masters)) {
      const info = await admin.info('replication');
      if (!/state=online/.test(info)) throw new Error(info);
    }
  });
}

/** Repeats `act` until it does not reject. */
export async function eventually<T>(act: () => Promise<T>): Promise<T> {
  for (const until = performance.now() + 30_000; ; await delay(50)) {
    try {
      return await act();
    } catch (error) {
      if (performance.now() > until) throw error;
    }
  }
}
