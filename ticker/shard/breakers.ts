import { Breaker, type BreakerOptions, type BreakerSnapshot, type BreakerState } from './breaker.ts';

/** Milliseconds after which a place that nobody calls is forgotten: whoever serves a slice calls more often. */
const forgottenAfter = 10_000;
const worst: readonly BreakerState[] = ['open', 'halfOpen', 'closed'];

interface Place {
  readonly breaker: Breaker;
  usedAt: number;
}

/**
 * A circuit breaker for each part of a sink that may fail by itself, such as a server of a cluster. Pure; times are
 * monotonic milliseconds.
 */
export class Breakers {
  readonly #options: BreakerOptions;
  readonly #places = new Map<string, Place>();
  #forgotten = { opened: 0, rejected: 0 };

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  at(name: string, now: number): Breaker {
    let place = this.#places.get(name);
    if (place === undefined) {
      this.#forget(now);
      place = { breaker: new Breaker(this.#options), usedAt: now };
      this.#places.set(name, place);
    }
    place.usedAt = now;
    return place.breaker;
  }

  /** The one of a place that has been called. */
  find(name: string): Breaker | undefined {
    return this.#places.get(name)?.breaker;
  }

  /** All of them as one: the state that is farthest from closed, and the sums. */
  snapshot(now: number): BreakerSnapshot {
    this.#forget(now);
    const snapshots = [...this.#places.values()].map(({ breaker }) => breaker.snapshot);
    return {
      state: worst.find((each) => snapshots.some(({ state }) => state === each)) ?? 'closed',
      opened: snapshots.reduce((sum, { opened }) => sum + opened, this.#forgotten.opened),
      rejected: snapshots.reduce((sum, { rejected }) => sum + rejected, this.#forgotten.rejected),
    };
  }

  /** The breaker of a server that has left would stay open for ever. */
  #forget(now: number): void {
    for (const [name, { breaker, usedAt }] of this.#places) {
      if (now - usedAt <= forgottenAfter) continue;
      this.#places.delete(name);
      this.#forgotten.opened += breaker.snapshot.opened;
      this.#forgotten.rejected += breaker.snapshot.rejected;
    }
  }
}
