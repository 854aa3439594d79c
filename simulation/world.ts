import { unavailable } from '../cluster/errors.ts';
import { LeaderElector } from '../cluster/leader-election.ts';
import { LeaseHolder, leaseDuration } from '../cluster/lease.ts';
import type { MarketData } from '../cluster/market-data.ts';
import { MemoryCluster } from '../cluster/memory/memory-cluster.ts';
import { liveWithin } from '../cluster/suspicion.ts';
import type { ShardIdentity } from '../crds/index.ts';
import { channelName } from '../crds/index.ts';
import { createOperator, type Operator } from '../operator/operator.ts';
import { describeError } from '../runtime/errors.ts';
import { type Random, SeededRandom } from '../runtime/random.ts';
import { Supervisor, type SupervisorOptions } from '../runtime/supervisor.ts';
import { VirtualClock } from '../runtime/virtual-clock.ts';
import { createShard, type Shard, shardLease } from '../ticker/shard/shard.ts';
import { ApiNetwork } from './api-network.ts';
import { BrokerModel, modelProvider } from './broker-model.ts';
import { ClusterInvariants } from './cluster-invariants.ts';
import { MoveInvariants } from './move-invariants.ts';
import type { Mutation } from './mutations.ts';
import { OwnWrites } from './own-writes.ts';
import type { OwnershipRecorder } from './ownership-recorder.ts';
import { type Pace, paceOf } from './pace.ts';
import { instruments, namespace, type Scenario, scenarioOf, tokenOf } from './scenario.ts';
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

/** A replica of the operator. */
export interface OperatorPlace {
  readonly name: string;
  process: SimulatedProcess;
  operator: Operator;
  elector: LeaderElector;
}

export interface WorldOptions {
  readonly seed: number;
  readonly write?: (line: string) => void;
  readonly mutation?: Mutation;
  /** Told what happens to the ownership of slices. */
  readonly recorder?: OwnershipRecorder;
}

/** Milliseconds within which a status says what is so, once it is known that a shard is dead. */
const readyLag = 42_000;

/** Milliseconds that a new leader may take to say what it sees. */
const takesOver = 30_000;

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
  readonly moves: MoveInvariants;
  readonly shards: ShardPlace[] = [];
  readonly violations: string[] = [];
  readonly operators: OperatorPlace[] = [];
  /** When something last failed, or came right again: moves of after that are seamless. */
  #disturbedAt = 0;
  #incarnations = 0;
  /** Of every process that there was. */
  readonly #supervisors: Supervisor[] = [];
  /** When nobody led last. */
  #ledSince = 0;
  readonly pace: Pace;
  readonly scenario: Scenario;
  readonly #mutation: Mutation | undefined;
  readonly #recorder: OwnershipRecorder | undefined;
  readonly #repair: (() => void) | undefined;
  readonly #stop = new AbortController();

  constructor({ seed, write, mutation, recorder }: WorldOptions) {
    const { clock } = this;
    this.#mutation = mutation;
    this.#repair = mutation?.install?.();
    this.random = new SeededRandom(seed);
    this.pace = paceOf(this.random.fork('pace'));
    this.scenario = scenarioOf(this.random.fork('scenario'));
    this.trace = new Trace(clock, write);
    const violated = (what: string): void => this.violated(what);
    this.cluster = new MemoryCluster({
      clock,
      random: this.random.fork('cluster'),
      bookmarkInterval: this.pace.bookmarks,
    });
    this.api = new ApiNetwork(this.cluster, clock, this.random.fork('api'));
    this.ledger = new TickLedger(() => clock.monotonic(), violated);
    this.sinkInvariants = new SinkInvariants(
      this.ledger,
      this.trace,
      (set) => this.clusterInvariants.deletedSets.has(set),
      violated,
    );
    this.moves = new MoveInvariants({
      now: () => clock.monotonic(),
      processOf: (shard) =>
        this.shards.find(({ identity }) => identity.shard === shard.shard && identity.uid === shard.uid)?.process,
      operators: () => this.operators.map(({ process }) => process),
      reachable: () => this.api.recovered,
      undisturbedSince: () => this.#disturbedAt,
      connected: (process, account) =>
        [...(this.broker.accounts.get(account)?.open ?? [])].some((connection) => connection.process === process),
      outage: () => this.api.outage,
      suspectAfter: this.pace.suspicion.suspectAfter ?? leaseDuration,
      liveWithin: this.pace.suspicion.liveWithin ?? liveWithin,
      violated,
    });
    this.clusterInvariants = new ClusterInvariants({
      cluster: this.cluster,
      clock,
      trace: this.trace,
      moves: this.moves,
      violated,
      readyLag: readyLag + (this.pace.suspicion.suspectAfter ?? leaseDuration) + this.pace.ownRenewal,
      recorder,
    });
    this.#recorder = recorder;
    this.sinkInvariants.onClaim = (process, slice, token) => {
      this.moves.claimed(process, slice);
      const identity = this.#identityOf(process);
      if (identity !== undefined) recorder?.claimed(identity, slice, token);
    };
    if (recorder !== undefined) {
      this.sinkInvariants.onForgotten = () => recorder.forgot();
      this.sinkInvariants.onSent = (process, { sliceUid, token, batches }) => {
        const identity = this.#identityOf(process);
        if (identity !== undefined && batches.length > 0) recorder.sent(identity, sliceUid, token);
      };
    }
    this.sinkInvariants.onGap = (header) => this.moves.gap(header);
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
        for (const name of this.scenario.sets) {
          const take = ({ payload }: { payload: string | Uint8Array }): void =>
            this.sinkInvariants.published(String(payload));
          this.guard('reader', reader.subscribe(channelName(namespace, name), take));
        }
      },
      ...(mutation?.sink === undefined ? {} : { alter: mutation.sink }),
    });
    this.guard('watch', this.clusterInvariants.run(this.#stop.signal));
    for (const name of ['operator-0', 'operator-1']) this.operators.push(this.#newOperator(name));
  }

  /** Milliseconds within which a process that dies, or stands still, may or may not be missed. */
  get longestAbsence(): number {
    return 2 * (this.pace.suspicion.suspectAfter ?? leaseDuration);
  }

  violated(what: string): void {
    this.trace.add('VIOLATION', what);
    this.violations.push(`at ${(this.clock.monotonic() / 1000).toFixed(3)} s: ${what}`);
  }

  /** Something that goes on by itself; that it fails is a violation. */
  guard(what: string, promise: Promise<unknown>): void {
    promise.catch((error: unknown) => this.violated(`${what} failed: ${describeError(error)}`));
  }

  /** Something fails, or comes right again. */
  disturbed(): void {
    this.#disturbedAt = this.clock.monotonic();
  }

  addShard(): void {
    const name = `shard-${this.shards.length}`;
    this.shards.push(this.#newShard(name, { shard: name, uid: this.#uid() }));
  }

  /** The process dies where it stands. */
  crash({ process, identity }: ShardPlace): void {
    this.#recorder?.crashed(identity);
    this.disturbed();
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

  /** The replica that leads, as it sees it; two may for a moment. */
  get leader(): OperatorPlace | undefined {
    return this.operators.find(({ process, elector }) => process.alive && elector.isLeader);
  }

  restartOperator(place: OperatorPlace): void {
    this.disturbed();
    this.trace.add('process', `${place.name} dies and starts anew`);
    place.process.crash();
    Object.assign(place, this.#newOperator(place.name));
  }

  /** Whether what is said to stream has a living process that is subscribed to it, where that can be known. */
  checkStatus(): void {
    const led = this.leader?.process.state === 'running';
    if (!led) this.#ledSince = this.clock.monotonic();
    const excused = !this.api.recovered || !led || this.clock.monotonic() - this.#ledSince < takesOver;
    const tokens = excused ? undefined : this.broker.subscribed();
    this.clusterInvariants.checkReady((name) => tokens?.has(tokenOf(name)) === true, excused);
  }

  /** Ends every fault: what is dead is started, what is away comes back. */
  heal(): void {
    this.api.heal();
    this.sink.heal();
    this.broker.heal();
    for (const { process } of [...this.shards, ...this.operators]) {
      process.wallError = 0;
      process.drift(1);
    }
    for (const place of this.shards) {
      place.process.resume();
      this.restart(place, false);
    }
    for (const { process } of this.operators) process.resume();
  }

  /** Everything has come right: what was before says nothing of what comes. */
  settled(): void {
    this.sinkInvariants.settled();
    this.ledger.settled();
  }

  stop(): void {
    this.#stop.abort();
    this.#repair?.();
    for (const { process } of [...this.shards, ...this.operators]) process.crash();
    // Signals that are made of others keep what listens to them until they are aborted: else no world would ever go.
    for (const supervisor of this.#supervisors) this.guard('stop', supervisor.stop());
  }

  #identityOf(process: SimulatedProcess): ShardIdentity | undefined {
    return this.shards.find((place) => place.process === process)?.identity;
  }

  #uid(): string {
    return `pod-${++this.#incarnations}`;
  }

  #supervisor(options: SupervisorOptions): Supervisor {
    const supervisor = new Supervisor(options);
    this.#supervisors.push(supervisor);
    return supervisor;
  }

  #newShard(name: string, identity: ShardIdentity): ShardPlace {
    const process = new SimulatedProcess(name, this.clock);
    const random = this.random.fork(`${name} ${++this.#incarnations}`);
    const log = this.trace.logger(name);
    this.trace.add('process', `${name} starts in ${identity.uid}`);
    this.#recorder?.started(identity);
    const onFatal = (task: string, error: unknown): void =>
      this.violated(`${name}: task ${task} ended for good: ${describeError(error)}`);
    const connected = this.api.connect(process);
    const cluster = this.#mutation?.shardCluster?.(connected, identity) ?? connected;
    const shard = createShard({
      identity,
      cluster,
      sink: this.sink.connect(process),
      providers: new Map([[modelProvider, this.broker.connect(process)]]),
      clock: process.clock,
      log,
      random,
      supervisor: this.#supervisor({ clock: process.clock, log, random: random.fork('supervisor'), onFatal }),
      limits: this.pace.shard,
      lease: new LeaseHolder({
        cluster,
        clock: process.clock,
        random: random.fork('lease'),
        log,
        interval: this.pace.leaseRenewal,
        ...shardLease(identity, 'default'),
      }),
    });
    this.guard(name, shard.start());
    return { name, identity, process, shard, leaving: false };
  }

  #newOperator(name: string): OperatorPlace {
    const process = new SimulatedProcess(name, this.clock);
    const random = this.random.fork(`${name} ${++this.#incarnations}`);
    const log = this.trace.logger(name);
    const onFatal = (task: string, error: unknown): void =>
      this.violated(`${name}: task ${task} ended for good: ${describeError(error)}`);
    const connected = this.api.connect(
      process,
      new OwnWrites(
        () => this.clock.monotonic(),
        (what) => this.violated(what),
      ),
    );
    const cluster = this.#mutation?.operatorCluster?.(connected) ?? connected;
    const supervisor = this.#supervisor({ clock: process.clock, log, random: random.fork('supervisor'), onFatal });
    const operator = createOperator({
      cluster,
      marketData: this.#marketData(process),
      clock: process.clock,
      log,
      random,
      supervisor,
      providerLimits: (name) => (name === modelProvider ? this.broker.limits : undefined),
      providers: [modelProvider],
      identity: name,
      onLease: (lease) => elector.observe(lease),
      ownRenewal: this.pace.ownRenewal,
      spotInterval: this.pace.spotInterval,
      suspicion: { ...this.pace.suspicion, ...this.#mutation?.suspicion },
    });
    const elector = new LeaderElector({
      cluster,
      clock: process.clock,
      log,
      random: random.fork('elector'),
      namespace: 'default',
      name: 'ticker-operator',
      identity: `${name}/${this.#uid()}`,
      timing: this.pace.leader,
    });
    const lead = async (signal: AbortSignal): Promise<void> => {
      this.trace.add('process', `${name} leads`);
      await operator.lead(signal, () => elector.isLeader);
    };
    const stand = async (): Promise<void> => {
      await operator.standBy();
      supervisor.run('operator/election', (signal) => elector.run(signal, lead));
    };
    this.guard(name, stand());
    return { name, process, operator, elector };
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
