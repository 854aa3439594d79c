import type { Gap } from '../delivery.ts';
import type { HeldBatch } from './backlog.ts';

/** Calls that are remembered after the sink accepted them. */
export const acceptedCallsRemembered = 1024;

interface Accepted {
  readonly n: number;
  /** Each set's ticks and their receive times. */
  readonly sets: ReadonlyMap<string, { readonly ticks: number; readonly from: number; readonly to: number }>;
}

/** What the newest accepted calls held, so that a sink which lost them can be told exactly what it lacks. */
export class AcceptedLog {
  #calls: Accepted[] = [];

  add(n: number, held: readonly HeldBatch[]): void {
    const sets = new Map<string, { ticks: number; from: number; to: number }>();
    for (const { batch, set } of held) {
      const known = sets.get(set.uid);
      sets.set(set.uid, {
        ticks: (known?.ticks ?? 0) + batch.count,
        from: known?.from ?? batch.firstReceived,
        to: batch.lastReceived,
      });
    }
    this.#calls.push({ n, sets });
    if (this.#calls.length >= acceptedCallsRemembered * 2) this.#calls = this.#calls.slice(-acceptedCallsRemembered);
  }

  /** The gap of each set that losing every call after `n` makes. Without `ticks` where some are remembered no longer. */
  after(n: number): Map<string, Gap> {
    const gaps = new Map<string, Gap>();
    const exact = this.#calls.length === 0 || this.#calls[0]!.n <= n + 1;
    for (const call of this.#calls) {
      if (call.n <= n) continue;
      for (const [uid, { ticks, from, to }] of call.sets) {
        const gap = gaps.get(uid);
        gaps.set(uid, {
          from: gap?.from ?? from,
          to,
          why: 'redis',
          ...(exact ? { ticks: (gap?.ticks ?? 0) + ticks } : {}),
        });
      }
    }
    return gaps;
  }
}
