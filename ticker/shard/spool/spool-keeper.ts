import { type BackoffPolicy, backoffDelay } from '../../../runtime/backoff.ts';
import { type Clock, sleep } from '../../../runtime/clock.ts';
import type { Logger } from '../../../runtime/log.ts';
import type { Random } from '../../../runtime/random.ts';
import type { Outbox } from '../outbox.ts';
import type { SentMark } from './lane-state.ts';
import type { SliceSpool } from './slice-spool.ts';
import type { Spool } from './spool.ts';

export interface SpoolKeeperOptions {
  readonly outbox: Outbox;
  readonly spool: Spool;
  readonly slice: SliceSpool;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Something was written, or could not be. */
  readonly stored: () => void;
  /** Something was read back: it can be sent. */
  readonly loaded: () => void;
}

const retry: BackoffPolicy = { first: 500, most: 30_000 };
/** At the end a write that failed is tried again soon, and so often: a disk may be short of room or time for a moment. */
const sealRetry: BackoffPolicy = { first: 100, most: 1_000 };
const sealAttempts = 5;

type Stored = 'written' | 'nothing' | 'failed';

/** Moves batches between an outbox and its spool: out past the watermark, and at the end; back before they are sent. */
export class SpoolKeeper {
  readonly #options: SpoolKeeperOptions;
  #wake: (() => void) | undefined;
  #woken = false;
  #failures = 0;
  /** Monotonic milliseconds before which nothing is written. */
  #notBefore = 0;
  #storing: Promise<void> = Promise.resolve();

  constructor(options: SpoolKeeperOptions) {
    this.#options = options;
  }

  /** The outbox changed. */
  kick(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Supervised task, until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.kick();
    signal.addEventListener('abort', stop, { once: true });
    try {
      while (!signal.aborted) {
        this.#woken = false;
        await this.#step();
        if (!this.#woken) await this.#sleep();
      }
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Writes `mark` before the call is sent; undefined where nothing has to be waited for. */
  note(mark: SentMark | undefined): Promise<void> | undefined {
    const { outbox, slice, spool } = this.#options;
    if (slice.segments.length === 0 && mark === undefined) return undefined;
    const lanes = outbox.spill.lanesToNote(false);
    if (mark === undefined && lanes.length === 0) return undefined;
    // Unwritten, a restart could send it again; that is better than not sending it.
    return slice.note(mark, lanes).catch((error: unknown) => spool.wrote(error));
  }

  /** Writes everything that waits, onto the device. Returns whether all of it is there. */
  async seal(signal: AbortSignal): Promise<boolean> {
    const { outbox, slice, spool, clock, random, log } = this.#options;
    for (let failed = 0; failed < sealAttempts && !signal.aborted; ) {
      const stored = await this.#store(true);
      if (stored === 'nothing') break;
      if (stored === 'written') failed = 0;
      else await sleep(clock, backoffDelay(sealRetry, failed++, random), signal);
    }
    await slice.sync().catch((error: unknown) => spool.wrote(error));
    const { held, spooled, spooledBatches } = outbox.counters;
    if (held > 0)
      log.warn({ event: 'spool.sealed', ticks: spooled, batches: spooledBatches, unsealed: held - spooled }, 'sealed');
    return held === spooled;
  }

  async #step(): Promise<void> {
    const { clock, slice, spool } = this.#options;
    const mayStore = clock.monotonic() >= this.#notBefore;
    // Reading back must not hold up what has to leave memory.
    const [stored, loaded] = await Promise.all([mayStore ? this.#store(false) : 'nothing', this.#load()]);
    if (stored === 'written' || loaded) this.#woken = true;
    await slice.removeFree().catch((error: unknown) => spool.wrote(error));
  }

  #store(all: boolean): Promise<Stored> {
    const done = this.#storing.then(() => this.#storeOnce(all));
    this.#storing = done.then(() => {});
    return done;
  }

  async #storeOnce(all: boolean): Promise<Stored> {
    const { outbox, slice, spool, clock, random, stored } = this.#options;
    const work = outbox.spill.toStore(all);
    if (work === undefined) return 'nothing';
    try {
      const places = await slice.store(work, (always) => outbox.spill.lanesToNote(always), all);
      outbox.spill.stored(work.items, places);
      spool.wrote();
      this.#failures = 0;
    } catch (error) {
      outbox.spill.notStored(work.items);
      spool.wrote(error);
      this.#notBefore = clock.monotonic() + backoffDelay(retry, this.#failures++, random);
      stored();
      return 'failed';
    }
    stored();
    await spool.enforce();
    return 'written';
  }

  async #load(): Promise<boolean> {
    const { outbox, slice, loaded } = this.#options;
    const wanted = outbox.spill.toLoad();
    if (wanted.length === 0) return false;
    const batches = await slice.load(wanted);
    wanted.forEach((held, i) => {
      outbox.spill.loaded(held, batches[i]);
    });
    loaded();
    return true;
  }

  /** Until kicked, or until writing may be tried again. */
  #sleep(): Promise<void> {
    const { clock } = this.#options;
    const wait = this.#notBefore - clock.monotonic();
    return new Promise((resolve) => {
      const timer = wait > 0 ? clock.setTimer(wait, () => this.#wake?.()) : undefined;
      this.#wake = () => {
        timer?.cancel();
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
