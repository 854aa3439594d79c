import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabProcess } from '../../cli/process/lab-process.testing.ts';
import { ApiServer } from '../../cluster/kubernetes/api-server.testing.ts';
import type { KubernetesCluster } from '../../cluster/kubernetes/index.ts';
import { instrumentSets, subscriptionSlices, tickerAccounts } from '../../cluster/resources.ts';
import { apiVersion, type InstrumentSet, type KubeObject, type SubscriptionSlice } from '../../crds/index.ts';
import { createSimulator, type Simulator } from '../../ticker/providers/kite/simulator/simulator.ts';
import { type RedisServer, startRedis } from '../../ticker/sinks/redis/redis-server.testing.ts';
import { eventually, run } from '../lab/command.ts';
import { type Counts, parseRequests } from '../lab/requests.ts';

export interface ScaleOf {
  readonly accounts: number;
  readonly instruments: number;
  readonly sets: number;
  readonly shards: number;
}

const namespace = 'default';
/** Milliseconds that anything may take on a machine that is busy. */
const patience = { timeout: 600_000, interval: 100 };
/** The market is open for a minute after midnight: the broker answers a subscription with an old value, and then is quiet. */
const hours = { hours: { default: { open: 0, close: 1 } } };
const cachedTickAge = 3_600_000;
/** What this product and its user ask for; the API server asks itself for more. */
const ours = /^(tickeraccounts|instrumentsets|subscriptionslices|secrets|leases|events)(\/.*)?$/;

export interface OperatorFigures {
  readonly memory: number;
  readonly processor: number;
  readonly reconciles: number;
  readonly reconciling: number;
  readonly planning: number;
  readonly writingSlices: number;
  readonly writingStatuses: number;
}

/** A real API server, Redis, operator and shards, and a broker with as many instruments as are asked for. */
export class ScaleLab implements AsyncDisposable {
  readonly #scale: ScaleOf;
  readonly #server: ApiServer;
  readonly #cluster: KubernetesCluster;
  readonly #redis: RedisServer;
  readonly #broker: Simulator;
  readonly #endpoint: { readonly rest: string; readonly websocket: string };
  readonly #operator: LabProcess;
  readonly #processes: readonly LabProcess[];

  private constructor(
    scale: ScaleOf,
    server: ApiServer,
    cluster: KubernetesCluster,
    redis: RedisServer,
    broker: Simulator,
    address: { readonly url: string; readonly websocketUrl: string },
  ) {
    this.#scale = scale;
    this.#server = server;
    this.#cluster = cluster;
    this.#redis = redis;
    this.#broker = broker;
    this.#endpoint = { rest: address.url, websocket: address.websocketUrl };
    const start = (name: string, ...args: string[]): LabProcess => {
      const http = ['--http-host', '127.0.0.1', '--http-port', '0', '--kubeconfig', server.kubeconfig];
      const pod = { POD_NAME: name, POD_UID: randomUUID(), POD_NAMESPACE: namespace, POD_IP: '127.0.0.1' };
      return new LabProcess(name, pod.POD_UID, [...args, ...http], pod);
    };
    this.#operator = start('operator', 'operator');
    const shards = Array.from({ length: scale.shards }, (_, n) => start(`ticker-${n}`, 'shard', '--redis', redis.url));
    this.#processes = [this.#operator, ...shards];
  }

  /** Resolves when operator and shards run, and nothing is there for them yet. */
  static async start(scale: ScaleOf): Promise<ScaleLab> {
    const server = await ApiServer.start();
    const redis = await startRedis();
    const logins = Array.from({ length: scale.accounts }, (_, n) => ({
      apiKey: `key-${n}`,
      accessToken: `token-${n}`,
    }));
    const broker = createSimulator({ extraInstruments: scale.instruments, rate: 1, hours, cachedTickAge, logins });
    const lab = new ScaleLab(scale, server, await server.connect(), redis, broker, await broker.start());
    for (const each of lab.#processes) await eventually(`${each.name} is ready`, () => isReady(each), patience);
    return lab;
  }

  /** As a user would, with `kubectl apply` of one file. */
  async apply(): Promise<void> {
    const path = join(this.#server.directory, 'scale.json');
    await writeFile(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: this.#objects() }));
    await this.#kubectl(['apply', '--server-side', '-f', path]);
  }

  /** Waits until slices have every instrument; returns how many slices there are. */
  placed(): Promise<number> {
    return eventually(
      'every instrument has a slice',
      async () => {
        const slices = await this.#list<SubscriptionSlice>(subscriptionSlices);
        const groups = slices.flatMap(({ spec }) => spec.groups);
        const placed = groups.reduce((sum, { instruments }) => sum + instruments.length, 0);
        return placed >= this.#scale.instruments ? slices.length : undefined;
      },
      { ...patience, interval: 3000 },
    );
  }

  /** Waits until every set is Ready. */
  async ready(): Promise<void> {
    await eventually(
      'every set is Ready',
      async () => {
        const ready = (await this.#list<InstrumentSet>(instrumentSets)).filter(({ status }) =>
          status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
        );
        return ready.length === this.#scale.sets ? true : undefined;
      },
      { ...patience, interval: 1000 },
    );
  }

  /** Waits until no object has been written for a while. */
  async settled(): Promise<void> {
    let before = '';
    await eventually(
      'nothing is written any more',
      async () => {
        const kinds = [tickerAccounts, instrumentSets, subscriptionSlices];
        const lists = await Promise.all(kinds.map((kind) => this.#list<KubeObject>(kind)));
        const now = lists.flatMap((items) => items.map(({ metadata }) => metadata.resourceVersion)).join();
        const same = now === before;
        before = now;
        return same ? true : undefined;
      },
      { ...patience, interval: 10_000 },
    );
  }

  /** What shards say of each slice, by its name. */
  async reports(): Promise<ReadonlyMap<string, string>> {
    const slices = await this.#list<SubscriptionSlice>(subscriptionSlices);
    return new Map(slices.map(({ metadata, status }) => [metadata.name, JSON.stringify(status?.shards)]));
  }

  /** What the API server has been asked for so far, by operator, shards and kubectl; the looks of this lab are among the lists. */
  async requests(): Promise<Counts> {
    const counts = parseRequests(await this.#kubectl(['get', '--raw', '/metrics']));
    return counts.filter(({ resource }) => ours.test(resource));
  }

  /** What the operator says of itself: resident bytes, and the seconds that it spent on what, waits for answers included. */
  async operator(): Promise<OperatorFigures> {
    const metrics = await this.#operator.metrics();
    const value = (name: string): number =>
      [...metrics.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))].reduce(
        (sum, [, each]) => sum + Number(each),
        0,
      );
    const written = (what: string): number =>
      value(`ticker_operator_write_duration_seconds_sum\\{[^}]*what="${what}"[^}]*\\}`);
    return {
      memory: value('process_resident_memory_bytes'),
      processor: value('process_cpu_seconds_total'),
      reconciles: value('ticker_operator_reconcile_duration_seconds_count'),
      reconciling: value('ticker_operator_reconcile_duration_seconds_sum'),
      planning: value('ticker_operator_plan_duration_seconds_sum'),
      writingSlices: written('slices'),
      writingStatuses: written('statuses'),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.kill()));
    await this.#broker.stop();
    await this.#redis.stop();
    await this.#server.stop();
  }

  async #list<T extends KubeObject>(resource: Parameters<KubernetesCluster['list']>[0]): Promise<readonly T[]> {
    return (await this.#cluster.list<T>(resource)).items;
  }

  async #kubectl(args: readonly string[]): Promise<string> {
    const kubectl = await this.#server.binary('kubectl');
    return run(kubectl, ['--kubeconfig', this.#server.kubeconfig, ...args], patience);
  }

  #objects(): KubeObject[] {
    const { accounts, instruments, sets } = this.#scale;
    const names = this.#broker.market
      .advance(Date.now())
      .universe.instruments.filter(({ type }) => type !== 'INDEX')
      .slice(0, instruments)
      .map(({ exchange, symbol }) => `${exchange}:${symbol}`);
    const each = instruments / sets;
    const logins = Array.from({ length: accounts }, (_, n) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace, name: `login-${n}` },
      stringData: { apiKey: `key-${n}`, accessToken: `token-${n}` },
    }));
    const users = Array.from({ length: accounts }, (_, n) => ({
      apiVersion,
      kind: 'TickerAccount',
      metadata: { namespace, name: `account-${n}` },
      spec: { provider: 'kite', credentials: { secretName: `login-${n}` }, endpoint: this.#endpoint },
    }));
    const wanted = Array.from({ length: sets }, (_, n) => ({
      apiVersion,
      kind: 'InstrumentSet',
      metadata: { namespace, name: `set-${n}` },
      spec: { mode: 'quote', instruments: names.slice(n * each, (n + 1) * each) },
    }));
    return [...logins, ...users, ...wanted];
  }
}

async function isReady(each: LabProcess): Promise<true | undefined> {
  return (await each.readiness()) === 200 ? true : undefined;
}
