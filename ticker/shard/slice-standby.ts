import { type Clock, sleep } from '../../runtime/clock.ts';
import { describeError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import type { Supervisor } from '../../runtime/supervisor.ts';
import type { GatheredBatch } from '../pipeline/gathered-batch.ts';
import type { Sink } from '../sinks/sink.ts';
import type { ShardLimits } from './limits.ts';
import { StandbyBuffer } from './standby-buffer.ts';

export interface StandbyCounters {
  /** Ticks that it holds. */
  readonly held: number;
  /** Ticks that it received and did not publish: another had them. */
  readonly spare: number;
  readonly marks: number;
  /** Times that it became warm, and the milliseconds that these took together. */
  readonly warmed: number;
  readonly warmingMillis: number;
}

export interface SliceStandbyOptions {
  /** `namespace/name` of the slice, for messages and the task's name. */
  readonly slice: string;
  readonly sliceUid: string;
  readonly sink: Pick<Sink, 'mark'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly supervisor: Supervisor;
  readonly limits: ShardLimits;
  /** Everything that is wanted is subscribed, and confirmed. */
  readonly confirmed: () => boolean;
  /** Another owns the slice, whose calls may echo marks. */
  readonly mayMark: () => boolean;
  /** Hands on what is gathered. */
  readonly flush: () => void;
  /** The owner has delivered everything from before a mark. */
  readonly echoed: () => void;
  /** Whether it is warm has changed. */
  readonly changed: () => void;
}

/** Share of the interval by which marks come earlier or later: two successors that both mark don't keep in step. */
const jitter = 0.2;

/**
 * A successor's part of a planned move (PROTOCOL 4): it keeps what the connection brings in a bounded buffer, leaves
 * marks at the sink and learns from their echoes what the sink has. It publishes nothing.
 */
export class SliceStandby {
  readonly #options: SliceStandbyOptions;
  readonly #buffer: StandbyBuffer;
  #stop: (() => Promise<void>) | undefined;
  #ending: Promise<void> = Promise.resolve();
  #warm = false;
  #since = 0;
  #starts = 0;
  #warmed = 0;
  #warmingMillis = 0;
  /** Monotonic milliseconds of the sink's last answer to a mark; 0 before the first. */
  answeredAt = 0;

  constructor(options: SliceStandbyOptions) {
    const { limits, random } = options;
    this.#options = options;
    const { standbyBytes: maxBytes, standbyBatches: maxBatches, feedSkew } = limits;
    const run = Math.floor(random.next() * 2 ** 48).toString(36);
    this.#buffer = new StandbyBuffer({ maxBytes, maxBatches, feedSkew }, run);
  }

  get active(): boolean {
    return this.#stop !== undefined;
  }

  /** It holds all that the sink lacks. */
  get warm(): boolean {
    return this.active && this.#buffer.warm;
  }

  get counters(): StandbyCounters {
    const { held, spare, marks } = this.#buffer;
    return { held, spare, marks, warmed: this.#warmed, warmingMillis: this.#warmingMillis };
  }

  start(): void {
    if (this.active) return;
    const { supervisor, slice, sliceUid, clock, log } = this.#options;
    this.#since = clock.monotonic();
    this.#warm = false;
    const stopped = this.#ending;
    const begun = new AbortController();
    const name = `slice ${slice} ${sliceUid}: standby ${++this.#starts}`;
    const stop = supervisor.run(name, async (signal) => {
      await stopped;
      await this.#run(AbortSignal.any([signal, begun.signal]));
    });
    this.#stop = async () => {
      begun.abort();
      await stop();
    };
    log.info({ event: 'standby.started', slice }, 'warming up');
  }

  /** The connection is gone: what is held has a hole behind it. */
  lost(): void {
    this.#buffer.clear();
    this.#note();
  }

  /** Subscriptions may have changed: it is not warm before they are confirmed, and a mark of after that is echoed. */
  recheck(): void {
    if (this.active && !this.#options.confirmed()) this.#buffer.pause();
    this.#note();
  }

  add(batches: readonly GatheredBatch[]): void {
    for (const batch of batches) this.#buffer.add(batch);
    if (!this.active) this.#buffer.clear();
    this.#note();
  }

  /** It is a successor no longer. Returns what it holds, in order. */
  take(): GatheredBatch[] {
    const batches = this.#buffer.take();
    this.#finish();
    return batches;
  }

  /** The same, and nobody needs what it holds. */
  drop(): void {
    this.#buffer.clear();
    this.#finish();
  }

  /** Waits until its task has ended. */
  async ended(): Promise<void> {
    await this.#ending;
  }

  #finish(): void {
    const stop = this.#stop;
    if (stop === undefined) return;
    this.#stop = undefined;
    this.#ending = stop();
    this.#warm = false;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, random, limits } = this.#options;
    while (!signal.aborted) {
      await this.#step(signal);
      const wait = limits.markInterval * (1 - jitter + 2 * jitter * random.next());
      await sleep(clock, wait, signal);
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    const { confirmed, mayMark, flush, sink, sliceUid, clock, log, slice, echoed } = this.#options;
    this.recheck();
    if (!confirmed() || !mayMark()) return;
    flush();
    if (this.#buffer.paused) this.#buffer.begin(clock.monotonic());
    const mark = this.#buffer.mark(clock.monotonic());
    if (mark === undefined) return;
    try {
      const answer = await sink.mark(sliceUid, mark);
      this.answeredAt = clock.monotonic();
      if (signal.aborted || answer.kind !== 'marked' || answer.echo === undefined) return;
      if (this.#buffer.echoed(answer.echo)) echoed();
    } catch (error) {
      log.debug({ event: 'standby.notMarked', slice, error: describeError(error) }, 'the next mark may get through');
    } finally {
      this.#note();
    }
  }

  #note(): void {
    const { warm } = this;
    if (warm === this.#warm) return;
    this.#warm = warm;
    const { clock, log, slice, changed } = this.#options;
    const now = clock.monotonic();
    if (warm) {
      this.#warmed++;
      this.#warmingMillis += now - this.#since;
    } else this.#since = now;
    log.info({ event: warm ? 'standby.warm' : 'standby.cold', slice }, warm ? 'holds all that the sink lacks' : 'cold');
    changed();
  }
}
