import type { Mode } from '../../../../crds/index.ts';

export interface Subscription {
  mode: Mode;
  /** The cached last value is still to be sent. */
  first: boolean;
  /** Lost by a fault: it counts, and nothing comes. */
  lost: boolean;
}

/** What one connection has subscribed, in order of subscribing. */
export class Subscriptions {
  readonly #byToken = new Map<number, Subscription>();

  get size(): number {
    return this.#byToken.size;
  }

  has(token: number): boolean {
    return this.#byToken.has(token);
  }

  entries(): IterableIterator<[number, Subscription]> {
    return this.#byToken.entries();
  }

  /** Mode of each token. */
  modes(): Map<number, Mode> {
    return new Map([...this.#byToken].map(([token, { mode }]) => [token, mode]));
  }

  /**
   * Subscribes in mode quote; a token that is subscribed keeps its mode and gets its cached value again.
   *
   * @param limit tokens at most
   * @param lostShare share of them that a fault loses
   * @returns how many were refused because of the limit; those before stay
   */
  subscribe(tokens: readonly number[], limit: number, lostShare: number): number {
    let index = 0;
    let refused = 0;
    for (const token of tokens) {
      const known = this.#byToken.get(token);
      if (known !== undefined) {
        known.lost = isLost(index++, lostShare);
        known.first = true;
      } else if (this.#byToken.size >= limit) {
        refused += 1;
      } else {
        this.#byToken.set(token, { mode: 'quote', first: true, lost: isLost(index++, lostShare) });
      }
    }
    return refused;
  }

  unsubscribe(tokens: readonly number[]): void {
    for (const token of tokens) this.#byToken.delete(token);
  }

  /** Tokens that are not subscribed are passed over. */
  setMode(tokens: readonly number[], mode: Mode): void {
    for (const token of tokens) {
      const subscription = this.#byToken.get(token);
      if (subscription === undefined) continue;
      subscription.mode = mode;
      subscription.first = true;
    }
  }

  /** Loses a share of what is subscribed now; returns how many. */
  lose(share: number): number {
    let index = 0;
    let lost = 0;
    for (const subscription of this.#byToken.values()) {
      subscription.lost = isLost(index++, share);
      if (subscription.lost) lost += 1;
    }
    return lost;
  }
}

/** Spreads the lost ones evenly: with a share of 0.5, every second. */
function isLost(index: number, share: number): boolean {
  return Math.floor((index + 1) * share) > Math.floor(index * share);
}
