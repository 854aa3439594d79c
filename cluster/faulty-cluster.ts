import type { KubeObject } from '../crds/index.ts';
import { type Clock, sleep } from '../runtime/clock.ts';
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
} from './cluster.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'replace' | 'apply' | 'applyStatus' | 'patch' | 'delete';

export interface Call {
  readonly verb: Verb;
  readonly resource: Resource;
  /** Absent for lists and watches. */
  readonly name?: ObjectName;
}

/** What becomes of an event on its way to the watcher. */
export type EventFault =
  | 'drop'
  | 'duplicate'
  /** The connection goes silent: neither this event nor a later one arrives, until the watcher gives up. */
  | 'stall'
  /** It arrives this much later, and so does what follows it. */
  | { readonly delay: number }
  /** The watch ends with this error instead. */
  | { readonly fail: Error };

/** What goes wrong; each is asked at each call, so that a schedule or a seeded generator can decide. */
export interface Faults {
  /** Milliseconds before the call is made. */
  readonly delay?: (call: Call) => number;
  /** An error instead of the call: nothing has happened. */
  readonly refuse?: (call: Call) => Error | undefined;
  /** An error instead of the reply: the call has happened. */
  readonly loseReply?: (call: Call) => Error | undefined;
  readonly event?: (event: WatchEvent<KubeObject>, resource: Resource) => EventFault | undefined;
}

/** A cluster through a bad network: passes everything to another one, but for the faults ordered. For tests and simulation. */
export class FaultyCluster implements Cluster {
  readonly #inner: Cluster;
  readonly #clock: Clock;
  /** May be replaced at any time. */
  faults: Faults;

  constructor(inner: Cluster, clock: Clock, faults: Faults = {}) {
    this.#inner = inner;
    this.#clock = clock;
    this.faults = faults;
  }

  get<T extends KubeObject>(resource: Resource, name: ObjectName): Promise<T> {
    return this.#call({ verb: 'get', resource, name }, () => this.#inner.get<T>(resource, name));
  }

  list<T extends KubeObject>(resource: Resource, options?: ListOptions): Promise<List<T>> {
    return this.#call({ verb: 'list', resource }, () => this.#inner.list<T>(resource, options));
  }

  create<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    const call: Call = { verb: 'create', resource, name: object.metadata };
    return this.#call(call, () => this.#inner.create(resource, object, options));
  }

  replace<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    const call: Call = { verb: 'replace', resource, name: object.metadata };
    return this.#call(call, () => this.#inner.replace(resource, object, options));
  }

  apply<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    const call: Call = { verb: 'apply', resource, name: object.metadata };
    return this.#call(call, () => this.#inner.apply(resource, object, options));
  }

  applyStatus<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T> {
    const call: Call = { verb: 'applyStatus', resource, name: object.metadata };
    return this.#call(call, () => this.#inner.applyStatus(resource, object, options));
  }

  patch<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    operations: readonly PatchOperation[],
    options: PatchOptions,
  ): Promise<T> {
    const call: Call = { verb: 'patch', resource, name };
    return this.#call(call, () => this.#inner.patch<T>(resource, name, operations, options));
  }

  delete(resource: Resource, name: ObjectName, options?: DeleteOptions): Promise<void> {
    return this.#call({ verb: 'delete', resource, name }, () => this.#inner.delete(resource, name, options));
  }

  watch<T extends KubeObject>(resource: Resource, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    return { [Symbol.asyncIterator]: () => this.#events(resource, options, this.#inner.watch<T>(resource, options)) };
  }

  #events<T extends KubeObject>(
    resource: Resource,
    { signal }: WatchOptions,
    watch: AsyncIterable<WatchEvent<T>>,
  ): AsyncIterator<WatchEvent<T>> {
    const events = watch[Symbol.asyncIterator]();
    const over: IteratorReturnResult<undefined> = { done: true, value: undefined };
    let opened = false;
    let ended = false;
    let again: WatchEvent<T> | undefined;
    const end = async (): Promise<IteratorReturnResult<undefined>> => {
      if (!ended) await events.return?.();
      ended = true;
      return over;
    };
    const take = async (): Promise<IteratorResult<WatchEvent<T>>> => {
      if (!opened) await this.#before({ verb: 'watch', resource });
      opened = true;
      for (;;) {
        const next = await events.next();
        if (next.done === true || ended) return over;
        const fault = this.faults.event?.(next.value, resource);
        if (fault === undefined) return next;
        if (fault === 'drop') continue;
        if (fault === 'stall') {
          await aborted(signal);
          return end();
        }
        if (fault === 'duplicate') again = next.value;
        else if ('fail' in fault) throw fault.fail;
        else await sleep(this.#clock, fault.delay, signal);
        return signal.aborted ? end() : next;
      }
    };
    return {
      next: async () => {
        if (ended) return over;
        if (again !== undefined) {
          const value = again;
          again = undefined;
          return { done: false, value };
        }
        try {
          return await take();
        } catch (error) {
          await end();
          throw error;
        }
      },
      return: end,
    };
  }

  /** Nothing where there is nothing to wait for: most calls are made at once. */
  #before(call: Call): Promise<void> | undefined {
    const delay = this.faults.delay?.(call) ?? 0;
    if (delay > 0) return sleep(this.#clock, delay).then(() => this.#refuse(call));
    this.#refuse(call);
    return undefined;
  }

  #refuse(call: Call): void {
    const refused = this.faults.refuse?.(call);
    if (refused !== undefined) throw refused;
  }

  async #call<R>(call: Call, made: () => Promise<R>): Promise<R> {
    const before = this.#before(call);
    if (before !== undefined) await before;
    const reply = await made();
    const lost = this.faults.loseReply?.(call);
    if (lost !== undefined) throw lost;
    return reply;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
