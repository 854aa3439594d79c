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

  async *watch<T extends KubeObject>(resource: Resource, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    const { signal } = options;
    await this.#before({ verb: 'watch', resource });
    for await (const event of this.#inner.watch<T>(resource, options)) {
      const fault = this.faults.event?.(event, resource);
      if (fault === 'drop') continue;
      if (fault === 'stall') return await aborted(signal);
      if (typeof fault === 'object' && 'fail' in fault) throw fault.fail;
      if (typeof fault === 'object') await sleep(this.#clock, fault.delay, signal);
      if (signal.aborted) return;
      yield event;
      if (fault === 'duplicate') yield event;
    }
  }

  async #before(call: Call): Promise<void> {
    const delay = this.faults.delay?.(call) ?? 0;
    if (delay > 0) await sleep(this.#clock, delay);
    const refused = this.faults.refuse?.(call);
    if (refused !== undefined) throw refused;
  }

  async #call<R>(call: Call, made: () => Promise<R>): Promise<R> {
    await this.#before(call);
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
