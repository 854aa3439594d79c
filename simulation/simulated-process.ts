import type { Clock, Timer } from '../runtime/clock.ts';

export type ProcessState = 'running' | 'paused' | 'dead';

/**
 * An operating system's process as far as failures go: everything that reaches it from outside (timers, replies,
 * frames) passes {@link deliver}. Paused, it gets them later; dead, never again, so that not one more line of it runs.
 */
export class SimulatedProcess {
  readonly name: string;
  /** Its own view of time. */
  readonly clock: Clock;
  /** Milliseconds by which its wall clock is ahead. */
  wallError = 0;
  readonly #world: Clock;
  /** Its monotonic time runs this many times as fast as the world's since that moment. */
  #rate = 1;
  #since: { readonly world: number; readonly own: number };
  #state: ProcessState = 'running';
  /** When it started, or something last became of it or its time (the world's monotonic milliseconds). */
  #disturbedAt: number;
  readonly #late: (() => void)[] = [];

  constructor(name: string, clock: Clock) {
    this.name = name;
    this.#world = clock;
    this.#since = { world: clock.monotonic(), own: clock.monotonic() };
    this.#disturbedAt = clock.monotonic();
    this.clock = {
      now: () => clock.now() + this.wallError,
      monotonic: () => this.#monotonic(),
      setTimer: (delay, fire) => this.#setTimer(delay, fire),
    };
  }

  get state(): ProcessState {
    return this.#state;
  }

  get alive(): boolean {
    return this.#state !== 'dead';
  }

  /** Whether it runs, and has undisturbed since a moment of the world's monotonic time. */
  isSteady(since: number): boolean {
    return this.#state === 'running' && this.#rate === 1 && this.#disturbedAt <= since;
  }

  /** SIGKILL. */
  crash(): void {
    this.#state = 'dead';
    this.#late.length = 0;
  }

  /** Its time goes faster or slower; 0 stops it, as that of a virtual machine that is paused. */
  drift(rate: number): void {
    this.#since = { world: this.#world.monotonic(), own: this.#monotonic() };
    this.#rate = rate;
    this.#disturbedAt = this.#world.monotonic();
  }

  /** SIGSTOP. */
  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
    this.#disturbedAt = this.#world.monotonic();
  }

  /** SIGCONT: everything that came meanwhile is there at once, in order. */
  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    this.#disturbedAt = this.#world.monotonic();
    for (const act of this.#late.splice(0)) this.deliver(act);
  }

  /** Something arrives from outside. */
  deliver(act: () => void): void {
    if (this.#state === 'running') act();
    else if (this.#state === 'paused') this.#late.push(act);
  }

  /** A reply on its way to the process. */
  reply<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.deliver(() => resolve(value)),
        (error: unknown) => this.deliver(() => reject(error)),
      );
    });
  }

  #monotonic(): number {
    return this.#since.own + (this.#world.monotonic() - this.#since.world) * this.#rate;
  }

  /** Fires by the process's own time, however that goes meanwhile. */
  #setTimer(delay: number, fire: () => void): Timer {
    const due = this.#monotonic() + Math.max(0, delay);
    let cancelled = false;
    let timer: Timer;
    const act = (): void => {
      if (cancelled) return;
      if (this.#monotonic() < due) arm();
      else fire();
    };
    const arm = (): void => {
      // While its time stands still it is only looked at now and then whether it goes on.
      const exact = this.#rate === 1 && this.#since.own === this.#since.world;
      const left = this.#rate > 0 ? (due - this.#monotonic()) / this.#rate + (exact ? 0 : slack) : stoppedPoll;
      timer = this.#world.setTimer(left, () => this.deliver(act));
    };
    arm();
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }
}

/** Milliseconds after which a timer of a clock that is not the world's is due in spite of rounding. */
const slack = 1e-6;
/** Milliseconds between looks at a clock that stands still. */
const stoppedPoll = 100;
