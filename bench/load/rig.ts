import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { ShardLimits } from '../../ticker/shard/limits.ts';
import { type RedisServer, startRedis } from '../../ticker/sinks/redis/redis-server.testing.ts';
import { nodeOptions } from '../launch.ts';
import { Child } from './child.ts';
import { leaves, leavesFolder } from './leftovers.ts';
import {
  type FeedPlan,
  type LedgerEntry,
  micros,
  type ReaderReport,
  type SentRange,
  type ShardReport,
  type SliceFeed,
} from './messages.ts';

export interface RigOptions {
  readonly plan: FeedPlan;
  /** Batches that each stream keeps; default 300. */
  readonly streamLength?: number;
  /** Bytes that the spool may take; default 4 GiB. */
  readonly spoolBytes?: number;
  readonly limits?: Partial<ShardLimits>;
  /** The shard's program; from its sources where it is absent. */
  readonly program?: string;
  /** More of Node's options for the shard. */
  readonly shardOptions?: readonly string[];
  /** Without readers only the shard is looked at. */
  readonly readers?: boolean;
}

/** Milliseconds between looks at a shard that is waited for. */
const lookMillis = 50;
const defaultSpoolBytes = 4 * 1024 ** 3;

/** Everything of one run: broker, shard with its spool, Redis and two readers, each a process of its own. */
export class Rig {
  readonly redis: RedisServer;
  readonly broker: Child;
  readonly slices: readonly SliceFeed[];
  readonly spoolDirectory: string;
  /** Of every shard process of this run. */
  readonly ledger: LedgerEntry[] = [];
  streams: Child | undefined;
  pubsub: Child | undefined;
  #shard: Child | undefined;
  readonly #forget: (() => void)[] = [];
  readonly #options: RigOptions;
  readonly #brokerAddress: string;

  private constructor(
    options: RigOptions,
    parts: { redis: RedisServer; broker: Child; slices: readonly SliceFeed[]; port: number; spool: string },
  ) {
    this.#options = options;
    this.redis = parts.redis;
    this.broker = parts.broker;
    this.slices = parts.slices;
    this.spoolDirectory = parts.spool;
    this.#brokerAddress = `127.0.0.1:${parts.port}`;
  }

  /** All of it but the shard. */
  static async start(options: RigOptions): Promise<Rig> {
    const origin = micros();
    const spool = await mkdtemp(join(tmpdir(), 'load-spool-'));
    const forgetSpool = leavesFolder(spool);
    const broker = new Child('broker', { plan: options.plan, origin });
    // A subscriber that has to share a core must not be thrown out.
    const redis = await startRedis(['--client-output-buffer-limit', 'pubsub 0 0 0', '--io-threads', '1']);
    const forgetRedis = leaves(() => redis.stop());
    const { port, slices } = await broker.next('broker');
    const rig = new Rig(options, { redis, broker, slices, port, spool });
    const forget = leaves(() => rig.stop());
    rig.#forget.push(forget, forgetRedis, forgetSpool);
    if (options.readers === false) return rig;
    const shares = slices.map(({ uid, first, count }) => ({ uid, first, count }));
    rig.streams = new Child('reader', { redis: redis.url, over: 'streams', origin, slices: shares });
    rig.pubsub = new Child('reader', { redis: redis.url, over: 'pubsub', origin, slices: shares });
    await Promise.all([rig.streams.next('ready'), rig.pubsub.next('ready')]);
    return rig;
  }

  get shard(): Child {
    if (this.#shard === undefined) throw new Error('no shard runs');
    return this.#shard;
  }

  /** Starts a shard, or the next one in the place of the last; it connects by itself. */
  async startShard(): Promise<Child> {
    const {
      plan,
      streamLength = 300,
      spoolBytes = defaultSpoolBytes,
      limits,
      shardOptions = [],
      program,
    } = this.#options;
    const config = {
      plan,
      slices: this.slices,
      redis: this.redis.url,
      broker: this.#brokerAddress,
      streamLength,
      spool: { directory: this.spoolDirectory, maxBytes: spoolBytes },
      ...(limits === undefined ? {} : { limits }),
    };
    this.#shard = new Child('shard', config, ['--expose-gc', ...nodeOptions, ...shardOptions], program);
    await this.#shard.next('ready');
    return this.#shard;
  }

  /** What the shard says of itself now; `collect` runs its collector first. */
  async report(collect = false): Promise<ShardReport> {
    this.shard.send({ kind: 'report', collect });
    return await this.take();
  }

  /** What the shard says of itself next, of its own accord. */
  async take(): Promise<ShardReport> {
    const { report, ledger } = await this.shard.next('shard');
    this.ledger.push(...ledger);
    return report;
  }

  /** Waits until what the shard says of itself is so. */
  async until(holds: (report: ShardReport) => boolean): Promise<ShardReport> {
    for (;;) {
      const report = await this.report();
      if (holds(report)) return report;
      await delay(lookMillis);
    }
  }

  /** The same for so many seconds at most; returns whether it came to be so. */
  async within(seconds: number, holds: (report: ShardReport) => boolean): Promise<boolean> {
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
      if (holds(await this.report())) return true;
      await delay(lookMillis);
    }
    return false;
  }

  /** Sends ticks at a rate, by the clock; resolves when they are sent. */
  async stream(rate: number, ticks: number): Promise<void> {
    this.broker.send({ kind: 'stream', rate, ticks });
    await this.broker.next('sent');
  }

  /** Sends at a rate, by the clock, until the next order. */
  flow(rate: number): void {
    this.broker.send({ kind: 'stream', rate });
  }

  async ranges(): Promise<readonly SentRange[]> {
    this.broker.send({ kind: 'report' });
    return (await this.broker.next('ranges')).ranges;
  }

  /** Waits until the shard has received all that was sent and has had it accepted. */
  async settle(): Promise<ShardReport> {
    const sent = (await this.ranges()).reduce((sum, { from, to }) => sum + to - from, 0);
    return this.until(({ totals, received }) => {
      const all = Object.values(received).reduce((sum, ticks) => sum + ticks, 0);
      const { published, late, lost, restored, batched, held } = totals;
      return all >= sent && held === 0 && published + late + lost === batched + restored;
    });
  }

  /** What a reader has, once it has read all that is there. */
  async read(reader: Child | undefined): Promise<ReaderReport> {
    if (reader === undefined) throw new Error('this run has no readers');
    reader.send({ kind: 'report' });
    return (await reader.next('reader')).report;
  }

  /** Ends Redis in an orderly way, its data on disk: what it accepted it has again after `redis.restart()`. */
  async saveRedis(): Promise<void> {
    await this.#command((redis) => redis.call('SHUTDOWN', 'SAVE').catch(() => undefined));
  }

  /** Ends Redis by SIGKILL and removes what it ever wrote to disk. */
  async loseRedis(): Promise<void> {
    let directory = '';
    await this.#command(async (redis) => {
      directory = ((await redis.config('GET', 'dir')) as string[])[1]!;
    });
    await this.redis.kill();
    for (const file of await readdir(directory)) await rm(join(directory, file), { recursive: true });
  }

  async #command(act: (redis: Redis) => Promise<unknown>): Promise<void> {
    const redis = new Redis(this.redis.url, { retryStrategy: () => null });
    const gone = once(redis, 'end');
    redis.on('error', () => {});
    await act(redis);
    redis.disconnect();
    await gone;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#shard, this.streams, this.pubsub, this.broker].map((child) => child?.stop()));
    await this.redis.stop();
    await rm(this.spoolDirectory, { recursive: true, force: true });
    for (const forget of this.#forget) forget();
  }
}
