import { createHash } from 'node:crypto';
import type { Cluster } from '../../cluster/cluster.ts';
import { type Event, events } from '../../cluster/resources.ts';
import type { KubeObject } from '../../crds/index.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import { describeError, hasCode } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import { Wakeup } from '../deadline.ts';
import { restingReason, type Transition } from './conditions.ts';
import { fieldManager, idOf } from './names.ts';

/** Events kept at once; the oldest is deleted for a new one. */
const mostEvents = 500;
/** The same event about the same object is written at most this often (milliseconds); it is counted in between. */
const repeatInterval = 10_000;
/** Events that wait to be written; beyond it new ones are dropped and counted. */
const mostPending = 200;

/** Milliseconds between two rounds of writing. */
const flushInterval = 500;
/** Milliseconds that it waits for something to write before it looks by itself. */
const longestIdle = 60_000;

interface Known {
  readonly event: Event;
  readonly count: number;
  readonly writtenAt: number;
}

/** Writes v1 Events about transitions: one object for each (object, reason, message), counted when it repeats. */
export class EventRecorder {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #known = new Map<string, Known>();
  readonly #pending = new Map<string, Event>();
  readonly #recorded: Wakeup;
  /** Events that were not written because too many waited. */
  dropped = 0;

  constructor(cluster: Cluster, clock: Clock, log: Logger) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#log = log;
    this.#recorded = new Wakeup(clock);
  }

  /** One event for each condition that changed. */
  transitions(object: KubeObject, changed: readonly Transition[]): void {
    for (const { type, from, to } of changed) {
      // The first word about an object is news only where something is wrong.
      if (from === undefined && to.status === 'Unknown') continue;
      if (to.reason === restingReason) {
        this.record(object, 'Normal', to.reason, `${type}: ${to.message}`);
        continue;
      }
      const bad = to.status === 'False' || (to.status === 'Unknown' && from === 'True');
      this.record(object, bad ? 'Warning' : 'Normal', to.reason, `${type}: ${to.message}`);
    }
  }

  record(object: KubeObject, type: Event['type'], reason: string, message: string): void {
    const text = message.length > 1000 ? `${message.slice(0, 999)}…` : message;
    const hash = createHash('sha256').update(`${object.metadata.uid} ${reason} ${text}`).digest('hex').slice(0, 16);
    const name = `${object.metadata.name.slice(0, 200)}.${hash}`;
    const key = `${object.metadata.namespace ?? ''}/${name}`;
    const known = this.#known.get(key);
    const now = new Date(this.#clock.now()).toISOString();
    const waiting = this.#pending.get(key);
    if (waiting === undefined && this.#pending.size >= mostPending) {
      this.dropped++;
      return;
    }
    const { uid } = object.metadata;
    this.#recorded.wake();
    this.#pending.set(key, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace: object.metadata.namespace ?? 'default' },
      involvedObject: {
        apiVersion: object.apiVersion,
        kind: object.kind,
        name: object.metadata.name,
        ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
        ...(uid === undefined ? {} : { uid }),
      },
      type,
      reason,
      message: text,
      count: (waiting?.count ?? known?.count ?? 0) + 1,
      firstTimestamp: waiting?.firstTimestamp ?? known?.event.firstTimestamp ?? now,
      lastTimestamp: now,
      source: { component: fieldManager },
    });
  }

  /** Supervised task: writes what was recorded, beside the reconciles; once more when `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.flush();
      // With nothing to write it waits to be told.
      if (this.#pending.size === 0) await this.#recorded.sleep(longestIdle, signal);
      await sleep(this.#clock, flushInterval, signal);
    }
    await this.flush();
  }

  /** Writes what is due. An event is a courtesy: one that cannot be written is logged and dropped. */
  async flush(): Promise<void> {
    const now = this.#clock.monotonic();
    for (const [key, event] of [...this.#pending]) {
      const known = this.#known.get(key);
      if (known !== undefined && now - known.writtenAt < repeatInterval) continue;
      this.#pending.delete(key);
      try {
        await this.#cluster.apply(events, event, { fieldManager, force: true });
        this.#known.delete(key);
        this.#known.set(key, { event, count: event.count, writtenAt: now });
        await this.#evict();
      } catch (error) {
        this.#log.warn({ event: 'event.failed', about: idOf(event), error }, describeError(error));
      }
    }
  }

  async #evict(): Promise<void> {
    if (this.#known.size <= mostEvents) return;
    const [oldest] = this.#known;
    if (oldest === undefined) return;
    const [key, { event }] = oldest;
    this.#known.delete(key);
    try {
      const { name, namespace = '' } = event.metadata;
      await this.#cluster.delete(events, { name, namespace });
    } catch (error) {
      if (!hasCode(error, 'CLUSTER_NOT_FOUND')) throw error;
    }
  }
}
