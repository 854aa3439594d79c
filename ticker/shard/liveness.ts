import type { WatchdogLimits } from './subscriptions.ts';

/** Packets after which an instrument's usual interval is believed. */
const habitPackets = 8;
/** Weight of the newest interval in the habit. */
const habitWeight = 0.1;

/**
 * How old one instrument's data may get before its subscription is doubted, judged by its own habit: an open connection
 * is not a stream that lives, and a quiet market is not a dead one. Times are monotonic milliseconds.
 */
export class Liveness {
  /** When the last packet came; when it was subscribed, before the first. */
  last: number;
  #packets = 0;
  /** Usual interval between packets. */
  #habit = 0;
  #asked: number;
  attempts = 0;
  /** Of these, the ones in a row that nothing followed. */
  unanswered = 0;

  constructor(subscribedAt: number) {
    this.last = subscribedAt;
    this.#asked = subscribedAt;
  }

  heard(now: number): void {
    // The answer to a renewed subscription is a cached value: it shows that the broker still knows the subscription,
    // not that the instrument trades, so its interval is no habit and the patience stays.
    const answer = this.attempts > 0 && this.#asked >= this.last;
    if (this.#packets > 0 && !answer) {
      const interval = now - this.last;
      this.#habit = this.#packets === 1 ? interval : this.#habit + habitWeight * (interval - this.#habit);
      this.attempts = 0;
    }
    this.#packets++;
    this.last = now;
    this.unanswered = 0;
  }

  overdue(now: number, flowing: boolean, limits: WatchdogLimits): boolean {
    if (this.#packets === 0) {
      if (this.attempts >= limits.resubscribeAttempts) return false;
      return now - this.#asked >= limits.firstPacket * 2 ** this.attempts;
    }
    if (this.#packets < habitPackets || !flowing) return false;
    const patience = Math.max(limits.silentAtLeast, limits.silentIntervals * this.#habit) * 2 ** this.attempts;
    return (
      now - Math.max(this.last, this.#asked) >= Math.min(patience, Math.max(limits.quietAtMost, limits.silentAtLeast))
    );
  }

  /** Nothing is expected of it now: its exchange is closed. */
  rest(now: number): void {
    this.last = now;
    this.#asked = now;
    this.attempts = 0;
    this.unanswered = 0;
  }

  /** It was subscribed again. */
  asked(now: number): void {
    this.#asked = now;
    this.attempts++;
    this.unanswered++;
  }
}
