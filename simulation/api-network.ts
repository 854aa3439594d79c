import type {
  ApplyOptions,
  Cluster,
  DeleteOptions,
  List,
  ListOptions,
  ObjectName,
  PatchOperation,
  PatchOptions,
  Resource,
  WatchEvent,
  WatchOptions,
} from '../cluster/cluster.ts';
import { expired, unavailable } from '../cluster/errors.ts';
import { type EventFault, FaultyCluster, type Verb } from '../cluster/faulty-cluster.ts';
import type { KubeObject } from '../crds/index.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { OwnWrites } from './own-writes.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** How bad the way to the API server is now: shares of calls and of watch events. */
export interface ApiTrouble {
  refused: number;
  lostReplies: number;
  slow: number;
  delayedEvents: number;
  repeatedEvents: number;
  /** The watch breaks, its events since are compacted: 410. */
  expiredWatches: number;
  /** The watch goes silent without an end. */
  stalledWatches: number;
}

const noTrouble: ApiTrouble = {
  refused: 0,
  lostReplies: 0,
  slow: 0,
  delayedEvents: 0,
  repeatedEvents: 0,
  expiredWatches: 0,
  stalledWatches: 0,
};

const reads: ReadonlySet<Verb> = new Set(['get', 'list', 'watch']);

/** Milliseconds after which what an ordinary fault delayed has been tried again (backoffs go up to 30 s). */
const recovery = 60_000;
/** Milliseconds after which a silent watch is noticed, and then what it missed is dealt with. */
const stallRecovery = 150_000 + recovery;

/** A time in which nobody reached the API server: when it ended, on the monotonic clock, and how long it was. Milliseconds. */
export interface Outage {
  readonly until: number;
  readonly lasted: number;
}

/** The ways from processes to one API server. */
export class ApiNetwork {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #random: Random;
  /** Names of processes that cannot reach it; `*` for all. */
  readonly away = new Set<string>();
  trouble: ApiTrouble = { ...noTrouble };
  /** Calls and events that were tampered with. */
  faults = 0;
  #recoveredAt = 0;
  /** As {@link #recoveredAt}, for what befell anything less than all. */
  #othersRecoveredAt = 0;
  #leftAt = 0;
  #back: Outage | undefined;
  readonly #afterWrites = new Map<SimulatedProcess, { left: number; readonly act: () => void }>();

  constructor(cluster: Cluster, clock: Clock, random: Random) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#random = random;
  }

  heal(): void {
    this.trouble = { ...noTrouble };
    this.comeBack();
    this.away.clear();
    this.#afterWrites.clear();
  }

  /** Calls `act` once the process has made so many more writes, before it hears of the last. */
  afterWrites(process: SimulatedProcess, count: number, act: () => void): void {
    this.#afterWrites.set(process, { left: count, act });
  }

  #written(process: SimulatedProcess): void {
    const waiting = this.#afterWrites.get(process);
    if (waiting === undefined || --waiting.left > 0) return;
    this.#afterWrites.delete(process);
    waiting.act();
  }

  /** Whether everybody has heard of everything by now. */
  get recovered(): boolean {
    return this.away.size === 0 && this.#clock.monotonic() >= this.#recoveredAt;
  }

  /** It is away for all: for nothing and nobody else, so that what they do then is known. */
  leave(): void {
    this.#leftAt = this.#clock.monotonic();
    this.away.add('*');
  }

  comeBack(): void {
    const now = this.#clock.monotonic();
    if (this.away.delete('*')) this.#back = { until: now, lasted: now - this.#leftAt };
  }

  /** The last outage for all; undefined where some were kept from it in other ways, too. */
  get outage(): Outage | undefined {
    const alone = this.away.size === 0 && this.#clock.monotonic() >= this.#othersRecoveredAt;
    return alone ? this.#back : undefined;
  }

  /** The API server as one process reaches it. */
  connect(process: SimulatedProcess, own?: OwnWrites): Cluster {
    const unreachable = (): boolean => this.away.has('*') || this.away.has(process.name);
    const lot = (share: number): boolean => share > 0 && this.#random.next() < share;
    const faulty = new FaultyCluster(this.#cluster, this.#clock, {
      delay: () => (lot(this.trouble.slow) ? this.#disturbed(this.#random.next() * 3_000) : 0),
      refuse: ({ verb }) => {
        if (unreachable() || lot(this.trouble.refused)) {
          this.#disturbed(0);
          return unavailable(`${verb}: the API server is away`);
        }
        return undefined;
      },
      loseReply: ({ verb }) => {
        if (!reads.has(verb)) this.#written(process);
        if (unreachable() || lot(this.trouble.lostReplies)) {
          this.#disturbed(0);
          return unavailable(`${verb}: the reply was lost`);
        }
        return undefined;
      },
      event: (): EventFault | undefined => {
        const { trouble } = this;
        if (unreachable()) {
          this.#disturbed(0);
          return { fail: unavailable('watch: the connection broke') };
        }
        if (lot(trouble.expiredWatches)) {
          this.#disturbed(0);
          return { fail: expired('watch: the version is too old') };
        }
        if (lot(trouble.stalledWatches)) {
          this.#disturbed(0, stallRecovery);
          return 'stall';
        }
        if (lot(trouble.delayedEvents)) return { delay: this.#disturbed(this.#random.next() * 5_000) };
        if (lot(trouble.repeatedEvents)) return 'duplicate';
        return undefined;
      },
    });
    return new ProcessCluster(faulty, process, own);
  }

  #disturbed(delay: number, recovers = recovery): number {
    this.faults++;
    if (!this.away.has('*'))
      this.#othersRecoveredAt = Math.max(this.#othersRecoveredAt, this.#clock.monotonic() + delay + recovers);
    this.#recoveredAt = Math.max(this.#recoveredAt, this.#clock.monotonic() + delay + recovers);
    return delay;
  }
}

/** Passes replies and events on to a process, which may be paused or dead by then. */
class ProcessCluster implements Cluster {
  readonly #inner: Cluster;
  readonly #process: SimulatedProcess;
  readonly #own: OwnWrites | undefined;

  constructor(inner: Cluster, process: SimulatedProcess, own: OwnWrites | undefined) {
    this.#own = own;
    this.#inner = inner;
    this.#process = process;
  }

  get<T extends KubeObject>(resource: Resource, name: ObjectName): Promise<T> {
    return this.#process.reply(this.#inner.get<T>(resource, name));
  }

  list<T extends KubeObject>(resource: Resource, options?: ListOptions): Promise<List<T>> {
    return this.#process.reply(this.#inner.list<T>(resource, options));
  }

  create<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    return this.#process.reply(this.#inner.create(resource, object, options));
  }

  replace<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    return this.#process.reply(this.#inner.replace(resource, object, options));
  }

  apply<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    const own = this.#own;
    own?.sends(resource, object);
    const reply = this.#process.reply(this.#inner.apply(resource, object, options));
    if (own !== undefined) reply.then((written) => own.wrote(written)).catch(() => own.failed(object));
    return reply;
  }

  applyStatus<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    return this.#process.reply(this.#inner.applyStatus(resource, object, options));
  }

  patch<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    operations: readonly PatchOperation[],
    options: PatchOptions,
  ): Promise<T> {
    return this.#process.reply(this.#inner.patch<T>(resource, name, operations, options));
  }

  delete(resource: Resource, name: ObjectName, options?: DeleteOptions): Promise<void> {
    return this.#process.reply(this.#inner.delete(resource, name, options));
  }

  watch<T extends KubeObject>(resource: Resource, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    return { [Symbol.asyncIterator]: () => this.#events(this.#inner.watch<T>(resource, options)) };
  }

  #events<T>(watch: AsyncIterable<T>): AsyncIterator<T> {
    const events = watch[Symbol.asyncIterator]();
    return {
      next: () => this.#process.reply(events.next()),
      return: async () => {
        await events.return?.();
        return { done: true, value: undefined };
      },
    };
  }
}
