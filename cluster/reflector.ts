import type { KubeObject } from '../crds/index.ts';
import { type BackoffPolicy, backoffDelay } from '../runtime/backoff.ts';
import { type Clock, sleep } from '../runtime/clock.ts';
import { CodedError, describeError, hasCode } from '../runtime/errors.ts';
import type { Logger } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';
import type { Cluster, ListOptions, Resource, WatchEvent } from './cluster.ts';
import { Patience } from './patience.ts';
import { newerVersion } from './resource-version.ts';

/** What a reflector says, in order; after `Listed` come changes of that state, until it is listed again. */
export type ReflectorEvent<T> =
  | { readonly type: 'Listed'; readonly objects: readonly T[]; readonly resourceVersion: string }
  | { readonly type: 'Applied'; readonly object: T; readonly resourceVersion: string }
  | { readonly type: 'Deleted'; readonly object: T; readonly resourceVersion: string }
  | { readonly type: 'Bookmark'; readonly resourceVersion: string };

/** Where a reflector stands: it must list, or can watch from a version. */
export type ReflectorState =
  | { readonly phase: 'Init' }
  | { readonly phase: 'Watching'; readonly resourceVersion: string };

export interface ReflectorOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly resource: Resource;
  /** Which objects; all when absent. */
  readonly where?: ListOptions;
  readonly backoff?: BackoffPolicy;
  /** Milliseconds without any event, bookmarks included, after which a watch counts as dead. */
  readonly idleTimeout?: number;
  /** Milliseconds that a list may take. */
  readonly listTimeout?: number;
}

const defaultBackoff: BackoffPolicy = { first: 100, most: 10_000 };
/** An API server sends a bookmark about once a minute. */
const defaultIdleTimeout = 150_000;
const defaultListTimeout = 60_000;
/** A watch that lasted this long without an error was a good one: the next failure counts as the first. */
const goodWatch = 5_000;

/**
 * Follows the objects of a kind: lists, watches from there, goes on from the last version when a watch ends, and lists
 * anew when that version is too old. Every error is tried again, with jittered backoff. A watch that is silent is
 * opened anew. States after kube-rs's watcher (`kube-runtime/src/watcher.rs`).
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions;
  readonly #emit: (event: ReflectorEvent<T>) => void;
  #state: ReflectorState = { phase: 'Init' };
  #attempt = 0;
  #lastEvent: number;
  /** Failures since the start; for metrics. */
  failures = 0;
  /** Lists read since the start; for metrics. */
  lists = 0;

  /** @param emit takes each event, in order; what it throws ends {@link run} */
  constructor(options: ReflectorOptions, emit: (event: ReflectorEvent<T>) => void) {
    this.#options = options;
    this.#emit = emit;
    this.#lastEvent = options.clock.monotonic();
  }

  get state(): ReflectorState {
    return this.#state;
  }

  /** Milliseconds since the API server last said anything. */
  get lastEventAge(): number {
    return this.#options.clock.monotonic() - this.#lastEvent;
  }

  /** Supervised task: runs until `signal` is aborted. Run again, it goes on from where it was. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const started = this.#options.clock.monotonic();
      let failure: { error: unknown } | undefined;
      try {
        if (this.#state.phase === 'Init') await this.#list(signal);
        else await this.#watch(this.#state.resourceVersion, signal);
      } catch (error) {
        if (error instanceof EmitFailure) throw error.cause;
        failure = { error };
      }
      if (signal.aborted) return;
      if (failure !== undefined) await this.#failed(failure.error, started, signal);
      else if (this.#state.phase === 'Watching' && this.#options.clock.monotonic() - started < 1) {
        // Closed as soon as opened, or just listed: never spin.
        await sleep(this.#options.clock, 1, signal);
      }
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { cluster, clock, resource, where = {}, listTimeout = defaultListTimeout } = this.#options;
    const list = await before(clock, listTimeout, cluster.list<T>(resource, where), signal);
    if (list === undefined) return;
    this.lists++;
    this.#say({ type: 'Listed', objects: list.items, resourceVersion: list.resourceVersion });
    this.#state = { phase: 'Watching', resourceVersion: list.resourceVersion };
  }

  async #watch(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const { cluster, clock, resource, where = {}, idleTimeout = defaultIdleTimeout } = this.#options;
    const own = new AbortController();
    const watch = { ...where, resourceVersion, signal: own.signal };
    const events = cluster.watch<T>(resource, watch)[Symbol.asyncIterator]();
    const patience = new Patience(clock, idleTimeout, signal);
    try {
      for (;;) {
        const next = await patience.wait(events.next());
        if (next === undefined || next.done === true) return;
        this.#attempt = 0;
        this.#handle(next.value);
      }
    } finally {
      patience.end();
      own.abort();
      this.#close(events);
    }
  }

  /** Ends an iterator without waiting for it: a dead connection may take long to notice. */
  #close(events: AsyncIterator<WatchEvent<T>>): void {
    const { log, resource } = this.#options;
    events.return?.().catch((error: unknown) => {
      log.debug(
        { event: 'watch.closeFailed', kind: resource.kind, error: describeError(error) },
        'closed all the same',
      );
    });
  }

  #handle(event: WatchEvent<T>): void {
    const seen = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
    const known = this.#state.phase === 'Watching' ? this.#state.resourceVersion : '0';
    // A duplicate or late event must not take the version back.
    const resourceVersion = seen === undefined ? known : newerVersion(known, seen);
    if (event.type === 'BOOKMARK') this.#say({ type: 'Bookmark', resourceVersion });
    else if (event.type === 'DELETED') this.#say({ type: 'Deleted', object: event.object, resourceVersion });
    else this.#say({ type: 'Applied', object: event.object, resourceVersion });
    this.#state = { phase: 'Watching', resourceVersion };
  }

  #say(event: ReflectorEvent<T>): void {
    this.#lastEvent = this.#options.clock.monotonic();
    try {
      this.#emit(event);
    } catch (error) {
      throw new EmitFailure(error);
    }
  }

  async #failed(error: unknown, started: number, signal: AbortSignal): Promise<void> {
    const { clock, random, log, resource, backoff = defaultBackoff } = this.#options;
    this.failures++;
    const phase = this.#state.phase;
    if (phase === 'Watching' && clock.monotonic() - started > goodWatch) this.#attempt = 0;
    // Expired, or refused for good as it is: only a new list helps. Anything else goes on from the same version.
    const relist =
      hasCode(error, 'CLUSTER_EXPIRED') || (error instanceof CodedError && error.persistence === 'terminal');
    if (relist) this.#state = { phase: 'Init' };
    const wait = backoffDelay(backoff, this.#attempt++, random);
    log.warn(
      { event: phase === 'Init' ? 'list.failed' : 'watch.failed', kind: resource.kind, relist, wait: Math.round(wait) },
      describeError(error),
    );
    await sleep(clock, wait, signal);
  }
}

/** What the consumer threw: not the cluster's failure, so not tried again here. */
class EmitFailure extends Error {
  constructor(cause: unknown) {
    super('an event could not be taken', { cause });
  }
}

/** The promise's value; undefined when `signal` is aborted first; `CLUSTER_UNAVAILABLE` after `limit` milliseconds. */
async function before<V>(
  clock: Clock,
  limit: number,
  promise: Promise<V>,
  signal: AbortSignal,
): Promise<V | undefined> {
  const patience = new Patience(clock, limit, signal);
  try {
    return await patience.wait(promise);
  } finally {
    patience.end();
  }
}
