import type { Cluster, ListOptions, Resource } from '../cluster/cluster.ts';
import { type ChangeHandler, Informer } from '../cluster/informer.ts';
import { LeaseHolder } from '../cluster/lease.ts';
import type { MarketData } from '../cluster/market-data.ts';
import {
  instrumentSets,
  type Lease,
  leases,
  type Pod,
  pods,
  subscriptionSlices,
  tickerAccounts,
} from '../cluster/resources.ts';
import type { SuspicionOptions } from '../cluster/suspicion.ts';
import type { InstrumentSet, KubeObject, ShardIdentity, SubscriptionSlice, TickerAccount } from '../crds/index.ts';
import { aborted } from '../runtime/aborted.ts';
import { type Clock, sleep } from '../runtime/clock.ts';
import { describeError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';
import { Supervisor } from '../runtime/supervisor.ts';
import { CatalogCache } from './catalog-cache.ts';
import type { AccountLimits } from './controllers/accounts.ts';
import { EventRecorder } from './controllers/event-recorder.ts';
import { ReconcileLoop } from './controllers/loop.ts';
import { fieldManager } from './controllers/names.ts';
import { Reconciler } from './controllers/reconciler.ts';
import { LeaderCluster } from './leader-cluster.ts';
import { ShardTracker } from './shard-tracker.ts';
import { type OperatorSnapshot, takeSnapshot } from './snapshot.ts';
import { SpotPoller } from './spot-poller.ts';
import type { OperatorObserver, OperatorVitals } from './vitals.ts';

export interface OperatorOptions {
  readonly cluster: Cluster;
  /** Asks shards for instrument masters and prices. */
  readonly marketData: MarketData;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  /** One of its own when absent. */
  readonly supervisor?: Supervisor | undefined;
  /** What a login of a provider may use; undefined for a provider that is not known. */
  readonly providerLimits: (provider: string) => AccountLimits | undefined;
  /** Names of the known providers, for messages. */
  readonly providers: readonly string[];
  /** Which replica this is, as a DNS label; part of the name of its own lease. */
  readonly identity: string;
  /** Where its own lease lives; `default` when absent. */
  readonly namespace?: string | undefined;
  /** Renews that lease; `cluster` when absent. One of its own, so that renewals wait behind nothing. */
  readonly leaseCluster?: Cluster | undefined;
  /** Which pods run shards, where they run in pods: the kubelet's word that one ended counts at once. */
  readonly shardPods?: ListOptions | undefined;
  /** Time zone and time of day (`HH:MM`) of the daily refresh of instrument masters; 08:00 in Asia/Kolkata. */
  readonly timezone?: string | undefined;
  readonly refreshAt?: string | undefined;
  /** Milliseconds between two looks at the prices that option chains follow; 1000. */
  readonly spotInterval?: number | undefined;
  /** Milliseconds without a new shard before accounts that nobody owns are first spread over the shards; 1000. */
  readonly settle?: number | undefined;
  /** Milliseconds between renewals of its own lease; 500. */
  readonly ownRenewal?: number | undefined;
  /** When a shard whose lease is not renewed becomes suspect, where not as the ownership protocol has it. */
  readonly suspicion?: SuspicionOptions | undefined;
  /** Told of each lease as the watch shows it, that by which the leader is elected among them. */
  readonly onLease?: ((lease: Lease) => void) | undefined;
  /** Told how long things took, where that is measured. */
  readonly observer?: OperatorObserver | undefined;
}

/** Milliseconds between renewals of this replica's own lease: they show that its watch is live. */
const defaultOwnRenewal = 500;

/** Milliseconds before a list that failed is asked for again. */
const listRetry = 500;

export interface OperatorCaches {
  readonly accounts: readonly TickerAccount[];
  readonly slices: readonly SubscriptionSlice[];
  readonly pods: readonly Pod[];
}

/** Decides which account and which shard streams what, and says so in the cluster. */
export interface Operator {
  /** {@link standBy}, then {@link lead} until it is stopped. */
  start(): Promise<void>;
  /** Fills the caches and keeps them current, and writes nothing but its own lease; resolves when they have been filled. */
  standBy(): Promise<void>;
  /**
   * Reconciles until `signal` is aborted: for the one replica that leads, once it has stood by.
   *
   * @param leads asked before each write, so that a leader that was paused writes nothing after its time
   */
  lead(signal: AbortSignal, leads?: () => boolean): Promise<void>;
  /** The shards that are to be removed, by name: their accounts move to others, as those of shards that drain do. */
  leave(shards: ReadonlySet<string>): void;
  /** `HOST:PORT` at which a shard serves market data, as its lease says. */
  addressOf(shard: ShardIdentity): string | undefined;
  /** What the caches hold; pods only where they are watched. */
  cached(): OperatorCaches;
  /** Ends every task. What is placed goes on: shards need the operator for changes only. */
  stop(): Promise<void>;
  /** What it knows and has decided; undefined before the first reconcile. */
  snapshot(): OperatorSnapshot | undefined;
  /** How it works itself, from the start. */
  vitals(): OperatorVitals;
}

export function createOperator(options: OperatorOptions): Operator {
  return new TickerOperator(options);
}

class TickerOperator implements Operator {
  readonly #options: OperatorOptions;
  readonly #supervisor: Supervisor;
  readonly #catalogs: CatalogCache;
  readonly #spots: SpotPoller;
  readonly #tracker: ShardTracker;
  readonly #heartbeat: LeaseHolder;
  readonly #leaseName: string;
  readonly #accounts: Informer<TickerAccount>;
  readonly #sets: Informer<InstrumentSet>;
  readonly #slices: Informer<SubscriptionSlice>;
  readonly #leases: Informer<Lease>;
  readonly #pods: Informer<Pod> | undefined;
  readonly #events: EventRecorder;
  readonly #reconciler: Reconciler;
  readonly #loop: ReconcileLoop;
  readonly #stopping = new AbortController();
  #stops: (() => Promise<void>)[] = [];
  #leads: () => boolean = () => false;

  constructor(options: OperatorOptions) {
    this.#options = options;
    const { cluster, marketData, clock, log, random } = options;
    this.#supervisor = options.supervisor ?? ownSupervisor(options);
    const trigger = () => this.#loop.trigger();
    this.#tracker = new ShardTracker(options.suspicion);
    this.#catalogs = new CatalogCache({
      marketData,
      clock,
      log,
      random: random.fork('catalog'),
      timezone: options.timezone,
      refreshAt: options.refreshAt,
      onChange: trigger,
    });
    const interval = options.spotInterval;
    this.#spots = new SpotPoller({ marketData, clock, log, random: random.fork('spot'), interval, onMove: trigger });
    this.#leaseName = `${fieldManager}-${options.identity}`;
    const namespace = options.namespace ?? 'default';
    this.#heartbeat = new LeaseHolder({
      cluster: options.leaseCluster ?? cluster,
      clock,
      log,
      random: random.fork('heartbeat'),
      namespace,
      name: this.#leaseName,
      identity: options.identity,
      fieldManager,
      interval: options.ownRenewal ?? defaultOwnRenewal,
    });
    this.#accounts = this.#cache<TickerAccount>(tickerAccounts, trigger);
    this.#sets = this.#cache<InstrumentSet>(instrumentSets, trigger);
    this.#slices = this.#cache<SubscriptionSlice>(subscriptionSlices, trigger);
    // Shards and replicas live in one namespace; elsewhere a lease says nothing about them.
    const ofLeases = options.namespace === undefined ? {} : { namespace };
    const onLease: ChangeHandler<Lease> = ({ type, object: lease }) => {
      const now = clock.monotonic();
      if (type !== 'DELETED') options.onLease?.(lease);
      const own = lease.metadata.name === this.#leaseName && lease.metadata.namespace === namespace;
      const changed = own ? this.#tracker.heartbeat(now) : this.#tracker.observe(lease, type === 'DELETED', now);
      if (changed) this.#tellShards();
    };
    this.#leases = this.#cache<Lease>(leases, onLease, ofLeases);
    if (options.shardPods !== undefined) {
      const onPod: ChangeHandler<Pod> = ({ type, object }) => {
        if (this.#tracker.observePod(object, type === 'DELETED', clock.monotonic())) this.#tellShards();
      };
      this.#pods = this.#cache<Pod>(pods, onPod, options.shardPods);
    }
    const written = new LeaderCluster(cluster, () => this.#leads());
    this.#events = new EventRecorder(written, clock, log);
    this.#reconciler = new Reconciler({
      cluster: written,
      clock,
      log,
      providers: { names: options.providers, limits: options.providerLimits },
      catalogs: this.#catalogs,
      spots: this.#spots,
      events: this.#events,
      settle: options.settle ?? 1000,
      liveSince: (now) => this.#tracker.liveSince(now),
      observer: options.observer,
      observe: () => ({
        accounts: this.#accounts,
        sets: this.#sets,
        slices: this.#slices,
        shards: this.#tracker.shards,
      }),
    });
    const reconcile = (numbered: Logger) => this.#reconciler.reconcile(numbered);
    this.#loop = new ReconcileLoop({ clock, log, random: random.fork('loop'), reconcile, observer: options.observer });
  }

  async start(): Promise<void> {
    await this.standBy();
    if (this.#stopping.signal.aborted) return;
    this.#stops.push(this.#supervisor.run('operator/lead', (signal) => this.lead(signal)));
  }

  async standBy(): Promise<void> {
    const run = (name: string, task: (signal: AbortSignal) => Promise<void>) => {
      this.#stops.push(this.#supervisor.run(`operator/${name}`, task));
    };
    const caches = this.#caches();
    for (const [kind, cache] of caches) run(`watch-${kind}`, (signal) => cache.run(signal));
    run('heartbeat', (signal) => this.#heartbeat.run(signal));
    await Promise.all(caches.map(([, cache]) => cache.waitForSync(this.#stopping.signal)));
    this.#options.log.info({ event: 'operator.started', identity: this.#options.identity }, 'operator started');
  }

  async lead(signal: AbortSignal, leads: () => boolean = () => true): Promise<void> {
    this.#reconciler.begin(await this.#readSlices(signal));
    this.#leads = () => !signal.aborted && leads();
    this.#loop.trigger();
    const tasks = {
      catalogs: (stop: AbortSignal) => this.#catalogs.run(stop),
      spots: (stop: AbortSignal) => this.#spots.run(stop),
      events: (stop: AbortSignal) => this.#events.run(stop),
      reconcile: (stop: AbortSignal) => this.#loop.run(stop),
    };
    const stops = Object.entries(tasks).map(([name, task]) => this.#supervisor.run(`operator/${name}`, task));
    await aborted(signal);
    await Promise.all(stops.map((stop) => stop()));
  }

  leave(shards: ReadonlySet<string>): void {
    if (this.#tracker.leave(shards)) this.#tellShards();
  }

  addressOf(shard: ShardIdentity): string | undefined {
    return this.#tracker.addressOf(shard);
  }

  cached(): OperatorCaches {
    return { accounts: this.#accounts.list(), slices: this.#slices.list(), pods: this.#pods?.list() ?? [] };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const stops = this.#stops;
    this.#stops = [];
    await Promise.all(stops.map((stop) => stop()));
    if (stops.length > 0) await this.#heartbeat.release();
  }

  snapshot(): OperatorSnapshot | undefined {
    const { last } = this.#reconciler;
    return last === undefined ? undefined : takeSnapshot(last, this.#catalogs.states(), this.#loop.counts);
  }

  vitals(): OperatorVitals {
    return {
      leads: this.#leads(),
      watches: this.#caches().map(([kind, cache]) => ({
        kind,
        synced: cache.hasSynced,
        objects: cache.list().length,
        lastEventAge: cache.lastEventAge,
        failures: cache.failures,
      })),
      loop: this.#loop.counts,
      reconciler: this.#reconciler.counts,
    };
  }

  /** What the former leader wrote last is not in this cache for sure: it is read anew before anything is decided. */
  async #readSlices(signal: AbortSignal): Promise<readonly SubscriptionSlice[]> {
    const { cluster, clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        return (await cluster.list<SubscriptionSlice>(subscriptionSlices)).items;
      } catch (error) {
        log.warn({ event: 'lead.listFailed', error }, describeError(error));
        await sleep(clock, listRetry, signal);
      }
    }
    return [];
  }

  #caches() {
    return [
      ['TickerAccount', this.#accounts],
      ['InstrumentSet', this.#sets],
      ['SubscriptionSlice', this.#slices],
      ['Lease', this.#leases],
      ...(this.#pods === undefined ? [] : [['Pod', this.#pods] as const]),
    ] as const;
  }

  #cache<T extends KubeObject>(resource: Resource, changed: ChangeHandler<T>, where: ListOptions = {}): Informer<T> {
    const { cluster, clock, log, random } = this.#options;
    const informer = new Informer<T>({ cluster, clock, log, random: random.fork(resource.kind), resource, where });
    informer.onChange(changed);
    return informer;
  }

  #tellShards(): void {
    const shards = [...this.#tracker.shards].map(([shard, { state }]) => `${shard} ${state}`);
    this.#options.log.info({ event: 'shards.changed', shards }, 'shards changed');
    this.#loop.trigger();
  }
}

/** Tasks of the operator throw nothing terminal by themselves; should one, it is logged and stays down. */
function ownSupervisor({ clock, log, random }: OperatorOptions): Supervisor {
  const onFatal = (name: string) => log.fatal({ event: 'task.ended', task: name }, 'the operator needs a restart');
  return new Supervisor({ clock, log, random: random.fork('supervisor'), onFatal });
}
