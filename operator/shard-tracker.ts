import { drainingAnnotation, type Lease, shardLabel } from '../cluster/resources.ts';
import { parseHolder, type Shards } from './controllers/shards.ts';
import { shardKey } from './planner/assign-shards.ts';
import type { PlannerShard } from './planner/types.ts';

/** A lease that is not renewed for this long (milliseconds of live watching) makes its shard suspect. */
export const suspectAfter = 3000;
/** Our own heartbeat not seen for longer than this (milliseconds) means that the watch was not live: the wait restarts. */
const longestBeat = 1500;

interface Tracked {
  readonly identity: PlannerShard['identity'];
  readonly renewTime: string | undefined;
  readonly draining: boolean;
  /** Milliseconds of live watching without a renewal. */
  silent: number;
}

/**
 * Which shards there are and how they stand, by their leases. A lease only raises suspicion, and only time counts in
 * which this process's own watch was live: proof of that are its own heartbeats, which it sees in the same watch. An
 * outage restarts the wait, and no clock of another machine is ever compared (ownership protocol, section 5).
 */
export class ShardTracker {
  readonly #tracked = new Map<string, Tracked>();
  #lastBeat: number | undefined;
  #shards: Shards = new Map();

  get shards(): Shards {
    return this.#shards;
  }

  /** A lease as the watch shows it. Returns true when the shards or their states changed. */
  observe(lease: Lease, removed: boolean): boolean {
    if (lease.metadata.labels?.[shardLabel] === undefined) return false;
    const key = `${lease.metadata.namespace ?? ''}/${lease.metadata.name}`;
    const identity = parseHolder(lease.spec.holderIdentity);
    if (removed || identity === undefined) {
      this.#tracked.delete(key);
      return this.#derive();
    }
    const { renewTime } = lease.spec;
    const draining = lease.metadata.annotations?.[drainingAnnotation] === 'true';
    const former = this.#tracked.get(key);
    const renewed =
      former === undefined ||
      former.renewTime !== renewTime ||
      shardKey(former.identity) !== shardKey(identity) ||
      former.draining !== draining;
    this.#tracked.set(key, { identity, renewTime, draining, silent: renewed ? 0 : former.silent });
    return this.#derive();
  }

  /**
   * Our own heartbeat came back through the watch. Returns true when a shard became suspect.
   *
   * @param now the clock's monotonic milliseconds
   */
  beat(now: number): boolean {
    const elapsed = this.#lastBeat === undefined ? Number.POSITIVE_INFINITY : now - this.#lastBeat;
    this.#lastBeat = now;
    for (const tracked of this.#tracked.values()) {
      // One that is suspect stays so until it renews: an outage is no sign of life.
      if (tracked.silent >= suspectAfter) continue;
      tracked.silent = elapsed > longestBeat ? 0 : tracked.silent + elapsed;
    }
    return this.#derive();
  }

  #derive(): boolean {
    const next = new Map<string, PlannerShard>();
    for (const { identity, draining, silent } of this.#tracked.values()) {
      const state = silent >= suspectAfter ? 'suspect' : draining ? 'draining' : 'ready';
      next.set(shardKey(identity), { identity, state });
    }
    const same =
      next.size === this.#shards.size && [...next].every(([key, { state }]) => this.#shards.get(key)?.state === state);
    if (same) return false;
    this.#shards = next;
    return true;
  }
}
