import { leaseDuration } from './lease.ts';

/** Milliseconds without a renewal of one's own lease in one's own watch after which that watch does not count as live. */
export const liveWithin = 2_000;

/** An outage of the watch for longer than this (milliseconds) comes back node by node: others may reach the API server later. */
const longOutage = 10_000;
/**
 * Milliseconds that holders are given beyond the usual wait after such an outage, or as long as it was where that is less: a
 * node's kube-proxy, by which its pods find the API server, waits up to 60 s between two attempts (client-go's
 * reflector: 30 s, lengthened by jitter to up to twice that). 34 s were seen.
 */
const mostGrace = 60_000;

/** Holders that are watched at most; beyond, the one that was not heard of for longest is forgotten. */
const maxHolders = 10_000;

export interface SuspicionOptions {
  /** Milliseconds unrenewed, seen by a live watch, after which a holder is suspect. */
  readonly suspectAfter?: number;
  readonly liveWithin?: number;
}

/**
 * Which holders of leases are suspect (PROTOCOL 5): unrenewed for 3 s of time in which this replica's own watch was
 * live, as its own lease's renewals show in that same watch. An outage of the watch restarts every wait, later after a
 * long one. A suspicion may be false; it costs a move, never a tick.
 *
 * Pure: every method is told the time, in milliseconds of one monotonic clock. No holder's clock is read.
 */
export class Suspicion {
  readonly #suspectAfter: number;
  readonly #liveWithin: number;
  /** When each holder was last seen to renew, or its wait was restarted; the longest silent first. */
  readonly #heard = new Map<string, number>();
  readonly #suspects = new Set<string>();
  /** Up to when the watch is known to have been live. */
  #liveUntil: number | undefined;
  #liveFrom = 0;

  constructor(options: SuspicionOptions = {}) {
    this.#suspectAfter = options.suspectAfter ?? leaseDuration;
    this.#liveWithin = options.liveWithin ?? liveWithin;
  }

  /** A renewal of this replica's own lease arrived through its watch. */
  ownRenewal(now: number): void {
    const outage = this.#liveUntil === undefined || now - this.#liveUntil > this.#liveWithin;
    if (outage) {
      const from = now + graceAfter(this.#liveUntil === undefined ? 0 : now - this.#liveUntil);
      this.#liveFrom = now;
      for (const holder of this.#heard.keys()) this.#heard.set(holder, from);
    }
    this.#liveUntil = now;
    for (const [holder, since] of this.#heard) {
      if (now - since >= this.#suspectAfter) this.#suspects.add(holder);
    }
  }

  /** A holder's lease was seen new or renewed. @param holder its identity, `<shard>/<pod UID>` */
  renewed(holder: string, now: number): void {
    this.#heard.delete(holder);
    this.#heard.set(holder, now);
    this.#suspects.delete(holder);
    const oldest = this.#heard.keys().next();
    if (this.#heard.size > maxHolders && oldest.done !== true) this.forget(oldest.value);
  }

  /** The kubelet said that the holder's container ended: suspect at once, until it renews. */
  ended(holder: string, now: number): void {
    if (!this.#heard.has(holder)) this.#heard.set(holder, now);
    this.#suspects.add(holder);
  }

  /** The holder's lease is gone. */
  forget(holder: string): void {
    this.#heard.delete(holder);
    this.#suspects.delete(holder);
  }

  isSuspect(holder: string): boolean {
    return this.#suspects.has(holder);
  }

  get suspects(): readonly string[] {
    return [...this.#suspects];
  }

  /** Since when this replica's own watch has been live without a break; undefined while it is not. */
  liveSince(now: number): number | undefined {
    return this.isLive(now) ? this.#liveFrom : undefined;
  }

  /** Whether suspicion can be raised now: this replica's own watch shows its own renewals. */
  isLive(now: number): boolean {
    return this.#liveUntil !== undefined && now - this.#liveUntil <= this.#liveWithin;
  }
}

function graceAfter(outage: number): number {
  return outage > longOutage ? Math.min(outage, mostGrace) : 0;
}
