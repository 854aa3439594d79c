import type { Cluster } from '../cluster/cluster.ts';
import { MemoryCluster } from '../cluster/memory/memory-cluster.ts';
import { type Event, events, instrumentSets, subscriptionSlices, tickerAccounts } from '../cluster/resources.ts';
import { apiVersion, type InstrumentSet, type SubscriptionSlice, type TickerAccount } from '../crds/index.ts';
import { silentLogger } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';
import { VirtualClock } from '../runtime/virtual-clock.ts';
import { FakeShard } from './fake-shard.testing.ts';
import { FakeMarketData } from './market-data.testing.ts';
import { createOperator, type Operator, type OperatorOptions } from './operator.ts';
import { master, nifty, smallMarket } from './resolver/master.testing.ts';
import type { OperatorObserver } from './vitals.ts';

const user = { fieldManager: 'user' };

/** Cluster, operator and shards on a virtual clock (2026-01-05, 09:30 in Kolkata). */
export class OperatorRig {
  readonly clock = new VirtualClock();
  readonly cluster = new MemoryCluster({ clock: this.clock, random: new SeededRandom(7) });
  readonly marketData = new FakeMarketData();
  readonly shards: FakeShard[] = [];
  operator: Operator;
  readonly #seen: Cluster;

  readonly #observer: OperatorObserver | undefined;

  /** @param between puts something between the operator and the cluster @param observer what durations are told to */
  constructor(between: (cluster: Cluster) => Cluster = (cluster) => cluster, observer?: OperatorObserver) {
    this.#observer = observer;
    this.#seen = between(this.cluster);
    this.marketData.master = master(smallMarket());
    this.marketData.prices.set(nifty.token, 24_010);
    this.operator = this.create();
  }

  shard(name: string, uid?: string): FakeShard {
    const shard = new FakeShard(this.cluster, this.clock, name, uid).start();
    this.shards.push(shard);
    return shard;
  }

  /** Starts the operator and lets it settle. */
  async start(milliseconds = 5000): Promise<void> {
    const started = this.operator.start();
    await this.clock.advance(100);
    await started;
    await this.clock.advance(milliseconds);
  }

  /** Another operator takes over, knowing nothing. */
  async restart(): Promise<void> {
    await this.operator.stop();
    this.operator = this.create();
    await this.start();
  }

  async stop(): Promise<void> {
    const stopping = Promise.all([this.operator.stop(), ...this.shards.map((shard) => shard.stop())]);
    await this.clock.advance(100);
    await stopping;
  }

  async account(name: string, spec: object = {}, namespace = 'desk'): Promise<void> {
    const credentials = { secretName: `${name}-login` };
    const object = {
      apiVersion,
      kind: 'TickerAccount',
      metadata: { name, namespace },
      spec: { provider: 'kite', credentials, ...spec },
    };
    await this.cluster.apply<TickerAccount>(tickerAccounts, object as TickerAccount, user);
  }

  async set(name: string, spec: object, namespace = 'desk'): Promise<void> {
    const object = { apiVersion, kind: 'InstrumentSet', metadata: { name, namespace }, spec };
    await this.cluster.apply<InstrumentSet>(instrumentSets, object as InstrumentSet, user);
  }

  getAccount(name: string, namespace = 'desk'): Promise<TickerAccount> {
    return this.cluster.get<TickerAccount>(tickerAccounts, { namespace, name });
  }

  getSet(name: string, namespace = 'desk'): Promise<InstrumentSet> {
    return this.cluster.get<InstrumentSet>(instrumentSets, { namespace, name });
  }

  async slices(): Promise<readonly SubscriptionSlice[]> {
    const { items } = await this.cluster.list<SubscriptionSlice>(subscriptionSlices);
    return [...items].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  async slice(name: string): Promise<SubscriptionSlice> {
    return this.cluster.get<SubscriptionSlice>(subscriptionSlices, { namespace: 'desk', name });
  }

  async events(): Promise<readonly Event[]> {
    return (await this.cluster.list<Event>(events)).items;
  }

  /** Condition `type` of a set or account as `status reason`. */
  condition(object: InstrumentSet | TickerAccount, type: string): string {
    const found = object.status?.conditions?.find((condition) => condition.type === type);
    return `${found?.status} ${found?.reason}`;
  }

  /** Another replica, which is not started. */
  create(options: Partial<OperatorOptions> = {}): Operator {
    return createOperator({
      cluster: this.#seen,
      marketData: this.marketData,
      clock: this.clock,
      log: silentLogger,
      random: new SeededRandom(1),
      providers: ['kite', 'mock'],
      providerLimits: (name) => (name === 'kite' ? { connections: 3, instrumentsPerConnection: 3000 } : undefined),
      identity: 'test',
      observer: this.#observer,
      ...options,
    });
  }
}

export function symbolsOf(slice: SubscriptionSlice): string[] {
  return slice.spec.groups.flatMap(({ instruments }) => instruments.map(({ symbol }) => symbol)).sort();
}
