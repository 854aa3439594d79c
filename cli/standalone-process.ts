import { join } from 'node:path';
import type { MarketData } from '../cluster/market-data.ts';
import { MemoryCluster } from '../cluster/memory/memory-cluster.ts';
import { instrumentSets, tickerAccounts } from '../cluster/resources.ts';
import { channelName, type InstrumentSet, type TickerAccount } from '../crds/index.ts';
import { createOperator, type Operator } from '../operator/operator.ts';
import { type Clock, sleep, systemClock } from '../runtime/clock.ts';
import { describeError } from '../runtime/errors.ts';
import type { Logger, LogLines } from '../runtime/log.ts';
import type { HealthCheck } from '../runtime/metrics/listener.ts';
import { SeededRandom } from '../runtime/random.ts';
import { Supervisor } from '../runtime/supervisor.ts';
import { createGateway, type Gateway, type GatewaySet } from '../ticker/gateway/gateway.ts';
import { createSimulator, type Simulator } from '../ticker/providers/kite/simulator/simulator.ts';
import type { Provider } from '../ticker/providers/provider.ts';
import { providers as registry } from '../ticker/providers/registry.ts';
import type { ShardLimits } from '../ticker/shard/limits.ts';
import { createShard, type Shard, type ShardSnapshot } from '../ticker/shard/shard.ts';
import { everySliceChannel } from '../ticker/sinks/channels.ts';
import { MemorySink } from '../ticker/sinks/memory/memory-sink.ts';
import type { SinkReader } from '../ticker/sinks/reader.ts';
import { RedisReader } from '../ticker/sinks/redis/redis-reader.ts';
import { RedisSink } from '../ticker/sinks/redis/redis-sink.ts';
import { subscribeSet } from '../ticker/sinks/set-subscription.ts';
import type { Sink } from '../ticker/sinks/sink.ts';
import { ConditionLines } from './condition-lines.ts';
import type { RedisLogin } from './redis-options.ts';
import { shardIdentity } from './shard-identity.ts';
import { isSimulated, withSimulator } from './simulated-endpoint.ts';
import { StandaloneMetrics } from './standalone-metrics.ts';
import { TickPrinter } from './tick-printer.ts';
import { YamlSource } from './yaml-source.ts';

export interface StandaloneOptions {
  readonly paths: readonly string[];
  readonly shards: number;
  readonly redis?: string | undefined;
  /** What that Redis wants beside its URL. */
  readonly redisLogin?: RedisLogin;
  /** Directory of the shards' spools; none without. */
  readonly spool?: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly simulatorPort: number;
  readonly seed: number;
  /** Port of `/metrics`, `/healthz` and `/readyz`; nothing is measured and none listens where it is absent. */
  readonly metricsPort?: number | undefined;
  readonly print: boolean;
  readonly log: Logger;
  /** Lines that `log` counts. */
  readonly logLines?: LogLines | undefined;
  /** Of each shard, where they are not the usual ones. */
  readonly limits?: Partial<ShardLimits>;
  readonly show: (line: string) => void;
  readonly onFatal: (name: string, error: unknown) => void;
  readonly clock?: Clock;
}

/** What came of it all, in ticks. `published + late + spooled + lost` is what was put into batches, and what
 * an earlier start left in the spool. */
export interface StandaloneSummary {
  readonly ticksIn: number;
  readonly published: number;
  readonly batches: number;
  readonly invalid: number;
  readonly late: number;
  /** Dropped from a full buffer, or neither accepted by the sink nor spooled before the end. */
  readonly lost: number;
  /** Not accepted by the sink, and sealed in the spool for the next start. */
  readonly spooled: number;
}

/** Milliseconds between attempts to listen, and between looks at the sink. */
const retryInterval = 2000;
/** Milliseconds between looks at the sets. */
const setsInterval = 500;
/** Bytes that the spool of one shard may take. */
const spoolBytes = 1024 ** 3;
/** Lines a second for each set that `--print` shows. */
const printedLines = 6;

/**
 * Operator, shards, gateway and simulated broker in one process, on the in-memory cluster: the very parts that run on
 * Kubernetes, wired together.
 */
export class StandaloneProcess {
  readonly cluster: MemoryCluster;
  readonly #options: StandaloneOptions;
  readonly #clock: Clock;
  readonly #random = new SeededRandom(1);
  readonly #supervisor: Supervisor;
  readonly #source: YamlSource;
  readonly #sink: Sink;
  readonly #reader: SinkReader;
  readonly #printer: TickPrinter;
  readonly #metrics: StandaloneMetrics | undefined;
  readonly #printed = new Set<string>();
  #sets: readonly GatewaySet[] = [];
  #simulator: Simulator | undefined;
  #gateway: Gateway | undefined;
  #operator: Operator | undefined;
  #shards: readonly Shard[] = [];
  /** Why the sink cannot be reached; undefined while it can. */
  #sinkProblem: string | undefined;
  #started = false;

  constructor(options: StandaloneOptions) {
    this.#options = options;
    const { log, onFatal, paths, redis, redisLogin, show } = options;
    const clock = options.clock ?? systemClock;
    this.#clock = clock;
    this.cluster = new MemoryCluster({ clock });
    this.#supervisor = new Supervisor({ clock, log, random: this.#random.fork('supervisor'), onFatal });
    this.#source = new YamlSource({ paths, cluster: this.cluster, clock, show });
    if (redis === undefined) {
      const sink = new MemorySink({ clock });
      this.#sink = sink;
      this.#reader = sink.reader();
    } else {
      const connection = { ...redisLogin, url: redis, clock, log, random: this.#random.fork('redis') };
      this.#sink = new RedisSink(connection);
      this.#reader = new RedisReader(connection);
    }
    this.#printer = new TickPrinter({ clock, write: show, format: 'table', linesPerSecond: printedLines });
    const { host, logLines, metricsPort: port } = options;
    const supervisor = this.#supervisor;
    if (port !== undefined) {
      const ready = () => this.#ready();
      this.#metrics = new StandaloneMetrics({ host, port, clock, log, logLines, supervisor, show, ready });
    }
    if (redis !== undefined) this.#sinkProblem = 'not asked yet';
  }

  /** The simulated broker, where an account wants one. */
  get simulator(): Simulator | undefined {
    return this.#simulator;
  }

  async start(): Promise<void> {
    const { log, shards, show, limits = {} } = this.#options;
    const metrics = this.#metrics;
    if (metrics !== undefined) this.#supervisor.run('metrics', (signal) => metrics.serve(signal));
    await this.#source.load();
    await this.#readSets();
    const providers = await this.#providers();
    this.#supervisor.run('gateway', (signal) => this.#serve(signal));
    this.#supervisor.run('sink-watch', (signal) => this.#watchSink(signal));
    this.#supervisor.run('sets', (signal) => this.#followSets(signal));
    if (this.#options.print) this.#supervisor.run('printer', (signal) => this.#followTicks(signal));
    const lines = new ConditionLines({ cluster: this.cluster, clock: this.#clock, show });
    this.#supervisor.run('conditions-of-accounts', (signal) => lines.follow(tickerAccounts, signal));
    this.#supervisor.run('conditions-of-sets', (signal) => lines.follow(instrumentSets, signal));
    const { cluster } = this;
    const directory = this.#options.spool;
    const names = Array.from({ length: shards }, (_, index) => `ticker-${index}`);
    const identities = await Promise.all(
      names.map((name) => shardIdentity(name, directory && join(directory, name), log)),
    );
    this.#shards = identities.map((identity, index) =>
      createShard({
        identity,
        ...(directory === undefined
          ? {}
          : { spool: { directory: join(directory, identity.shard), maxBytes: spoolBytes } }),
        cluster,
        ...(metrics?.shardOptions(`ticker-${index}`, this.#sink) ?? { sink: this.#sink }),
        providers,
        limits,
        clock: this.#clock,
        log,
        random: this.#random.fork(`shard-${index}`),
        supervisor: this.#supervisor,
      }),
    );
    for (const shard of this.#shards) metrics?.addShard(shard);
    await Promise.all(this.#shards.map((shard) => shard.start()));
    this.#operator = createOperator({
      cluster,
      marketData: this.#marketData(),
      clock: this.#clock,
      log,
      random: this.#random.fork('operator'),
      supervisor: this.#supervisor,
      providerLimits: (name) => providers.get(name)?.limits,
      providers: [...providers.keys()],
      identity: 'standalone',
      // Every shard of this process is there already: nobody else is waited for.
      settle: 0,
      observer: metrics?.operatorObserver,
    });
    metrics?.addOperator(this.#operator);
    await this.#operator.start();
    this.#started = true;
    this.#supervisor.run('files', (signal) => this.#source.watch(signal));
  }

  /** Ends in order, so that nothing gathered is lost: sources first, then what carries, then who reads. */
  async drain(): Promise<StandaloneSummary> {
    await this.#operator?.stop();
    const snapshots = await Promise.all(this.#shards.map((shard) => shard.drain()));
    await this.#gateway?.close();
    await Promise.all(this.#shards.map((shard) => shard.stop()));
    await this.#supervisor.stop();
    await this.#reader.close();
    await this.#sink.close();
    await this.#simulator?.stop();
    await this.#metrics?.close();
    return summarize(snapshots);
  }

  async #providers(): Promise<ReadonlyMap<string, Provider>> {
    const { items } = await this.cluster.list<TickerAccount>(tickerAccounts);
    const wanted = items.some(({ spec }) => isSimulated(spec.endpoint?.rest) || isSimulated(spec.endpoint?.websocket));
    // It always runs, for an account that is added later may want it too; it is shown where one wants it now.
    const { seed, show, simulatorPort } = this.#options;
    const simulator = createSimulator({ port: simulatorPort, seed, clock: this.#clock, log: this.#options.log });
    this.#simulator = simulator;
    const { url, port } = await simulator.start();
    if (wanted) show(`simulator   ${url}`);
    return withSimulator(registry, `127.0.0.1:${port}`);
  }

  #ready(): HealthCheck[] {
    return [
      { name: 'started', ok: this.#started },
      { name: 'sink', ok: this.#sinkProblem === undefined, message: this.#sinkProblem },
    ];
  }

  /** Each account is asked of the shard that serves it. */
  #marketData(): MarketData {
    const served = (name: string): MarketData => {
      const index = Number(name.replace('ticker-', ''));
      const shard = this.#shards[index];
      if (shard === undefined) throw new Error(`there is no shard ${name}`);
      return shard.marketData;
    };
    return {
      instruments: async (shard, account, signal) => served(shard.shard).instruments(shard, account, signal),
      spot: async (shard, account, tokens, signal) => served(shard.shard).spot(shard, account, tokens, signal),
    };
  }

  async #serve(signal: AbortSignal): Promise<void> {
    const { host, log, port, show } = this.#options;
    for (let told = false; !signal.aborted; await sleep(this.#clock, retryInterval, signal)) {
      const gateway = createGateway({
        reader: this.#reader,
        sets: () => this.#sets,
        clock: this.#clock,
        log,
        host,
        port,
      });
      try {
        const { url } = await gateway.listen();
        this.#gateway = gateway;
        this.#metrics?.addGateway(gateway);
        show(`gateway     ${url}`);
        for (const set of this.#sets) {
          const address = `${url.replace(/^http/, 'ws').replace(/\/$/, '')}/v1/stream?set=${set.namespace}/${set.name}`;
          show(`stream      ${set.namespace}/${set.name}  ${address}`);
        }
        return;
      } catch (error) {
        if (!told) show(`error: gateway: ${describeError(error)} Streaming goes on; it is tried again.`);
        told = true;
      }
    }
  }

  /** Tells when the sink goes away and when it is back. */
  async #watchSink(signal: AbortSignal): Promise<void> {
    if (this.#options.redis === undefined) return;
    let reached: boolean | undefined;
    while (!signal.aborted) {
      try {
        await this.#sink.ping();
        if (reached !== true) this.#options.show('redis       connected');
        reached = true;
        this.#sinkProblem = undefined;
      } catch (error) {
        if (reached !== false && !signal.aborted) this.#options.show(`error: redis: ${describeError(error)}`);
        reached = false;
        this.#sinkProblem = describeError(error);
      }
      await sleep(this.#clock, retryInterval, signal);
    }
  }

  async #followSets(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#readSets();
      await sleep(this.#clock, setsInterval, signal);
    }
  }

  /** Apart from {@link #followSets}: a sink that is away must not keep the gateway from knowing the sets. */
  async #followTicks(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const set of this.#sets) await this.#print(set);
      await sleep(this.#clock, setsInterval, signal);
    }
  }

  async #readSets(): Promise<void> {
    const { items } = await this.cluster.list<InstrumentSet>(instrumentSets);
    this.#sets = items.map(({ metadata, spec }) => {
      const { name, namespace = 'default', uid = '' } = metadata;
      const named = channelName(namespace, spec.delivery.channel ?? name);
      const channel = spec.delivery.sharded ? everySliceChannel(named) : named;
      return { namespace, name, uid, ...(spec.delivery.pubsub ? { channel } : {}), bars: spec.bars !== undefined };
    });
  }

  async #print({ channel, uid }: GatewaySet): Promise<void> {
    if (channel === undefined || this.#printed.has(channel)) return;
    await subscribeSet({
      reader: this.#reader,
      clock: this.#clock,
      log: this.#options.log,
      setUid: uid,
      channel,
      deliver: ({ payload }) => this.#printer.receive(payload),
    });
    this.#printed.add(channel);
  }
}

function summarize(snapshots: readonly ShardSnapshot[]): StandaloneSummary {
  const sum = (pick: (totals: ShardSnapshot['totals']) => number): number =>
    snapshots.reduce((total, { totals }) => total + pick(totals), 0);
  return {
    ticksIn: sum(({ received }) => received),
    published: sum(({ published }) => published),
    batches: sum(({ batches }) => batches),
    invalid: sum(({ invalid }) => invalid),
    late: sum(({ late }) => late),
    lost: sum(({ lost, held, spooled }) => lost + held - spooled),
    spooled: sum(({ spooled }) => spooled),
  };
}
