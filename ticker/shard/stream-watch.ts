import type { ShardLimits } from './limits.ts';

type StreamLimits = Pick<
  ShardLimits,
  'firstPacket' | 'silentIntervals' | 'silentAtLeast' | 'stalledAtLeast' | 'probeAnswer' | 'quietAtMost'
>;

/** Frames after which the stream's usual interval is believed, and the newest interval's weight in it. */
const habitFrames = 8;
const habitWeight = 0.1;

/**
 * - `live`: ticks come, or may still come.
 * - `probe`: subscribe a few instruments again now; a broker answers with their cached values, whatever the hour.
 * - `dead`: nothing came, not even that: open the connection again.
 */
export type StreamVerdict = 'live' | 'probe' | 'dead';

/**
 * Tells a quiet market from a connection that is open and dead, by data age against the stream's own habit. A probe that
 * is answered doubles the patience, so that a closed market costs a handful of messages and no reconnect. Times are
 * monotonic milliseconds. Pure.
 */
export class StreamWatch {
  readonly #limits: StreamLimits;
  /** When ticks came last that nobody asked for; when it was subscribed, before the first. */
  #last: number;
  #frames = 0;
  #habit = 0;
  #probedAt: number | undefined;
  #answered = false;
  #probes = 0;

  constructor(limits: StreamLimits, subscribedAt: number) {
    this.#limits = limits;
    this.#last = subscribedAt;
  }

  /** Whether ticks come at the stream's usual pace. */
  flowing(now: number): boolean {
    return this.#frames > 0 && now - this.#last < this.#patience();
  }

  /** A frame with ticks arrived. */
  heard(now: number): void {
    if (this.#probedAt !== undefined) {
      this.#answered = true;
      return;
    }
    if (this.#frames > 0) {
      const interval = now - this.#last;
      // The silence that was probed is no interval of the habit.
      if (this.#probes === 0) {
        this.#habit = this.#frames === 1 ? interval : this.#habit + habitWeight * (interval - this.#habit);
      }
    }
    this.#frames++;
    this.#probes = 0;
    this.#last = now;
  }

  /** New instruments were subscribed where there were none: the wait for ticks starts now. */
  subscribed(now: number): void {
    if (this.#frames === 0) this.#last = now;
  }

  /** No ticks are expected: every exchange is closed. The wait for them starts with the session. */
  rest(now: number): void {
    this.#last = now;
    this.#probedAt = undefined;
    this.#probes = 0;
  }

  judge(now: number): StreamVerdict {
    if (this.#probedAt !== undefined) {
      if (now - this.#probedAt < this.#limits.probeAnswer) return 'live';
      this.#probedAt = undefined;
      if (!this.#answered) return 'dead';
      this.#last = now;
      return 'live';
    }
    if (now - this.#last < this.#patience()) return 'live';
    this.#probedAt = now;
    this.#answered = false;
    this.#probes++;
    return 'probe';
  }

  #patience(): number {
    const { firstPacket, silentIntervals, silentAtLeast, stalledAtLeast, quietAtMost } = this.#limits;
    if (this.#frames === 0 && this.#probes === 0) return firstPacket;
    const usual = this.#frames < habitFrames ? silentAtLeast : silentIntervals * this.#habit;
    return Math.min(Math.max(stalledAtLeast, usual) * 2 ** this.#probes, Math.max(quietAtMost, stalledAtLeast));
  }
}
