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
  #state: ProcessState = 'running';
  readonly #late: (() => void)[] = [];

  constructor(name: string, clock: Clock) {
    this.name = name;
    this.clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      setTimer: (delay, fire) => this.#setTimer(clock, delay, fire),
    };
  }

  get state(): ProcessState {
    return this.#state;
  }

  get alive(): boolean {
    return this.#state !== 'dead';
  }

  /** SIGKILL. */
  crash(): void {
    this.#state = 'dead';
    this.#late.length = 0;
  }

  /** SIGSTOP. */
  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  /** SIGCONT: everything that came meanwhile is there at once, in order. */
  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
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

  #setTimer(clock: Clock, delay: number, fire: () => void): Timer {
    let cancelled = false;
    const act = (): void => {
      if (!cancelled) fire();
    };
    const timer = clock.setTimer(delay, () => this.deliver(act));
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }
}
