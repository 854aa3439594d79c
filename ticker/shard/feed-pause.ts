import type { Clock, Timer } from '../../runtime/clock.ts';

export interface FeedPauseOptions {
  readonly clock: Clock;
  /** Milliseconds that a feed is left unread at most, and is read at least before it is left again. */
  readonly longest: number;
  /** How far memory is from where the spool begins to take from it (0) to where batches are dropped (1). */
  readonly pressure: () => number;
  /** Whether the spool takes what memory has no room for: else waiting would not help. */
  readonly spoolTakes: () => boolean;
  /** Leaves the feed unread, or reads on. */
  readonly pause: (paused: boolean) => void;
}

export interface FeedPauseCounters {
  /** Times that the feed was left unread. */
  readonly pauses: number;
  /** Milliseconds of those that are over. */
  readonly pausedMillis: number;
}

const pressed = 0.5;
const eased = 0.25;

/**
 * Leaves a feed unread for a moment while memory nears its bound and the spool is behind: what comes then waits in the
 * sockets, which is better than dropping it. For so short a time that no broker takes this for a reader that is too slow.
 */
export class FeedPause {
  readonly #options: FeedPauseOptions;
  /** Monotonic milliseconds since which it is left unread. */
  #since: number | undefined;
  #timer: Timer | undefined;
  #notBefore = 0;
  #pauses = 0;
  #pausedMillis = 0;

  constructor(options: FeedPauseOptions) {
    this.#options = options;
  }

  get counters(): FeedPauseCounters {
    return { pauses: this.#pauses, pausedMillis: this.#pausedMillis };
  }

  /** Batches came, or went to sink or spool. */
  look(): void {
    const { clock, longest, pressure, spoolTakes, pause } = this.#options;
    const now = clock.monotonic();
    if (this.#since !== undefined) {
      if (pressure() < eased || !spoolTakes()) this.stop();
      return;
    }
    if (pressure() <= pressed || now < this.#notBefore || !spoolTakes()) return;
    this.#since = now;
    this.#pauses++;
    this.#timer = clock.setTimer(longest, () => {
      this.stop();
      this.#notBefore = clock.monotonic() + longest;
    });
    pause(true);
  }

  /** Reads on. */
  stop(): void {
    if (this.#since === undefined) return;
    this.#timer?.cancel();
    this.#pausedMillis += this.#options.clock.monotonic() - this.#since;
    this.#since = undefined;
    this.#options.pause(false);
  }
}
