import type { VirtualClock } from '../runtime/virtual-clock.ts';

/** Milliseconds by which time moves on at once. */
const step = 5;

/** Lets a virtual clock run while somebody waits, and stand still otherwise: a test's own steps take no time. */
export class DrivenTime {
  readonly #clock: VirtualClock;
  readonly #patience: number;
  #turn: Promise<void> | undefined;

  /** @param patience milliseconds of virtual time within which something has to come */
  constructor(clock: VirtualClock, patience = 300_000) {
    this.#clock = clock;
    this.#patience = patience;
  }

  /** What is promised, with time going on until it has come. */
  async during<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    const until = this.#clock.monotonic() + this.#patience;
    while (!settled) {
      if (this.#clock.monotonic() > until)
        throw new Error(`nothing came within ${this.#patience / 1000} s of virtual time`);
      await this.#step();
    }
    return promise;
  }

  /** Lets time go on until `check` does not throw. */
  async waitFor(check: () => void): Promise<void> {
    const until = this.#clock.monotonic() + this.#patience;
    for (;;) {
      try {
        check();
        return;
      } catch (error) {
        if (this.#clock.monotonic() > until) throw error;
      }
      await this.#step();
    }
  }

  /** The same object, except that time goes on while somebody waits for what its methods promise. */
  driven<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (of, key) => {
        const value: unknown = Reflect.get(of, key);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          const result: unknown = Reflect.apply(value, of, args);
          return result instanceof Promise ? this.during(result) : result;
        };
      },
    });
  }

  /** Those that wait at the same time share its going on. */
  #step(): Promise<void> {
    this.#turn ??= this.#clock.run(step).finally(() => {
      this.#turn = undefined;
    });
    return this.#turn;
  }
}
