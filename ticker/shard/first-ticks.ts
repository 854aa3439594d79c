import type { Clock, Timer } from '../../runtime/clock.ts';

/**
 * A new owner claims with the first ticks of its connection, or a while after that was opened: until then a former owner
 * that lives, and is only not heard of, streams on.
 */
export class FirstTicks {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #ended: () => void;
  #timer: Timer | undefined;
  #over = false;

  /** @param most milliseconds @param ended ticks have come, or were waited for long enough */
  constructor(clock: Clock, most: number, ended: () => void) {
    this.#clock = clock;
    this.#most = most;
    this.#ended = ended;
  }

  /** There is nothing to wait for any more, on the connection that was opened last. */
  get over(): boolean {
    return this.#over;
  }

  /** A connection was opened. */
  begin(): void {
    this.stop();
    this.#over = false;
    this.#timer = this.#clock.setTimer(this.#most, () => this.end());
  }

  /** Ticks have come: the first ones end the wait. */
  end(): void {
    if (this.#timer === undefined) return;
    this.stop();
    this.#over = true;
    this.#ended();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
