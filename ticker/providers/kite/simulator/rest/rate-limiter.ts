import type { SimulatorLimits } from '../limits.ts';

export type RequestKind = 'quote' | 'historical' | 'other';

/** Keys whose requests are remembered; there are as many as logins. */
const keyLimit = 1024;

/** At most so many requests of a kind in any one second, for each API key. */
export class RateLimiter {
  readonly #limits: SimulatorLimits;
  /** Times of the last second's requests, by kind and key. */
  readonly #recent = new Map<string, number[]>();

  constructor(limits: SimulatorLimits) {
    this.#limits = limits;
  }

  /** True when the request may go on; one that may not does not count. @param now milliseconds, monotonic */
  allow(apiKey: string, kind: RequestKind, now: number): boolean {
    const requests = this.#limits.requests;
    if (requests === false) return true;
    const key = `${kind}:${apiKey}`;
    const recent = (this.#recent.get(key) ?? []).filter((time) => now - time < 1000);
    const allowed = recent.length < requests[kind];
    if (allowed) recent.push(now);
    if (this.#recent.size >= keyLimit && !this.#recent.has(key)) this.#recent.clear();
    this.#recent.set(key, recent);
    return allowed;
  }
}
