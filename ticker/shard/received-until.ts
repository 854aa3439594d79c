export interface ReceivedUntilLimits {
  /** A process that did nothing for longer was stopped, or had no processor. Milliseconds. */
  readonly pause: number;
  /** What is read this long after such a pause was not waiting for it. Milliseconds. */
  readonly settle: number;
}

/** A frame, or the opening of the connection: on the monotonic clock in milliseconds, on the wall clock in microseconds. */
interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

/**
 * Until when everything that was sent on a connection has been received: the last frame with ticks. That a connection is
 * gone is noticed later, be it that it died in silence, stalled, or that nobody was there to notice. Heartbeats prove
 * nothing: on a stalled stream they go on.
 *
 * After a pause of the whole process the frames that waited meanwhile look as if they had just come. Where the connection
 * ends before others follow, what is missing may begin right after the last frame of before the pause. Pure.
 */
export class ReceivedUntil {
  readonly #limits: ReceivedUntilLimits;
  #last: Moment;
  #aliveAt: number;
  #pause: { readonly before: Moment; readonly resumedAt: number } | undefined;

  constructor(limits: ReceivedUntilLimits, opened: Moment) {
    this.#limits = limits;
    this.#last = opened;
    this.#aliveAt = opened.monotonic;
  }

  /** The process runs; say so at least every half pause. */
  alive(now: number): void {
    const before = this.#pause?.before ?? this.#last;
    if (now - this.#aliveAt > this.#limits.pause) this.#pause = { before, resumedAt: now };
    this.#aliveAt = now;
  }

  /** A frame with ticks. */
  heard(frame: Moment): void {
    this.alive(frame.monotonic);
    if (this.#pause !== undefined && frame.monotonic - this.#pause.resumedAt >= this.#limits.settle) {
      this.#pause = undefined;
    }
    this.#last = frame;
  }

  /** The answer, in microseconds on the wall clock: never after `now`, though that clock may have been set back. */
  at(now: Moment): number {
    const { wall, monotonic } = this.#pause?.before ?? this.#last;
    return wall <= now.wall ? wall : now.wall - (now.monotonic - monotonic) * 1000;
  }
}
