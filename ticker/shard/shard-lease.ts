import type { Cluster } from '../../cluster/cluster.ts';
import { drainingAnnotation, type Lease, leases, shardLabel } from '../../cluster/resources.ts';
import type { ShardIdentity } from '../../crds/index.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import { describeError, hasCode } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';

export interface ShardLeaseOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly log: Logger;
  readonly identity: ShardIdentity;
  readonly namespace: string;
}

/** A shard's lease is renewed this often; unrenewed for three times as long it is suspect (PROTOCOL 5). */
const renewInterval = 1_000;
const durationSeconds = 3;

/** The lease by which a shard says that it lives, and that it drains. It raises suspicion only; the sink decides. */
export class ShardLease {
  readonly #options: ShardLeaseOptions;
  #draining = false;
  #current: Lease | undefined;
  /** Monotonic milliseconds at which the API server took a renewal last; of the start, before the first. */
  renewedAt: number;

  constructor(options: ShardLeaseOptions) {
    this.#options = options;
    this.renewedAt = options.clock.monotonic();
  }

  /** Supervised task: renews until `signal` is aborted. A failure is tried again at the next renewal. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#renew();
        this.renewedAt = clock.monotonic();
      } catch (error) {
        this.#current = undefined;
        log.warn({ event: 'lease.renewFailed', error: describeError(error) }, 'trying again');
      }
      await sleep(clock, renewInterval, signal);
    }
  }

  /** Says that the shard drains: it wants its slices taken over. */
  async drain(): Promise<void> {
    this.#draining = true;
    try {
      await this.#renew();
    } catch (error) {
      this.#options.log.warn({ event: 'lease.renewFailed', error: describeError(error) }, 'draining all the same');
    }
  }

  /** Gives the lease up, so that nobody waits for it to run out. */
  async release(): Promise<void> {
    const { cluster, identity, namespace, log } = this.#options;
    try {
      await cluster.delete(leases, { namespace, name: identity.shard });
    } catch (error) {
      log.debug({ event: 'lease.releaseFailed', error: describeError(error) }, 'it will run out');
    }
  }

  async #renew(): Promise<void> {
    const { cluster, identity } = this.#options;
    const options = { fieldManager: `ticker-shard/${identity.shard}` };
    const before = this.#current ?? (await this.#read());
    if (before === undefined) {
      this.#current = await cluster.create<Lease>(leases, this.#lease(undefined), options);
      return;
    }
    this.#current = await cluster.replace<Lease>(leases, this.#lease(before), options);
  }

  async #read(): Promise<Lease | undefined> {
    const { cluster, identity, namespace } = this.#options;
    try {
      return await cluster.get<Lease>(leases, { namespace, name: identity.shard });
    } catch (error) {
      if (hasCode(error, 'CLUSTER_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  #lease(before: Lease | undefined): Lease {
    const { identity, namespace, clock } = this.#options;
    const now = microTime(clock.now());
    const holderIdentity = `${identity.shard}/${identity.uid}`;
    const same = before?.spec.holderIdentity === holderIdentity;
    const { managedFields: _, ...metadata } = before?.metadata ?? { name: identity.shard, namespace };
    return {
      apiVersion: leases.apiVersion,
      kind: 'Lease',
      metadata: {
        ...metadata,
        labels: { ...metadata.labels, [shardLabel]: identity.shard },
        annotations: { ...metadata.annotations, [drainingAnnotation]: String(this.#draining) },
      },
      spec: {
        holderIdentity,
        leaseDurationSeconds: durationSeconds,
        acquireTime: (same ? before.spec.acquireTime : undefined) ?? now,
        renewTime: now,
        leaseTransitions: (before?.spec.leaseTransitions ?? 0) + (before === undefined || same ? 0 : 1),
      },
    };
  }
}

/** RFC 3339 with microseconds, as leases have it. */
function microTime(milliseconds: number): string {
  const whole = Math.floor(milliseconds);
  const micros = Math.floor((milliseconds - whole) * 1000);
  return new Date(whole).toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`);
}
