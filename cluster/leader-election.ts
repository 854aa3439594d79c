import { type Clock, sleep } from '../runtime/clock.ts';
import { describeError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/log.ts';
import type { Random } from '../runtime/random.ts';
import type { Cluster } from './cluster.ts';
import { readLease, releasedLease, renewedLease, writeLease } from './lease.ts';
import { compareVersions } from './resource-version.ts';
import type { Lease } from './resources.ts';

export interface LeaderElectorOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly namespace: string;
  /** Name of the lease that all candidates share. */
  readonly name: string;
  /** Of this candidate; unique, e.g. `<pod>/<pod UID>`. */
  readonly identity: string;
  readonly timing?: LeaderTiming;
}

/** All in milliseconds. */
export interface LeaderTiming {
  /** Unrenewed for this long the lease may be taken over. */
  readonly duration: number;
  /** Unrenewed for this long the leader stops leading; below `duration`, so that it stops before another starts. */
  readonly deadline: number;
  /** Between renewals, and between attempts of the others. */
  readonly interval: number;
}

/** PROTOCOL 5. The lease object says 3 s, for the API keeps whole seconds; candidates go by these. */
export const leaderTiming: LeaderTiming = { duration: 2_500, deadline: 2_000, interval: 500 };

/**
 * Elects one leader among candidates by a Lease, after client-go's `leaderelection`: no two clocks are compared, each
 * candidate counts from when it saw the lease change. It is no fence (a paused leader may write late): what
 * a leader writes carries resourceVersions and epochs.
 */
export class LeaderElector {
  readonly #options: LeaderElectorOptions;
  readonly #timing: LeaderTiming;
  #leading = false;
  /** The lease as last seen, and when it was seen to change (monotonic). */
  #seen: { lease: Lease | undefined; at: number } | undefined;
  /** Start of the last renewal that succeeded (monotonic). */
  #renewedAt = 0;
  /** Ends the lead that is held now. */
  #lost: AbortController | undefined;

  constructor(options: LeaderElectorOptions) {
    this.#options = options;
    this.#timing = options.timing ?? leaderTiming;
  }

  /** True while the lead is held for sure: a leader that was paused is none, though nothing of it has run since. */
  get isLeader(): boolean {
    const { clock } = this.#options;
    return this.#leading && clock.monotonic() - this.#renewedAt < this.#timing.deadline;
  }

  /** Identity of the leader as last seen. */
  get leader(): string | undefined {
    return this.#seen?.lease?.spec.holderIdentity;
  }

  /**
   * A lease as a watch shows it. That another has taken the lead over ends it at once: a leader whose machine stood still,
   * time and all, does not go on beside its successor until its own time is up.
   */
  observe(lease: Lease): void {
    const { namespace, name } = this.#options;
    if (!this.#leading || lease.metadata.name !== name || lease.metadata.namespace !== namespace) return;
    const known = this.#seen?.lease?.metadata.resourceVersion;
    const { resourceVersion } = lease.metadata;
    // What the watch shows late is no news.
    if (known === undefined || resourceVersion === undefined || !(compareVersions(resourceVersion, known) > 0)) return;
    if (this.#isAnothers(lease)) this.#lose('another has taken the lead over');
  }

  /**
   * Supervised task: waits to be elected, then runs `lead` with a signal that is aborted when the lead is lost or
   * `signal` is aborted; waits for it to return, and stands again. The lead is given up when `lead` returns or throws;
   * what it throws is thrown on.
   */
  async run(signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { clock, log, identity } = this.#options;
    while (!signal.aborted) {
      if (!(await this.#tryAcquire())) {
        await this.#pause(signal);
        continue;
      }
      log.info({ event: 'leader.elected', identity }, 'leading');
      this.#leading = true;
      const lost = new AbortController();
      this.#lost = lost;
      const stop = AbortSignal.any([signal, lost.signal]);
      // Stops by its own timer: a renewal that hangs must not keep a former leader leading.
      const watchdog = this.#watchdog(stop);
      const renewing = this.#renewUntil(stop);
      try {
        await lead(stop);
      } finally {
        lost.abort();
        this.#leading = false;
        await watchdog;
        await Promise.race([renewing, sleep(clock, this.#timing.interval)]);
        await Promise.race([this.#release(), sleep(clock, this.#timing.interval)]);
        log.info({ event: 'leader.ended', identity }, 'no longer leading');
      }
      await this.#pause(signal);
    }
  }

  async #watchdog(stop: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      const left = this.#renewedAt + this.#timing.deadline - clock.monotonic();
      if (left <= 0) this.#lose('the lease could not be renewed in time');
      if (stop.aborted) return;
      await sleep(clock, left, stop);
    }
  }

  #lose(why: string): void {
    const { log, identity } = this.#options;
    if (this.#leading) log.warn({ event: 'leader.lost', identity }, why);
    this.#leading = false;
    this.#lost?.abort();
  }

  #isAnothers(lease: Lease | undefined): boolean {
    const holder = lease?.spec.holderIdentity;
    return holder !== undefined && holder !== this.#options.identity;
  }

  async #renewUntil(stop: AbortSignal): Promise<void> {
    for (;;) {
      await this.#pause(stop);
      if (stop.aborted) return;
      await this.#tryAcquire();
    }
  }

  #pause(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    return sleep(clock, this.#timing.interval * (1 - 0.1 * random.next()), signal);
  }

  /** Takes or renews the lease; false where another has it or the API server does not answer. */
  async #tryAcquire(): Promise<boolean> {
    const { cluster, clock, log, identity, namespace, name } = this.#options;
    const { duration } = this.#timing;
    const started = clock.monotonic();
    try {
      const lease = await readLease(cluster, namespace, name);
      this.#see(lease);
      if (this.#leading && this.#isAnothers(lease)) {
        this.#lose('another has taken the lead over');
        return false;
      }
      if (!this.#mayTake(lease)) return false;
      const wanted = { namespace, name, identity, duration };
      const renewed = renewedLease(lease, wanted, clock.now());
      this.#see(await writeLease(cluster, lease, renewed, identity));
      this.#renewedAt = started;
      return true;
    } catch (error) {
      log.debug({ event: 'leader.attemptFailed', identity }, describeError(error));
      return false;
    }
  }

  #see(lease: Lease | undefined): void {
    const { clock } = this.#options;
    const changed = this.#seen?.lease?.metadata.resourceVersion !== lease?.metadata.resourceVersion;
    if (this.#seen === undefined || changed) this.#seen = { lease, at: clock.monotonic() };
  }

  #mayTake(lease: Lease | undefined): boolean {
    if (!this.#isAnothers(lease)) return true;
    return this.#options.clock.monotonic() - (this.#seen?.at ?? 0) >= this.#timing.duration;
  }

  async #release(): Promise<void> {
    const { cluster, log, identity, namespace, name } = this.#options;
    try {
      const lease = await readLease(cluster, namespace, name);
      if (lease?.spec.holderIdentity !== identity) return;
      await writeLease(cluster, lease, releasedLease(lease), identity);
    } catch (error) {
      log.debug({ event: 'leader.releaseFailed', identity }, describeError(error));
    }
  }
}
