import type { Gap } from '../delivery.ts';

/** Knows since when nothing is received, and tells of it once it is known until when. Times are microseconds since the epoch. */
export class SliceGaps {
  readonly #tell: (gap: Gap) => void;
  /** Until when all was received or, after a rest, the session that it is needed for opens. */
  #lostAt: number | undefined;
  /** The open gap was made on purpose, after the grace. */
  #detached = false;

  constructor(tell: (gap: Gap) => void) {
    this.#tell = tell;
  }

  /** The connection is given up for want of anybody to hear from: the gap that begins says so. */
  detached(): void {
    this.#detached = true;
  }

  /** The connection is gone, and all was received until `at`; where a gap is open already, it goes on. */
  lost(at: number): void {
    this.#lostAt ??= at;
  }

  /** Connected and subscribed at `at`; in time for a session, nothing is missing. */
  opened(at: number): void {
    if (this.#lostAt !== undefined && at <= this.#lostAt) this.#lostAt = undefined;
  }

  /** Ticks were received, or a rest began: the gap, if there was one, ends. */
  end(at: number): void {
    if (this.#lostAt === undefined) return;
    const why = this.#detached ? 'detached' : 'reconnect';
    this.#tell({ from: Math.round(Math.min(this.#lostAt, at)), to: Math.round(at), why });
    this.#lostAt = undefined;
    this.#detached = false;
  }

  /** It connects for a session that opens at `at`: what comes before is no gap. */
  waitFor(at: number): void {
    this.#lostAt = at;
  }

  /** Another receives it now: what is missing here is missing to nobody. */
  forget(): void {
    this.#lostAt = undefined;
  }
}
