import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { HeldLease } from '../../cluster/lease.ts';
import { aborted } from '../../runtime/aborted.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import { defineError } from '../../runtime/errors.ts';
import type { LogThreshold } from '../../runtime/log.ts';
import type { FromLeaseThread, LeaseThreadData, ToLeaseThread } from './lease-messages.ts';

const threadEnded = defineError(
  'SHARD_LEASE_THREAD_ENDED',
  'retryable',
  'The thread that renews the lease is started again; the lines before this one say why it ended.',
);

/** One small object a second: more would be a leak. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };

/** Milliseconds that an answer of the thread is waited for. */
const answerTimeout = 3_000;

/**
 * A lease that a thread of its own renews: it does not wait behind the work of the main loop, yet renews only while that
 * loop answers. While the thread is down, annotations are kept for the next one.
 */
export class ThreadedLease implements HeldLease {
  readonly #data: Omit<LeaseThreadData, 'logLevel'>;
  readonly #threshold: LogThreshold;
  readonly #clock: Clock;
  #annotations: Readonly<Record<string, string>>;
  readonly #waiting = new Map<number, () => void>();
  #worker: Worker | undefined;
  #ids = 0;
  #lastRenewal: number | undefined;

  /** @param threshold of the thread's log too, as it changes */
  constructor(data: Omit<LeaseThreadData, 'logLevel'>, threshold: LogThreshold, clock: Clock) {
    this.#data = data;
    this.#threshold = threshold;
    this.#clock = clock;
    this.#annotations = { ...data.lease.annotations };
    threshold.onChange((level) => this.#tell({ kind: 'level', level }));
  }

  get lastRenewal(): number | undefined {
    return this.#lastRenewal;
  }

  async run(signal: AbortSignal): Promise<void> {
    const logLevel = this.#threshold.level;
    const lease = { ...this.#data.lease, annotations: this.#annotations };
    const workerData: LeaseThreadData = { ...this.#data, lease, logLevel };
    const worker = new Worker(new URL('./lease-worker.ts', import.meta.url), { workerData, resourceLimits });
    this.#worker = worker;
    worker.on('message', (message: FromLeaseThread) => this.#take(worker, message));
    const ended = once(worker, 'exit');
    const failed = new Promise<never>((_, reject) => worker.once('error', reject));
    try {
      await Promise.race([aborted(signal), failed, ended.then(unexpected)]);
    } catch (error) {
      this.#worker = undefined;
      throw error;
    }
    // It goes on until it is released: a shard that ends gives its lease up last.
  }

  async annotate(key: string, value: string): Promise<void> {
    this.#annotations = { ...this.#annotations, [key]: value };
    await this.#ask({ kind: 'annotate', id: this.#ids++, key, value });
  }

  async release(): Promise<void> {
    await this.#ask({ kind: 'release', id: this.#ids++ });
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  #take(worker: Worker, message: FromLeaseThread): void {
    if (message.kind === 'ask') this.#tell({ kind: 'alive', asked: message.asked }, worker);
    else if (message.kind === 'renewed') this.#lastRenewal = this.#clock.monotonic();
    else {
      this.#waiting.get(message.id)?.();
      this.#waiting.delete(message.id);
    }
  }

  #tell(message: ToLeaseThread, worker = this.#worker): void {
    worker?.postMessage(message);
  }

  /** Resolves when the thread has done it, or after a bounded wait. */
  async #ask(message: Exclude<ToLeaseThread, { kind: 'alive' | 'level' }>): Promise<void> {
    if (this.#worker === undefined) return;
    const answered = new AbortController();
    this.#waiting.set(message.id, () => answered.abort());
    this.#tell(message);
    await sleep(this.#clock, answerTimeout, answered.signal);
    this.#waiting.delete(message.id);
  }
}

function unexpected(): never {
  throw threadEnded('the thread that renews the lease has ended');
}
