import type { Clock } from '../runtime/clock.ts';
import { sleep } from '../runtime/clock.ts';
import { describeError, hasCode } from '../runtime/errors.ts';
import type { Logger } from '../runtime/log.ts';
import type { LogEvent } from '../runtime/log-events.ts';
import type { Random } from '../runtime/random.ts';
import type { Cluster } from './cluster.ts';
import { type Lease, leases } from './resources.ts';
import { secondText } from './second-text.ts';

/** A shard renews its lease this often (milliseconds, PROTOCOL 5). */
export const renewInterval = 1_000;
/** Unrenewed for this long its holder is suspect (milliseconds, PROTOCOL 5). */
export const leaseDuration = 3_000;

export interface LeaseWanted {
  readonly namespace: string;
  readonly name: string;
  /** e.g. `<shard>/<pod UID>`. */
  readonly identity: string;
  /** Milliseconds; the API keeps whole seconds, rounded up. */
  readonly duration: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** RFC 3339 with microseconds, as metav1.MicroTime. @param milliseconds since the Unix epoch */
export function microTime(milliseconds: number): string {
  const whole = Math.floor(milliseconds);
  const second = Math.floor(whole / 1_000);
  const micros = (whole - second * 1_000) * 1_000 + Math.floor((milliseconds - whole) * 1_000);
  return `${secondText(second)}.${String(micros).padStart(6, '0')}Z`;
}

/** The lease as its holder writes it at `now` (milliseconds since the epoch), from what is there. Pure. */
export function renewedLease(before: Lease | undefined, wanted: LeaseWanted, now: number): Lease {
  const { namespace, name, identity, duration, labels, annotations } = wanted;
  const renewTime = microTime(now);
  const held = before?.spec.holderIdentity === identity;
  const { managedFields: _, ...metadata } = before?.metadata ?? { name, namespace };
  return {
    apiVersion: leases.apiVersion,
    kind: 'Lease',
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, ...labels },
      annotations: { ...metadata.annotations, ...annotations },
    },
    spec: {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(duration / 1_000),
      acquireTime: (held ? before.spec.acquireTime : undefined) ?? renewTime,
      renewTime,
      leaseTransitions: (before?.spec.leaseTransitions ?? 0) + (before === undefined || held ? 0 : 1),
    },
  };
}

/** The lease without a holder: nobody has to wait for it to run out. */
export function releasedLease(before: Lease): Lease {
  const { managedFields: _, ...metadata } = before.metadata;
  const { holderIdentity: __, ...spec } = before.spec;
  return { ...before, metadata, spec };
}

/** Reads a lease; undefined where there is none. */
export async function readLease(cluster: Cluster, namespace: string, name: string): Promise<Lease | undefined> {
  try {
    return await cluster.get<Lease>(leases, { namespace, name });
  } catch (error) {
    if (hasCode(error, 'CLUSTER_NOT_FOUND')) return undefined;
    throw error;
  }
}

/** Writes a lease that was made from `before`; a conflict where somebody else wrote in between. */
export function writeLease(
  cluster: Cluster,
  before: Lease | undefined,
  lease: Lease,
  fieldManager: string,
): Promise<Lease> {
  if (before === undefined) return cluster.create<Lease>(leases, lease, { fieldManager });
  return cluster.replace<Lease>(leases, lease, { fieldManager });
}

/** A lease as its holder sees it, whoever renews it. */
export interface HeldLease {
  /** When it was last renewed, on the monotonic clock; undefined before the first time. */
  readonly lastRenewal: number | undefined;
  /** Supervised task: renews until `signal` is aborted. */
  run(signal: AbortSignal): Promise<void>;
  /** Sets an annotation, to be seen now. A failure is tried again at the next renewal. */
  annotate(key: string, value: string): Promise<void>;
  /** Gives it up. Where that fails it runs out. */
  release(): Promise<void>;
}

export interface LeaseHolderOptions extends Omit<LeaseWanted, 'duration'> {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly fieldManager: string;
  /** Milliseconds between renewals; up to a tenth is taken off at random. */
  readonly interval?: number;
  readonly duration?: number;
  /** Whether the holder works: while it does not, the lease is not renewed. Always when absent. */
  readonly healthy?: () => boolean;
}

/**
 * Holds a lease that says that its holder lives: it is renewed until stopped, whatever fails in between. A former
 * holder's lease of the same name is taken over at the start. One that another identity takes over afterwards is left
 * to that one for as long as it renews: of two pods of one name the younger is the one that is meant.
 */
export class LeaseHolder implements HeldLease {
  readonly #options: LeaseHolderOptions;
  readonly #annotations: Record<string, string>;
  #current: Lease | undefined;
  #held = false;
  #rival: { renewTime: string | undefined; since: number } | undefined;
  #writing: Promise<void> = Promise.resolve();
  #lastRenewal: number | undefined;

  constructor(options: LeaseHolderOptions) {
    this.#options = options;
    this.#annotations = { ...options.annotations };
  }

  /** When the lease was last renewed, on the monotonic clock; undefined before the first time. */
  get lastRenewal(): number | undefined {
    return this.#lastRenewal;
  }

  /** Supervised task: renews until `signal` is aborted. A failure is tried again at the next renewal. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, interval = renewInterval, healthy } = this.#options;
    while (!signal.aborted) {
      if (healthy?.() !== false) await this.#tryRenew();
      await sleep(clock, interval * (1 - 0.1 * random.next()), signal);
    }
  }

  /** Sets an annotation and renews at once, so that it is seen now. A failure is tried again at the next renewal. */
  async annotate(key: string, value: string): Promise<void> {
    this.#annotations[key] = value;
    await this.#tryRenew();
  }

  /** Gives the lease up by deleting it. Where that fails it runs out. */
  release(): Promise<void> {
    return this.#inTurn('lease.releaseFailed', async () => {
      const { cluster, namespace, name, identity } = this.#options;
      const lease = await readLease(cluster, namespace, name);
      if (lease?.spec.holderIdentity !== identity) return;
      const { uid, resourceVersion } = lease.metadata;
      await cluster.delete(leases, { namespace, name }, uid && resourceVersion ? { uid, resourceVersion } : {});
    });
  }

  #tryRenew(): Promise<void> {
    return this.#inTurn('lease.renewFailed', () => this.#renew());
  }

  /** One write at a time, in order: two at once would only make conflicts. */
  #inTurn(event: LogEvent, write: () => Promise<void>): Promise<void> {
    const attempt = async (): Promise<void> => {
      try {
        await write();
      } catch (error) {
        this.#current = undefined;
        const { log, name } = this.#options;
        log.warn({ event, lease: name }, describeError(error));
      }
    };
    this.#writing = this.#writing.then(attempt);
    return this.#writing;
  }

  async #renew(): Promise<void> {
    const { cluster, clock, namespace, name, fieldManager, duration = leaseDuration } = this.#options;
    const before = this.#current ?? (await readLease(cluster, namespace, name));
    if (this.#leaveToRival(before, duration)) return;
    const wanted = { ...this.#options, duration, annotations: this.#annotations };
    this.#current = await writeLease(cluster, before, renewedLease(before, wanted, clock.now()), fieldManager);
    this.#held = true;
    this.#lastRenewal = clock.monotonic();
  }

  #leaveToRival(lease: Lease | undefined, duration: number): boolean {
    const { clock, identity, log, name } = this.#options;
    const holder = lease?.spec.holderIdentity;
    if (!this.#held || holder === undefined || holder === identity) {
      this.#rival = undefined;
      return false;
    }
    const renewTime = lease?.spec.renewTime;
    if (this.#rival === undefined) log.warn({ event: 'lease.lost', lease: name, holder }, 'another holds it now');
    if (this.#rival?.renewTime !== renewTime || this.#rival === undefined) {
      this.#rival = { renewTime, since: clock.monotonic() };
    }
    return clock.monotonic() - this.#rival.since < duration;
  }
}
