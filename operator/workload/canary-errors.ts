import type { PodCounts } from './pod-metrics.ts';

interface Counted {
  readonly first: number;
  readonly at: number;
  last: number;
}

/** Errors are taken as a rate over a minute at least, so that the first one is no flood. */
const leastMinutes = 1;

/** Errors a minute of the pod that is watched and of the others, since the watch began. */
export class CanaryErrors {
  readonly #pods = new Map<string, Counted>();
  #watch: string | undefined;

  /** @param watch which watch it is; another one begins anew @param now milliseconds */
  observe(watch: string, counts: ReadonlyMap<string, PodCounts>, now: number): void {
    if (watch !== this.#watch) this.#pods.clear();
    this.#watch = watch;
    for (const [pod, { errors }] of counts) {
      const known = this.#pods.get(pod);
      // A counter that fell began anew with its container.
      if (known === undefined || errors < known.last) this.#pods.set(pod, { first: errors, at: now, last: errors });
      else known.last = errors;
    }
  }

  /** Undefined while nothing is known of `canary`. */
  rates(canary: string, now: number): { readonly canary: number; readonly others: number } | undefined {
    const own = this.#pods.get(canary);
    if (own === undefined) return undefined;
    const others = [...this.#pods].filter(([pod]) => pod !== canary).map(([, counted]) => rate(counted, now));
    const mean = others.length === 0 ? 0 : others.reduce((sum, each) => sum + each, 0) / others.length;
    return { canary: rate(own, now), others: mean };
  }
}

function rate({ first, last, at }: Counted, now: number): number {
  return (last - first) / Math.max(leastMinutes, (now - at) / 60_000);
}
