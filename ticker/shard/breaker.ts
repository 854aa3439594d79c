import { type BackoffPolicy, backoffDelay } from '../../runtime/backoff.ts';
import type { Random } from '../../runtime/random.ts';

/** `closed`: calls go through. `open`: none does. `halfOpen`: one does, and decides. */
export type BreakerState = 'closed' | 'open' | 'halfOpen';

export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** How long it stays open, by the probes that failed since it opened. */
  readonly rest: BackoffPolicy;
  readonly random: Random;
}

export interface BreakerSnapshot {
  readonly state: BreakerState;
  /** Times that it opened from closed. */
  readonly opened: number;
  /** Calls that it turned away. */
  readonly rejected: number;
}

/**
 * A circuit breaker (Nygard, "Release It!"): pure; times are monotonic milliseconds. What is called may be called again
 * without harm, so the probe is an ordinary call.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  #state: BreakerState = 'closed';
  #failures = 0;
  #probesFailed = 0;
  /** Counts changes of state: an answer to a call of before the last one decides nothing. */
  #period = 0;
  #opened = 0;
  #rejected = 0;
  /** A probe before its time was granted, and none has waited for its time since. */
  #hurried = false;
  /** When a probe may go through; meaningful while open. */
  retryAt = 0;
  /** What {@link retryAt} was before it was hurried. */
  #due = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  get state(): BreakerState {
    return this.#state;
  }

  get snapshot(): BreakerSnapshot {
    return { state: this.#state, opened: this.#opened, rejected: this.#rejected };
  }

  /** Whether a call may go through now. Its outcome is told with the ticket; undefined turns it away. */
  admit(now: number): number | undefined {
    if (this.#state === 'open' && now >= this.retryAt) {
      if (now >= this.#due) this.#hurried = false;
      this.#become('halfOpen');
      return this.#period;
    }
    if (this.#state === 'closed') return this.#period;
    this.#rejected++;
    return undefined;
  }

  /**
   * What is called can be reached again: the next probe need not wait. Once for each rest, so that what is reached again and
   * again, and answers nothing, is not called more than twice as often.
   */
  hurry(now: number): void {
    if (this.#state !== 'open' || this.#hurried) return;
    this.#hurried = true;
    this.retryAt = Math.min(this.retryAt, now);
  }

  /** The call with this ticket was answered. */
  succeeded(ticket: number): void {
    if (ticket !== this.#period) return;
    this.#failures = 0;
    if (this.#state !== 'halfOpen') return;
    this.#probesFailed = 0;
    this.#hurried = false;
    this.#become('closed');
  }

  /** The call with this ticket could not be answered. */
  failed(ticket: number, now: number): void {
    if (ticket !== this.#period) return;
    const { failures, rest, random } = this.#options;
    if (this.#state === 'closed' && ++this.#failures < failures) return;
    if (this.#state === 'closed') this.#opened++;
    else this.#probesFailed++;
    this.#failures = 0;
    this.#due = this.retryAt = now + backoffDelay(rest, this.#probesFailed, random);
    this.#become('open');
  }

  #become(state: BreakerState): void {
    this.#state = state;
    this.#period++;
  }
}
