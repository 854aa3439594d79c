import type { Mode } from '../../../../crds/index.ts';

export interface Subscription {
  mode: Mode;
  /** The cached last value is still to be sent. */
  first: boolean;
  /** Lost by a fault: it counts, and nothing comes. */
  lost: boolean;
  /** How often it was subscribed. */
  times: number;
}

/** What one connection has subscribed, in order of subscribing. */
export class Subscriptions {
  readonly #byToken = new Map<number, Subscription>();
  #counted = 0;

  get size(): number {
    return this.#byToken.size;
  }

  /** What counts against the limit: a token counts each time it was subscribed, though its ticks come once. */
  get counted(): number {
    return this.#counted;
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
   * @param limit {@link counted} at most
   * @param lostShare share of them that a fault loses
   * @returns how many were refused because of the limit; those before stay
   */
  subscribe(tokens: readonly number[], limit: number, lostShare: number): number {
    let index = 0;
    let refused = 0;
    for (const token of tokens) {
      if (this.#counted >= limit) {
        refused += 1;
        continue;
      }
      const known = this.#byToken.get(token);
      const subscription = known ?? { mode: 'quote', first: true, lost: false, times: 0 };
      subscription.times += 1;
      subscription.first = true;
      subscription.lost = isLost(index++, lostShare);
      if (known === undefined) this.#byToken.set(token, subscription);
      this.#counted += 1;
    }
    return refused;
  }

  unsubscribe(tokens: readonly number[]): void {
    for (const token of tokens) {
      this.#counted -= this.#byToken.get(token)?.times ?? 0;
      this.#byToken.delete(token);
    }
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
