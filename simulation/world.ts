import { unavailable } from '../cluster/errors.ts';
import type { MarketData } from '../cluster/market-data.ts';
import { MemoryCluster } from '../cluster/memory/memory-cluster.ts';
import type { ShardIdentity } from '../crds/index.ts';
import { channelName } from '../crds/index.ts';
import { createOperator, type Operator } from '../operator/operator.ts';
import { describeError } from '../runtime/errors.ts';
import { type Random, SeededRandom } from '../runtime/random.ts';
import { Supervisor } from '../runtime/supervisor.ts';
import { VirtualClock } from '../runtime/virtual-clock.ts';
import { createShard, type Shard } from '../ticker/shard/shard.ts';
import { ApiNetwork } from './api-network.ts';
import { BrokerModel, modelProvider } from './broker-model.ts';
import { ClusterInvariants } from './cluster-invariants.ts';
import type { Mutation } from './mutations.ts';
import { instruments, namespace, setNames } from './scenario.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { SinkInvariants } from './sink-invariants.ts';
import { SinkNetwork } from './sink-network.ts';
import { TickLedger } from './tick-ledger.ts';
import { Trace } from './trace.ts';

/** A pod's place: its process now, and what runs in it. */
export interface ShardPlace {
  readonly name: string;
  identity: ShardIdentity;
  process: SimulatedProcess;
  shard: Shard;
  /** Shut down in order, or in the middle of it. */
  leaving: boolean;
}

export interface OperatorPlace {
  process: SimulatedProcess;
  operator: Operator;
}

export interface WorldOptions {
  readonly seed: number;
  readonly write?: (line: string) => void;
  readonly mutation?: Mutation;
}

/** The whole product on one virtual clock: operator, shards, API server, sink, broker, and what watches over them. */
export class World {
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly trace: Trace;
  readonly cluster: MemoryCluster;
  readonly api: ApiNetwork;
  readonly broker: BrokerModel;
  readonly sink: SinkNetwork;
  readonly ledger: TickLedger;
  readonly sinkInvariants: SinkInvariants;
  readonly clusterInvariants: ClusterInvariants;
  readonly shards: ShardPlace[] = [];
  readonly violations: string[] = [];
  operator: OperatorPlace;
  #incarnations = 0;
  readonly #mutation: Mutation | undefined;
  readonly #stop = new AbortController();

  constructor({ seed, write, mutation }: WorldOptions) {
    const { clock } = this;
    this.#mutation = mutation;
    this.random = new SeededRandom(seed);
    this.trace = new Trace(clock, write);
    const violated = (what: string): void => this.violated(what);
    this.cluster = new MemoryCluster({ clock, random: this.random.fork('cluster') });
    this.api = new ApiNetwork(this.cluster, clock, this.random.fork('api'));
    this.ledger = new TickLedger(() => clock.monotonic(), violated);
    this.sinkInvariants = new SinkInvariants(
      this.ledger,
      this.trace,
      (set) => this.clusterInvariants.deletedSets.has(set),
      violated,
    );
    this.clusterInvariants = new ClusterInvariants(this.cluster, clock, this.trace, violated);
    this.broker = new BrokerModel({
      clock,
      random: this.random.fork('broker'),
      instruments,
      emitted: (id, process, token) => this.ledger.emitted(id, process, token),
      violated,
    });
    this.sink = new SinkNetwork({
      clock,
      random: this.random.fork('sink'),
      observer: this.sinkInvariants,
      follow: (reader) => {
        for (const name of setNames) {
          const take = ({ payload }: { payload: string | Uint8Array }): void =>
            this.sinkInvariants.published(String(payload));
          this.guard('reader', reader.subscribe(channelName(namespace, name), take));
        }
      },
      ...(mutation?.sink === undefined ? {} : { alter: mutation.sink }),
    });
    this.guard('watch', this.clusterInvariants.run(this.#stop.signal));
    this.operator = this.#newOperator();
  }

  violated(what: string): void {
    this.trace.add('VIOLATION', what);
    this.violations.push(`at ${(this.clock.monotonic() / 1000).toFixed(3)} s: ${what}`);
  }

  /** Something that goes on by itself; that it fails is a violation. */
  guard(what: string, promise: Promise<unknown>): void {
    promise.catch((error: unknown) => this.violated(`${what} failed: ${describeError(error)}`));
  }

  addShard(): void {
    const name = `shard-${this.shards.length}`;
    this.shards.push(this.#newShard(name, { shard: name, uid: this.#uid() }));
  }

  /** The process dies where it stands. */
  crash({ process }: ShardPlace): void {
    this.trace.add('process', `${process.name} dies`);
    process.crash();
    this.ledger.forget(process);
    for (const { open } of this.broker.accounts.values()) {
      for (const connection of open) if (connection.process === process) connection.linger();
    }
  }

  /** @param samePod only the container is restarted: the pod's UID stays */
  restart(place: ShardPlace, samePod: boolean): void {
    if (place.process.alive && !place.leaving) return;
    if (place.process.alive) this.crash(place);
    const identity = samePod ? place.identity : { shard: place.name, uid: this.#uid() };
    Object.assign(place, this.#newShard(place.name, identity));
  }

  /** SIGTERM: it drains, ends, and another pod takes its place. */
  async roll(place: ShardPlace): Promise<void> {
    const { process, shard } = place;
    place.leaving = true;
    this.trace.add('process', `${process.name} drains`);
    const snapshot = await shard.drain({ handover: 10_000 });
    await shard.stop();
    if (place.process !== process || !process.alive) return;
    this.ledger.settle(process, snapshot);
    this.restart(place, false);
  }

  restartOperator(): void {
    this.trace.add('process', 'the operator dies and starts anew');
    this.operator.process.crash();
    this.operator = this.#newOperator();
  }

  /** Instruments that a living process is subscribed to, and whether statuses cannot be expected to know. */
  view(): { readonly subscribed: ReadonlySet<string>; readonly excused: boolean } {
    const tokens = this.broker.subscribed();
    const names = instruments
      .filter(({ token }) => tokens.has(token))
      .map(({ exchange, symbol }) => `${exchange}:${symbol}`);
    return { subscribed: new Set(names), excused: !this.api.recovered || this.operator.process.state !== 'running' };
  }

  stop(): void {
    this.#stop.abort();
    for (const { process } of [...this.shards, this.operator]) process.crash();
  }

  #uid(): string {
    return `pod-${++this.#incarnations}`;
  }

  #newShard(name: string, identity: ShardIdentity): ShardPlace {
    const process = new SimulatedProcess(name, this.clock);
    const random = this.random.fork(`${name} ${++this.#incarnations}`);
    const log = this.trace.logger(name);
    this.trace.add('process', `${name} starts in ${identity.uid}`);
    const onFatal = (task: string, error: unknown): void =>
      this.violated(`${name}: task ${task} ended for good: ${describeError(error)}`);
    const shard = createShard({
      identity,
      cluster: this.#mutation?.shardCluster?.(this.api.connect(process)) ?? this.api.connect(process),
      sink: this.sink.connect(process),
      providers: new Map([[modelProvider, this.broker.connect(process)]]),
      clock: process.clock,
      log,
      random,
      supervisor: new Supervisor({ clock: process.clock, log, random: random.fork('supervisor'), onFatal }),
    });
    this.guard(name, shard.start());
    return { name, identity, process, shard, leaving: false };
  }

  #newOperator(): OperatorPlace {
    const process = new SimulatedProcess('operator', this.clock);
    const random = this.random.fork(`operator ${++this.#incarnations}`);
    const log = this.trace.logger('operator');
    const onFatal = (task: string, error: unknown): void =>
      this.violated(`operator: task ${task} ended for good: ${describeError(error)}`);
    const cluster = this.api.connect(process);
    const operator = createOperator({
      cluster: this.#mutation?.operatorCluster?.(cluster) ?? cluster,
      marketData: this.#marketData(process),
      clock: process.clock,
      log,
      random,
      supervisor: new Supervisor({ clock: process.clock, log, random: random.fork('supervisor'), onFatal }),
      providerLimits: (name) => (name === modelProvider ? this.broker.limits : undefined),
      providers: [modelProvider],
      identity: 'operator',
    });
    this.guard('operator', operator.start());
    return { process, operator };
  }

  /** The shards' answers, as they reach the operator. */
  #marketData(asking: SimulatedProcess): MarketData {
    const ask = <T>(to: ShardIdentity, act: (shard: Shard) => Promise<T>): Promise<T> => {
      const place = this.shards.find(({ identity }) => identity.shard === to.shard && identity.uid === to.uid);
      if (place === undefined || !place.process.alive)
        return Promise.reject(unavailable(`${to.shard} does not answer`));
      const { process, shard } = place;
      const answer = new Promise<T>((resolve, reject) => process.deliver(() => act(shard).then(resolve, reject)));
      return asking.reply(answer);
    };
    return {
      instruments: (to, account, signal) => ask(to, (shard) => shard.marketData.instruments(to, account, signal)),
      spot: (to, account, tokens, signal) => ask(to, (shard) => shard.marketData.spot(to, account, tokens, signal)),
    };
  }
}
