import type { Cluster } from '../../cluster/cluster.ts';
import { type Secret, secrets, subscriptionSlices } from '../../cluster/resources.ts';
import {
  apiVersion,
  type InstrumentGroup,
  nextLabel,
  ownerLabel,
  type ShardIdentity,
  type SliceSet,
  type SliceShardStatus,
  type SubscriptionSlice,
  sliceFinalizer,
} from '../../crds/index.ts';
import type { Clock } from '../../runtime/clock.ts';
import { silentLogger } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { Supervisor } from '../../runtime/supervisor.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import type { BatchHeader } from '../delivery.ts';
import { BatchSequence } from '../gateway/batch-sequence.ts';
import { MemorySink } from '../sinks/memory/memory-sink.ts';
import type { SinkReader } from '../sinks/reader.ts';
import type { Sink } from '../sinks/sink.ts';
import { FakeBroker } from './fake-broker.testing.ts';
import type { ShardLimits } from './limits.ts';
import { createShard, type Shard, type ShardSpoolOptions } from './shard.ts';
import { TestCluster } from './test-cluster.testing.ts';

export const sliceName = { namespace: 'default', name: 'acct-0' };
export const sliceUid = 'slice-uid-1';
export const channel = 'ticks:default:watch';

export function sliceSet(name = 'watch', window = 100): SliceSet {
  return {
    namespace: 'default',
    name,
    uid: `set-${name}`,
    channel: `ticks:default:${name}`,
    validation: { action: 'enforce' },
    delivery: {
      format: 'json',
      pubsub: true,
      sharded: false,
      latest: true,
      stream: { maxLength: 10_000 },
      window,
      maxTicks: 1000,
      conflate: false,
    },
  };
}

export function group(tokens: readonly number[], mode: InstrumentGroup['mode'] = 'quote'): InstrumentGroup {
  const instruments = tokens.map((token) => ({ token, symbol: `S${token}` }));
  return { exchange: 'NSE', mode, sets: [0], instruments };
}

export interface SliceOptions {
  readonly owner?: ShardIdentity;
  readonly epoch?: number;
  readonly next?: ShardIdentity;
  readonly handover?: 'closeFirst';
  readonly joining?: readonly number[];
  readonly groups?: readonly InstrumentGroup[];
  readonly suspended?: boolean;
  readonly bars?: SliceSet['bars'];
  readonly sessions?: SubscriptionSlice['spec']['sessions'];
  readonly deleted?: boolean;
  readonly provider?: string;
  readonly endpoint?: { rest: string; websocket: string };
}

export function slice(options: SliceOptions): SubscriptionSlice {
  const { owner, epoch = 1, groups = [group([1, 2, 3])], suspended = false } = options;
  return {
    apiVersion,
    kind: 'SubscriptionSlice',
    metadata: {
      ...sliceName,
      uid: sliceUid,
      labels: {
        ...(owner === undefined ? {} : { [ownerLabel]: owner.shard }),
        ...(options.next === undefined ? {} : { [nextLabel]: options.next.shard }),
      },
      finalizers: [sliceFinalizer],
      ...(options.deleted ? { deletionTimestamp: '2026-01-05T04:00:00Z' } : {}),
    },
    spec: {
      account: 'acct',
      connection: 0,
      login: {
        provider: options.provider ?? 'fake',
        credentials: { secretName: 'login' },
        ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
      },
      ...(options.sessions === undefined ? {} : { sessions: options.sessions }),
      suspended,
      epoch,
      ...(owner === undefined ? {} : { owner }),
      ...(options.next === undefined ? {} : { next: options.next }),
      ...(options.handover === undefined ? {} : { handover: options.handover }),
      ...(options.joining === undefined ? {} : { joining: [...options.joining] }),
      sets: [options.bars === undefined ? sliceSet() : { ...sliceSet(), bars: options.bars }],
      groups: [...groups],
    },
  };
}

export function secret(values: Readonly<Record<string, string>>): Secret {
  const data = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  return { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'default', name: 'login', uid: 'secret' }, data };
}

export function startShard(options: {
  identity: ShardIdentity;
  cluster: Cluster;
  sink: Sink;
  clock: Clock;
  broker: FakeBroker;
  limits?: Partial<ShardLimits>;
  spool?: ShardSpoolOptions;
}): { shard: Shard; supervisor: Supervisor; fatal: unknown[] } {
  const random = new SeededRandom(7);
  const fatal: unknown[] = [];
  const { clock, broker } = options;
  const onFatal = (_: string, error: unknown): void => {
    fatal.push(error);
  };
  const supervisor = new Supervisor({ clock, random, log: silentLogger, onFatal });
  const providers = new Map([[broker.name, broker]]);
  const shard = createShard({ ...options, providers, random, supervisor, log: silentLogger });
  return { shard, supervisor, fatal };
}

/** Everything that was published on a channel, checked as it came. */
export class Reader {
  readonly headers: BatchHeader[] = [];
  readonly sequence = new BatchSequence();
  ticks = 0;

  async follow(reader: SinkReader, on = channel): Promise<this> {
    await reader.subscribe(on, ({ payload }) => this.take(String(payload)));
    return this;
  }

  /** One published batch or heartbeat. */
  take(payload: string): void {
    const { columns: _, ...header } = JSON.parse(payload) as BatchHeader & { columns: unknown };
    this.headers.push(header);
    if (this.sequence.check(header).take) this.ticks += header.count;
  }

  get batches(): BatchHeader[] {
    return this.headers.filter(({ count }) => count > 0);
  }
}

/** One virtual world: a cluster, a sink, a broker, and as many shards as a test starts. */
export class World {
  readonly clock = new VirtualClock();
  readonly cluster = new TestCluster();
  readonly memory = new MemorySink({ clock: this.clock });
  readonly broker = new FakeBroker(() => this.clock.now());
  readonly reader = new Reader();
  readonly #shards: ReturnType<typeof startShard>[] = [];

  async start(identity: ShardIdentity, limits?: Partial<ShardLimits>, sink: Sink = this.memory): Promise<Shard> {
    const { cluster, clock, broker } = this;
    const started = startShard({ identity, cluster, sink, clock, broker, ...(limits === undefined ? {} : { limits }) });
    this.#shards.push(started);
    const starting = started.shard.start();
    await clock.advance(1);
    await starting;
    return started.shard;
  }

  /** Time goes by while the broker sends a tick of everything each `every` milliseconds. */
  async run(milliseconds: number, every = 250): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += every) {
      await this.clock.advance(every);
      for (const connection of this.broker.live) connection.tick();
    }
  }

  put(options: SliceOptions): void {
    this.cluster.put(subscriptionSlices, slice(options));
  }

  login(accessToken = 'good'): void {
    this.cluster.put(secrets, secret({ accessToken }));
  }

  status(shard: string): SliceShardStatus | undefined {
    return this.cluster.statusWrites
      .flatMap(({ status }) => status?.shards ?? [])
      .filter((entry) => entry.shard === shard)
      .at(-1);
  }

  /** Tasks of all shards that failed and were begun again, by name. */
  get failures(): string[] {
    return this.#shards.flatMap(({ supervisor }) => [...supervisor.failures.keys()]);
  }

  async stop(): Promise<void> {
    for (const { shard, supervisor } of this.#shards) {
      const stopping = shard.stop().then(() => supervisor.stop());
      await this.clock.advance(100);
      await stopping;
    }
  }
}
