import type { Cluster } from '../cluster/cluster.ts';
import { type Lease, leases } from '../cluster/resources.ts';
import { type Clock, sleep } from '../runtime/clock.ts';
import { describeError, hasCode } from '../runtime/errors.ts';
import type { Logger } from '../runtime/log.ts';
import { fieldManager } from './controllers/names.ts';

export interface HeartbeatOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly log: Logger;
  /** Which replica this is. */
  readonly identity: string;
  readonly namespace: string;
}

/** Milliseconds between renewals. */
export const beatInterval = 500;

/** This replica's own lease. Its renewals, seen in its watch of leases, show that the watch is live. */
export class Heartbeat {
  readonly name: string;
  readonly #options: HeartbeatOptions;
  #current: Lease | undefined;
  #failing = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.name = `${fieldManager}-${options.identity}`;
  }

  /** Whether a lease is this one. */
  owns({ metadata }: Lease): boolean {
    return metadata.name === this.name && metadata.namespace === this.#options.namespace;
  }

  /** Renews until `signal` is aborted, then gives the lease up. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#renew();
        this.#failing = false;
      } catch (error) {
        this.#current = undefined;
        log[this.#failing ? 'debug' : 'warn']({ event: 'heartbeat.failed', error }, describeError(error));
        this.#failing = true;
      }
      await sleep(clock, beatInterval, signal);
    }
  }

  /** Removes the lease. */
  async release(): Promise<void> {
    const { cluster, namespace } = this.#options;
    try {
      await cluster.delete(leases, { namespace, name: this.name });
    } catch (error) {
      this.#options.log.debug({ event: 'heartbeat.releaseFailed', error }, describeError(error));
    }
  }

  async #renew(): Promise<void> {
    const { cluster, clock, identity, namespace } = this.#options;
    const spec = {
      holderIdentity: identity,
      leaseDurationSeconds: 3,
      renewTime: microTime(clock.now()),
    };
    this.#current ??= await this.#read();
    if (this.#current === undefined) {
      const { apiVersion } = leases;
      const lease: Lease = { apiVersion, kind: 'Lease', metadata: { name: this.name, namespace }, spec };
      this.#current = await cluster.create(leases, lease, { fieldManager });
    } else {
      this.#current = await cluster.replace(leases, { ...this.#current, spec }, { fieldManager });
    }
  }

  async #read(): Promise<Lease | undefined> {
    try {
      const { namespace } = this.#options;
      return await this.#options.cluster.get<Lease>(leases, { namespace, name: this.name });
    } catch (error) {
      if (hasCode(error, 'CLUSTER_NOT_FOUND')) return undefined;
      throw error;
    }
  }
}

/** RFC 3339 with microseconds, the form of a lease's times. */
function microTime(milliseconds: number): string {
  const micros = String(Math.floor((milliseconds % 1) * 1000)).padStart(3, '0');
  return new Date(milliseconds).toISOString().replace('Z', `${micros}Z`);
}
