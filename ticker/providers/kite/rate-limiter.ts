import type { Clock, Timer } from '../../../runtime/clock.ts';
import { rateLimited } from '../errors.ts';

export interface RateLimit {
  readonly perSecond: number;
  /** Requests that may go at once after a quiet time. */
  readonly burst: number;
}

/**
 * Arithmetic of a token bucket, as the generic cell rate algorithm has it (ITU-T I.371): one number, the time at which
 * the bucket would be full again. Pure: time is passed in.
 */
export class TokenBucket {
  readonly #interval: number;
  readonly #tolerance: number;
  #fullAt = Number.NEGATIVE_INFINITY;

  constructor(limit: RateLimit) {
    this.#interval = 1000 / limit.perSecond;
    this.#tolerance = (limit.burst - 1) * this.#interval;
  }

  /** Takes a token at `now` (milliseconds) and returns 0, or takes none and returns the milliseconds until there is one. */
  take(now: number): number {
    const wait = this.#fullAt - this.#tolerance - now;
    if (wait > 0) return wait;
    this.#fullAt = Math.max(this.#fullAt, now) + this.#interval;
    return 0;
  }
}

interface Waiting {
  readonly go: () => void;
}

/** Lets callers through at a rate, in the order in which they came. */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  readonly #name: string;
  readonly #maxWaiting: number;
  readonly #waiting: Waiting[] = [];
  #timer: Timer | undefined;

  /** @param maxWaiting callers that may wait; one more is refused */
  constructor(name: string, limit: RateLimit, maxWaiting: number, clock: Clock) {
    this.#name = name;
    this.#bucket = new TokenBucket(limit);
    this.#maxWaiting = maxWaiting;
    this.#clock = clock;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves when the caller may go. Throws `PROVIDER_RATE_LIMITED` where too many wait already, or the signal's reason. */
  async acquire(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#waiting.length === 0 && this.#bucket.take(this.#clock.monotonic()) === 0) return;
    if (this.#waiting.length >= this.#maxWaiting) {
      throw rateLimited(`${this.#maxWaiting} requests for ${this.#name} wait already`);
    }
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(signal.reason);
      };
      const entry: Waiting = {
        go: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(entry);
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#timer !== undefined) return;
    while (this.#waiting.length > 0) {
      const wait = this.#bucket.take(this.#clock.monotonic());
      if (wait > 0) {
        this.#timer = this.#clock.setTimer(wait, () => {
          this.#timer = undefined;
          this.#pump();
        });
        return;
      }
      this.#waiting.shift()!.go();
    }
  }
}
