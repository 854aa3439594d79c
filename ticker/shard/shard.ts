import type { Cluster } from '../../cluster/cluster.ts';
import { type HeldLease, LeaseHolder, type LeaseHolderOptions } from '../../cluster/lease.ts';
import type { AccountName, InstrumentMaster, MarketData } from '../../cluster/market-data.ts';
import { drainingAnnotation, shardLabel, subscriptionSlices } from '../../cluster/resources.ts';
import { nextLabel, ownerLabel, type ShardIdentity, type SubscriptionSlice } from '../../crds/index.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import type { Supervisor } from '../../runtime/supervisor.ts';
import type { Provider } from '../providers/provider.ts';
import type { Sink } from '../sinks/sink.ts';
import { Account } from './account.ts';
import { type AccountSnapshot, accountServing, accountTotals, FormerSlices } from './account-totals.ts';
import type { BreakerSnapshot } from './breaker.ts';
import { Breakers } from './breakers.ts';
import { notServed, tooManyTokens } from './errors.ts';
import { follow } from './follow.ts';
import { GuardedSink } from './guarded-sink.ts';
import { defaultLimits, type ShardLimits } from './limits.ts';
import type { SliceRunner } from './slice-runner.ts';
import type { SliceSnapshot } from './slice-snapshot.ts';
import { DiskFiles } from './spool/disk-files.ts';
import { Spool, type SpoolSnapshot } from './spool/spool.ts';
import { withTimeLimit } from './time-limit.ts';
import { addUp, type ShardTotals } from './totals.ts';

export interface ShardOptions {
  readonly identity: ShardIdentity;
  readonly cluster: Cluster;
  readonly sink: Sink;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  readonly supervisor: Supervisor;
  /** Where its lease lives; `default` when absent. */
  readonly namespace?: string;
  /** Renews {@link shardLease}; in this thread, over `cluster`, when absent. */
  readonly lease?: HeldLease;
  readonly limits?: Partial<ShardLimits>;
  /** Told the seconds of work on each frame, where they are measured. */
  readonly observeFrame?: (seconds: number) => void;
  /**
   * A directory of this shard alone for what the sink does not take in time, and for its last known slices; it should
   * survive a restart of the container. Without one, ticks wait in memory only.
   */
  readonly spool?: ShardSpoolOptions;
}

export interface ShardSpoolOptions {
  readonly directory: string;
  /** Bytes of all segments; past it the oldest are dropped and counted. */
  readonly maxBytes: number;
}

export interface ShardSnapshot {
  readonly shard: string;
  readonly totals: ShardTotals;
  /** The circuit breaker in front of the sink. */
  readonly breaker: BreakerSnapshot;
  readonly spool?: SpoolSnapshot;
  /** Slices that it serves now. */
  readonly slices: readonly SliceSnapshot[];
  /** The same by account, with those that it served once. */
  readonly accounts: readonly AccountSnapshot[];
  /** Monotonic milliseconds at which the API server last took a renewal of its lease. */
  readonly apiAnsweredAt: number;
}

export interface DrainOptions {
  /** Milliseconds to stream on, waiting for other shards to take the slices over; 0 flushes at once. */
  readonly handover?: number;
}

export interface Shard {
  /** Begins to serve; resolves when it knows its slices, be it from the spool. */
  start(): Promise<void>;
  /**
   * Says that it drains, waits for its slices to be taken over as long as `handover` allows, stops receiving, hands
   * everything gathered to the sink and waits, bounded, for its answers. What is still held then goes to the spool
   * (`spooled`); without one it counts as lost.
   */
  drain(options?: DrainOptions): Promise<ShardSnapshot>;
  /** Ends every task and gives its lease up. Drain first, or what is held and not in the spool is lost. */
  stop(): Promise<void>;
  readonly marketData: MarketData;
  snapshot(): ShardSnapshot;
}

/** The process that serves slices: it logs in, connects, claims, and delivers what the operator names it owner of. */
export function createShard(options: ShardOptions): Shard {
  return new ShardProcess(options);
}

/** The lease that says that a shard lives: its name, its holder, and what the operator reads from it. */
export function shardLease({ shard, uid }: ShardIdentity, namespace: string): ShardLease {
  return {
    namespace,
    name: shard,
    identity: `${shard}/${uid}`,
    labels: { [shardLabel]: shard },
    annotations: { [drainingAnnotation]: 'false' },
    fieldManager: `ticker-shard/${shard}`,
  };
}

/** Data only: it goes to another thread. */
export type ShardLease = Pick<
  LeaseHolderOptions,
  'namespace' | 'name' | 'identity' | 'labels' | 'annotations' | 'fieldManager'
>;

class ShardProcess implements Shard {
  readonly marketData: MarketData;
  readonly #options: ShardOptions;
  readonly #limits: ShardLimits;
  readonly #log: Logger;
  /** Raises suspicion only; the sink decides who owns. */
  readonly #lease: HeldLease;
  readonly #createdAt: number;
  readonly #sink: GuardedSink;
  readonly #spool: Spool | undefined;
  /** Slices that only the spool knows so far. */
  readonly #unconfirmed = new Set<string>();
  /** By the slice's UID. */
  readonly #runners = new Map<string, SliceRunner>();
  readonly #accounts = new Map<string, Account>();
  readonly #stops: (() => Promise<void>)[] = [];
  /** Waits for runners that end. */
  readonly #ending = new Set<() => Promise<void>>();
  #ends = 0;
  /** By UID: slices whose runner is ending, with the newest state that came meanwhile. Each is served once at a time. */
  readonly #again = new Map<string, SubscriptionSlice | undefined>();
  /** UIDs of the slices that each watch shows. */
  readonly #present = { owner: new Set<string>(), next: new Set<string>() };
  readonly #stopping = new AbortController();
  #draining = false;
  readonly #former = new FormerSlices();

  constructor(options: ShardOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#log = options.log.child({ shard: options.identity.shard });
    const { cluster, clock, identity, namespace = 'default', sink, spool } = options;
    this.#createdAt = clock.monotonic();
    const random = options.random.fork('lease');
    this.#lease =
      options.lease ?? new LeaseHolder({ cluster, clock, random, log: this.#log, ...shardLease(identity, namespace) });
    const { breakerFailures: failures, breakerRest: rest } = this.#limits;
    const breakers = new Breakers({ failures, rest, random: options.random.fork('breaker') });
    this.#sink = new GuardedSink({ sink, breakers, clock, log: this.#log });
    this.#spool =
      spool === undefined
        ? undefined
        : new Spool({ files: new DiskFiles(spool.directory), maxBytes: spool.maxBytes, log: this.#log });
    this.marketData = {
      instruments: (shard, account, signal) => this.#instruments(shard, account, signal),
      spot: (shard, account, tokens, signal) => this.#spot(shard, account, tokens, signal),
    };
  }

  async start(): Promise<void> {
    const { supervisor, identity } = this.#options;
    const name = `shard ${identity.shard}`;
    this.#stops.push(supervisor.run(`${name}: lease`, (signal) => this.#lease.run(signal)));
    await this.#spool?.open();
    const known = this.#spool?.takeSlicesOf(identity) ?? [];
    for (const slice of known) {
      this.#unconfirmed.add(slice.metadata.uid ?? '');
      this.#serve(slice);
    }
    // What lives as long as the watch must not hold the slices.
    const restored = known.length > 0;
    await new Promise<void>((synced) => {
      this.#follow('owner', () => {
        for (const uid of this.#unconfirmed) this.#runners.get(uid)?.vanished();
        this.#unconfirmed.clear();
        synced();
      });
      this.#follow('next', () => {});
      if (restored) synced();
      this.#stopping.signal.addEventListener('abort', () => synced(), { once: true });
    });
  }

  async drain(options: DrainOptions = {}): Promise<ShardSnapshot> {
    const { clock } = this.#options;
    const { drainTimeout } = this.#limits;
    this.#draining = true;
    for (const runner of this.#runners.values()) runner.leave();
    await withTimeLimit(clock, this.#limits.statusInterval, this.#stopping.signal, async (signal) => {
      await Promise.race([this.#lease.annotate(drainingAnnotation, 'true'), aborted(signal)]);
    });
    const until = clock.monotonic() + (options.handover ?? 0);
    while (clock.monotonic() < until && [...this.#runners.values()].some((runner) => !runner.released)) {
      await sleep(clock, handoverPoll, this.#stopping.signal);
    }
    await withTimeLimit(clock, drainTimeout, this.#stopping.signal, async (signal) => {
      await Promise.all([...this.#runners.values()].map((runner) => runner.flush(signal)));
    });
    await withTimeLimit(clock, this.#limits.sealTimeout, this.#stopping.signal, async (signal) => {
      await Promise.all([...this.#runners.values()].map((runner) => runner.seal(signal)));
    });
    await this.#spool?.settled();
    const snapshot = this.snapshot();
    this.#log.info({ event: 'shard.drained', ...snapshot.totals }, 'drained');
    return snapshot;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#stops.splice(0).map((stop) => stop()));
    await Promise.all([...this.#runners.values()].map((runner) => runner.stop()));
    await Promise.all([...this.#ending].map((stop) => stop()));
    await Promise.all([...this.#accounts.values()].map((account) => account.stop()));
    this.#accounts.clear();
    await this.#sink.close();
    await this.#lease.release();
  }

  snapshot(): ShardSnapshot {
    const slices = [...this.#runners.values()].map((runner) => runner.snapshot());
    return {
      shard: this.#options.identity.shard,
      totals: addUp(slices, this.#former.totals),
      breaker: this.#sink.snapshot,
      ...(this.#spool === undefined ? {} : { spool: this.#spool.snapshot }),
      slices,
      accounts: this.#accountSnapshots(slices),
      apiAnsweredAt: this.#lease.lastRenewal ?? this.#createdAt,
    };
  }

  /** Watches the slices that name this shard as their owner, or as their owner's successor. */
  #follow(role: 'owner' | 'next', synced: () => void): void {
    const { supervisor, identity, cluster, clock, random } = this.#options;
    const present = this.#present[role];
    const where = { labels: { [role === 'owner' ? ownerLabel : nextLabel]: identity.shard } };
    const task = (signal: AbortSignal): Promise<void> =>
      follow<SubscriptionSlice>(
        {
          cluster,
          clock,
          random,
          log: this.#log,
          resource: subscriptionSlices,
          where,
          seen: (slice) => {
            present.add(slice.metadata.uid ?? '');
            this.#seen(slice);
          },
          gone: (uid) => {
            present.delete(uid);
            this.#gone(uid);
          },
          synced,
        },
        signal,
      );
    this.#stops.push(supervisor.run(`shard ${identity.shard}: slices by ${role}`, task));
  }

  /** It is in neither watch: another's now, deleted, or on its way from the one to the other. */
  #gone(uid: string): void {
    if (this.#present.owner.has(uid) || this.#present.next.has(uid)) return;
    this.#runners.get(uid)?.vanished();
    if (this.#again.has(uid)) this.#again.set(uid, undefined);
  }

  #accountSnapshots(slices: readonly SliceSnapshot[]): AccountSnapshot[] {
    const names = new Set([...this.#former.accounts, ...slices.map(({ account }) => account)]);
    return [...names].map((account) => {
      const own = slices.filter((slice) => slice.account === account);
      const session = this.#accounts.get(account)?.session;
      return {
        account,
        totals: accountTotals(own, this.#former.of(account)),
        serving: own.length === 0 || session === undefined ? undefined : accountServing(own, session),
      };
    });
  }

  #seen(slice: SubscriptionSlice): void {
    const { identity } = this.#options;
    const uid = slice.metadata.uid ?? '';
    const spooled = this.#unconfirmed.delete(uid);
    const known = this.#runners.get(uid);
    if (known !== undefined) {
      known.update(slice, spooled);
      return;
    }
    if (this.#again.has(uid)) {
      this.#again.set(uid, slice);
      return;
    }
    const { owner, next } = slice.spec;
    const is = (named: ShardIdentity | undefined): boolean =>
      named?.shard === identity.shard && named.uid === identity.uid;
    if (this.#stopping.signal.aborted || !(is(owner) || (is(next) && !this.#draining))) return;
    this.#serve(slice);
  }

  #serve(slice: SubscriptionSlice): void {
    const uid = slice.metadata.uid ?? '';
    const account = this.#account({ namespace: slice.metadata.namespace ?? '', name: slice.spec.account });
    const runner = account.serve(slice, () => this.#finished(uid));
    this.#runners.set(uid, runner);
    runner.start();
    if (this.#draining) runner.leave();
  }

  /** Nothing is left to do for this slice here. */
  #finished(uid: string): void {
    const runner = this.#runners.get(uid);
    if (runner === undefined) return;
    this.#runners.delete(uid);
    this.#former.add(runner.snapshot());
    this.#again.set(uid, undefined);
    const { supervisor } = this.#options;
    const name = `slice ${runner.name} ${uid}: end ${++this.#ends}`;
    const stop = supervisor.run(name, async () => {
      await this.#end(runner);
      this.#serveAgain(uid);
      this.#ending.delete(stop);
    });
    this.#ending.add(stop);
  }

  /** What came for a slice while its runner ended. Where that cannot be served it is tried again, or what comes next. */
  #serveAgain(uid: string): void {
    const slice = this.#again.get(uid);
    this.#again.delete(uid);
    if (slice === undefined) return;
    try {
      this.#seen(slice);
    } catch (error) {
      this.#again.set(uid, slice);
      throw error;
    }
  }

  /** Does no harm when it is done again. */
  async #end(runner: SliceRunner): Promise<void> {
    await runner.stop();
    for (const [key, account] of this.#accounts) {
      if (!account.release(runner.uid) || this.#stopping.signal.aborted) continue;
      this.#accounts.delete(key);
      await account.stop();
    }
  }

  #account(name: AccountName): Account {
    const key = `${name.namespace}/${name.name}`;
    const { spool: _, ...options } = this.#options;
    let account = this.#accounts.get(key);
    if (account === undefined) {
      account = new Account({
        ...options,
        sink: this.#sink,
        ...(this.#spool === undefined ? {} : { spool: this.#spool }),
        account: name,
        log: this.#log,
        limits: this.#limits,
        apiAnsweredAt: () => this.#lease.lastRenewal ?? this.#createdAt,
      });
      this.#accounts.set(key, account);
    }
    return account;
  }

  async #instruments(shard: ShardIdentity, name: AccountName, signal?: AbortSignal): Promise<InstrumentMaster> {
    const { session } = this.#served(shard, name);
    return await this.#answer(signal, (limited) => session.instruments(limited));
  }

  async #spot(
    shard: ShardIdentity,
    name: AccountName,
    tokens: readonly number[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<number, number>> {
    if (tokens.length > this.#limits.spotTokens) {
      throw tooManyTokens(`${tokens.length} tokens were asked for; at most ${this.#limits.spotTokens} are answered`);
    }
    const account = this.#served(shard, name);
    return await this.#answer(signal, (limited) => account.spot(tokens, limited));
  }

  #answer<T>(signal: AbortSignal | undefined, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const either = AbortSignal.any([this.#stopping.signal, ...(signal === undefined ? [] : [signal])]);
    return withTimeLimit(this.#options.clock, this.#limits.connectTimeout * 2, either, act);
  }

  #served(shard: ShardIdentity, name: AccountName): Account {
    const { identity } = this.#options;
    const account = this.#accounts.get(`${name.namespace}/${name.name}`);
    if (account === undefined || shard.shard !== identity.shard || shard.uid !== identity.uid) {
      throw notServed(`shard ${identity.shard} does not serve account ${name.namespace}/${name.name}`);
    }
    return account;
  }
}

/** Milliseconds between looks at whether the slices have been taken over. */
const handoverPoll = 50;

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
