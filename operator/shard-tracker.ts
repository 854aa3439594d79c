import { drainingAnnotation, type Lease, marketDataAnnotation, type Pod, shardLabel } from '../cluster/resources.ts';
import { Suspicion, type SuspicionOptions } from '../cluster/suspicion.ts';
import type { ShardIdentity } from '../crds/index.ts';
import { parseHolder, type Shards } from './controllers/shards.ts';
import { shardKey } from './planner/assign-shards.ts';
import type { PlannerShard } from './planner/types.ts';
import { processEnd, shardOf } from './shard-pods.ts';

interface Tracked {
  readonly identity: ShardIdentity;
  readonly renewTime: string | undefined;
  readonly draining: boolean;
  readonly address: string | undefined;
}

/** What is known of the pod of a shard. */
interface TrackedPod {
  /** The last end of its process that was taken for a death. */
  readonly end: string | undefined;
  /** It is being deleted: its process has been, or is about to be, asked to end. */
  readonly terminating: boolean;
}

/**
 * Which shards there are and how they stand, by their leases, this replica's own heartbeat, and the kubelet's word where
 * pods are watched (ownership protocol, section 5). Times are the clock's monotonic milliseconds.
 */
export class ShardTracker {
  readonly #tracked = new Map<string, Tracked>();
  readonly #pods = new Map<string, TrackedPod>();
  #leaving: ReadonlySet<string> = new Set();
  readonly #suspicion: Suspicion;
  #shards: Shards = new Map();

  constructor(suspicion: SuspicionOptions = {}) {
    this.#suspicion = new Suspicion(suspicion);
  }

  get shards(): Shards {
    return this.#shards;
  }

  /** `HOST:PORT` of a shard's market data; undefined where its lease does not say. */
  addressOf(shard: ShardIdentity): string | undefined {
    for (const { identity, address } of this.#tracked.values()) {
      if (shardKey(identity) === shardKey(shard)) return address;
    }
    return undefined;
  }

  /** A lease as the watch shows it. Returns true when the shards or their states changed. */
  observe(lease: Lease, removed: boolean, now: number): boolean {
    if (lease.metadata.labels?.[shardLabel] === undefined) return false;
    const key = `${lease.metadata.namespace ?? ''}/${lease.metadata.name}`;
    const identity = parseHolder(lease.spec.holderIdentity);
    const former = this.#tracked.get(key);
    const gone = removed || identity === undefined;
    if (former !== undefined && (gone || shardKey(former.identity) !== shardKey(identity))) {
      this.#suspicion.forget(shardKey(former.identity));
    }
    if (gone) {
      this.#tracked.delete(key);
      return this.#derive();
    }
    const { renewTime } = lease.spec;
    const draining = lease.metadata.annotations?.[drainingAnnotation] === 'true';
    const same = former !== undefined && shardKey(former.identity) === shardKey(identity);
    if (!same || former.renewTime !== renewTime) this.#suspicion.renewed(shardKey(identity), now);
    const address = lease.metadata.annotations?.[marketDataAnnotation];
    this.#tracked.set(key, { identity, renewTime, draining, address });
    return this.#derive();
  }

  /** Our own lease's renewal came back through the watch. Returns true when a shard became suspect. */
  heartbeat(now: number): boolean {
    this.#suspicion.ownRenewal(now);
    return this.#derive();
  }

  /**
   * A pod of a shard as the watch shows it. That its container ended, that it is gone, or that another has its name is a
   * death at once. Returns true when the shards or their states changed.
   */
  observePod(pod: Pod, removed: boolean, now: number): boolean {
    const identity = shardOf(pod);
    const key = shardKey(identity);
    const before = this.#pods.get(key);
    if (removed) {
      this.#pods.delete(key);
      this.#suspicion.ended(key, now);
      return this.#derive();
    }
    const end = processEnd(pod);
    if (end !== undefined && end !== before?.end) this.#suspicion.ended(key, now);
    const terminating = pod.metadata.deletionTimestamp !== undefined;
    this.#pods.set(key, { end: end ?? before?.end, terminating });
    if (before === undefined) {
      for (const { identity: other } of this.#tracked.values()) {
        if (other.shard === identity.shard && other.uid !== identity.uid) this.#suspicion.ended(shardKey(other), now);
      }
    }
    return this.#derive();
  }

  /** The shards that are to be removed: they give their accounts to others first. Returns true when that changes a state. */
  leave(shards: ReadonlySet<string>): boolean {
    this.#leaving = new Set(shards);
    return this.#derive();
  }

  /** Since when this replica's own watch has been live; undefined while it is not. */
  liveSince(now: number): number | undefined {
    return this.#suspicion.liveSince(now);
  }

  #derive(): boolean {
    const next = new Map<string, PlannerShard>();
    for (const { identity, draining } of this.#tracked.values()) {
      const key = shardKey(identity);
      const leaves = draining || this.#leaving.has(identity.shard) || this.#pods.get(key)?.terminating === true;
      const state = this.#suspicion.isSuspect(key) ? 'suspect' : leaves ? 'draining' : 'ready';
      next.set(key, { identity, state });
    }
    const same =
      next.size === this.#shards.size && [...next].every(([key, { state }]) => this.#shards.get(key)?.state === state);
    if (same) return false;
    this.#shards = next;
    return true;
  }
}
