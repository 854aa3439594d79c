import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startRedis } from '../../ticker/sinks/redis/redis-server.testing.ts';
import { nodeEnvironment, nodeOptions } from '../launch.ts';
import type { Message, Percentiles, Scenario, ShardReport, SubscriberReport } from './messages.ts';

const channel = 'ticks:default:bench';
/** Milliseconds after which a run counts as stuck. */
const deadline = 120_000;

export interface EndToEnd {
  readonly scenario: Scenario;
  /** Ticks between the two looks at the shard's CPU time; likewise the rest. */
  readonly ticks: number;
  /** In all, while warming up too. */
  readonly sent: number;
  readonly cpuSeconds: number;
  /** Share of them that other threads than the main one took: collector, compiler. */
  readonly otherThreads: number;
  readonly wallSeconds: number;
  readonly ticksPerCpuSecond: number;
  readonly ticksPerSecond: number;
  readonly bytesPerTick: number;
  /** Over the whole run, warm-up too: sent less received, and batches by (token, seq). */
  readonly lost: number;
  readonly duplicated: number;
  readonly invalid: number;
  readonly greeksSolved: number;
  readonly rss: number;
  readonly checkedBatches: number;
  readonly faults: readonly string[];
  /** Milliseconds: of work on a tick, and from a frame's arrival to the subscriber. Of a paced scenario only. */
  readonly processing: Percentiles;
  readonly delivery: Percentiles;
}

export interface RunOptions {
  /** Ticks that are sent before measuring, and while measuring. */
  readonly warmUp: number;
  readonly ticks: number;
  /** More of Node's options for the shard, e.g. `--cpu-prof`. */
  readonly shardOptions?: readonly string[];
}

/** Broker → WebSocket → shard → Redis → subscriber, each a process of its own. */
export async function runEndToEnd(scenario: Scenario, options: RunOptions): Promise<EndToEnd> {
  // A subscriber that has to share a core must not be thrown out: what is under way is bounded by the broker.
  const redis = await startRedis(['--client-output-buffer-limit', 'pubsub 0 0 0', '--io-threads', '1']);
  const children: Child[] = [];
  try {
    const { pace } = scenario;
    const pacing = [pace?.ticksPerSecond ?? 0, pace?.packetsPerFrame ?? 0].map(String);
    const broker = new Child('broker', [scenario.mode, ...pacing]);
    children.push(broker);
    const greeks = scenario.greeks ? 'greeks' : 'none';
    const reading = [redis.url, channel, scenario.format, greeks, pace === undefined ? '' : 'paced'];
    const subscriber = new Child('subscriber', reading, pace === undefined ? [] : ['--expose-gc']);
    children.push(subscriber);
    const [{ port, groups }] = await Promise.all([broker.next('ready'), subscriber.next('ready')]);
    subscriber.on('received', (message) => broker.send(message));
    const config = { scenario, redis: redis.url, broker: `127.0.0.1:${port}`, channel, groups };
    const shard = new Child('shard', [JSON.stringify(config)], [...nodeOptions, ...(options.shardOptions ?? [])]);
    children.push(shard);
    await shard.next('ready');

    const warm = await sendAndWait(broker, subscriber, options.warmUp);
    for (const timing of [shard, subscriber]) timing.send({ kind: 'forget' });
    const before = await shardReport(shard);
    const sent = await sendAndWait(broker, subscriber, options.ticks);
    const after = await shardReport(shard);
    subscriber.send({ kind: 'report' });
    const { report } = await subscriber.next('subscriber');
    return outcome(scenario, { warm, sent, before, after, report });
  } finally {
    await Promise.all(children.reverse().map((child) => child.stop()));
    await redis.stop();
  }
}

async function sendAndWait(broker: Child, subscriber: Child, ticks: number): Promise<number> {
  broker.send({ kind: 'send', ticks });
  const { ticks: sent } = await broker.next('sent');
  while (subscriber.ticks < sent) await subscriber.next('received');
  return sent;
}

async function shardReport(shard: Child): Promise<ShardReport> {
  shard.send({ kind: 'report' });
  return (await shard.next('shard')).report;
}

interface Measured {
  readonly warm: number;
  readonly sent: number;
  readonly before: ShardReport;
  readonly after: ShardReport;
  readonly report: SubscriberReport;
}

function outcome(scenario: Scenario, { warm, sent, before, after, report }: Measured): EndToEnd {
  const ticks = sent - warm;
  const cpuSeconds = (after.cpu - before.cpu) / 1e6;
  const wallSeconds = (after.wall - before.wall) / 1e3;
  return {
    scenario,
    ticks,
    sent,
    cpuSeconds,
    otherThreads: 1 - (after.mainCpu - before.mainCpu) / (after.cpu - before.cpu),
    wallSeconds,
    ticksPerCpuSecond: ticks / cpuSeconds,
    ticksPerSecond: ticks / wallSeconds,
    bytesPerTick: report.bytes / report.ticks,
    lost: Math.max(0, sent - report.ticks) + report.missing + after.lost,
    duplicated: report.repeated + Math.max(0, report.ticks - sent),
    invalid: after.invalid,
    greeksSolved: after.greeksSolved,
    rss: after.rss,
    checkedBatches: report.checked,
    faults: report.faults,
    processing: after.processing,
    delivery: report.delivery,
  };
}

type Of<K extends Message['kind']> = Extract<Message, { kind: K }>;

/** A process of the run and what it says. */
class Child {
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<string, { resolve: (message: Message) => void; reject: (error: Error) => void }>();
  readonly #early = new Map<string, Message>();
  readonly #handlers = new Map<string, (message: Message) => void>();
  /** Ticks that it said it has received. */
  ticks = 0;
  #stopping = false;

  constructor(name: string, args: readonly string[], execArgv: readonly string[] = []) {
    this.#name = name;
    const path = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
    this.#process = fork(path, args, {
      execArgv: [...execArgv],
      env: { ...process.env, ...(name === 'shard' ? nodeEnvironment : {}) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#process.on('message', (message) => this.#take(message as Message));
    this.#process.on('exit', (code) => this.#fail(new Error(`the ${name} process ended with ${code}`)));
  }

  send(message: Message): void {
    if (this.#process.connected) this.#process.send(message);
  }

  on<K extends Message['kind']>(kind: K, handle: (message: Of<K>) => void): void {
    this.#handlers.set(kind, (message) => handle(message as Of<K>));
  }

  /** The next message of this kind; one that came before it was asked for counts. */
  async next<K extends Message['kind']>(kind: K): Promise<Of<K>> {
    const early = this.#early.get(kind);
    if (early !== undefined) {
      this.#early.delete(kind);
      return early as Of<K>;
    }
    const message = await new Promise<Message>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the ${this.#name} process did not say ${kind}`)), deadline);
      const settle =
        <T>(act: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(timer);
          this.#waiting.delete(kind);
          act(value);
        };
      this.#waiting.set(kind, { resolve: settle(resolve), reject: settle(reject) });
    });
    return message as Of<K>;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.send({ kind: 'stop' });
    const kill = setTimeout(() => this.#process.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(kill);
  }

  #take(message: Message): void {
    if (message.kind === 'received') this.ticks = message.ticks;
    this.#handlers.get(message.kind)?.(message);
    const waiting = this.#waiting.get(message.kind);
    if (waiting !== undefined) waiting.resolve(message);
    else if (message.kind !== 'received') this.#early.set(message.kind, message);
  }

  #fail(error: Error): void {
    if (this.#stopping) return;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
  }
}
