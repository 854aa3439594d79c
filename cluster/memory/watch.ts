import type { KubeObject } from '../../crds/index.ts';
import type { Clock, Timer } from '../../runtime/clock.ts';
import type { WatchEvent, WatchOptions } from '../cluster.ts';
import { invalid } from '../errors.ts';
import type { EventLog } from './event-log.ts';
import { eventFor } from './selection.ts';

export interface WatchTiming {
  /** Milliseconds between bookmarks. */
  readonly bookmarkInterval: number;
  /** Milliseconds after which the server closes the watch. */
  readonly life: number;
}

/** What a watch reads, and when. */
export interface WatchSource {
  readonly log: EventLog;
  /** The cluster's newest version, for bookmarks. */
  readonly version: () => number;
  readonly clock: Clock;
  readonly timing: WatchTiming;
  /** Called once, when the watch has ended. */
  readonly ended: () => void;
}

/**
 * Changes after a version as they come. The watch has no buffer of its own, it reads the log of its kind: a consumer so
 * slow that the log has forgotten what it needs next gets `CLUSTER_EXPIRED` and has to list again.
 */
export class LogWatch<T extends KubeObject> implements AsyncIterableIterator<WatchEvent<T>> {
  readonly #source: WatchSource;
  readonly #options: WatchOptions;
  readonly #end: number;
  readonly #wake = (): void => this.#goOn();
  #cursor: number;
  #bookmarkAt: number;
  /** Who waits for the next event. */
  #waiting: { resolve(result: IteratorResult<WatchEvent<T>>): void; reject(error: unknown): void } | undefined;
  #timer: Timer | undefined;
  #stopListening: (() => void) | undefined;
  #done = false;

  constructor(source: WatchSource, options: WatchOptions) {
    const { clock, timing } = source;
    if (!/^\d+$/.test(options.resourceVersion))
      throw invalid(`watch: ${options.resourceVersion} is not a resourceVersion`);
    this.#source = source;
    this.#options = options;
    this.#cursor = Number(options.resourceVersion);
    this.#end = clock.monotonic() + timing.life;
    this.#bookmarkAt = clock.monotonic() + timing.bookmarkInterval;
    options.signal.addEventListener('abort', this.#wake);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<WatchEvent<T>>> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#goOn();
    });
  }

  return(): Promise<IteratorResult<WatchEvent<T>>> {
    this.#close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Hands over what there is for who waits, or sees to it that it is woken. */
  #goOn(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    try {
      const event = this.#take();
      if (event === undefined && !this.#done) {
        this.#wait();
        return;
      }
      this.#waiting = undefined;
      waiting.resolve(event === undefined ? { done: true, value: undefined } : { done: false, value: event });
    } catch (error) {
      this.#waiting = undefined;
      this.#close();
      waiting.reject(error);
    }
  }

  #take(): WatchEvent<T> | undefined {
    const { log, version, clock, timing } = this.#source;
    if (this.#options.signal.aborted || clock.monotonic() >= this.#end) this.#close();
    while (!this.#done) {
      const change = log.after(this.#cursor);
      if (change === undefined) break;
      this.#cursor = change.version;
      const event = eventFor<T>(change, this.#options);
      if (event !== undefined) return event;
    }
    if (this.#done || clock.monotonic() < this.#bookmarkAt) return undefined;
    this.#bookmarkAt = clock.monotonic() + timing.bookmarkInterval;
    this.#cursor = Math.max(this.#cursor, version());
    return { type: 'BOOKMARK', resourceVersion: String(this.#cursor) };
  }

  #wait(): void {
    const { log, clock } = this.#source;
    this.#stopListening = log.onNext(this.#wake);
    if (this.#timer !== undefined) return;
    const deadline = Math.min(this.#bookmarkAt, this.#end);
    const fire = (): void => {
      this.#timer = undefined;
      this.#goOn();
    };
    this.#timer = clock.setTimer(deadline - clock.monotonic(), fire, { background: true });
  }

  #close(): void {
    if (this.#done) return;
    this.#done = true;
    this.#timer?.cancel();
    this.#stopListening?.();
    this.#options.signal.removeEventListener('abort', this.#wake);
    this.#source.ended();
  }
}

/** A watch that is opened when the first event is asked for. */
export class LazyWatch<T extends KubeObject> implements AsyncIterator<WatchEvent<T>> {
  readonly #open: () => LogWatch<T>;
  #watch: LogWatch<T> | undefined;
  #done = false;

  constructor(open: () => LogWatch<T>) {
    this.#open = open;
  }

  async next(): Promise<IteratorResult<WatchEvent<T>>> {
    if (this.#done) return { done: true, value: undefined };
    try {
      this.#watch ??= this.#open();
    } catch (error) {
      this.#done = true;
      throw error;
    }
    return this.#watch.next();
  }

  async return(): Promise<IteratorResult<WatchEvent<T>>> {
    this.#done = true;
    await this.#watch?.return();
    return { done: true, value: undefined };
  }
}
