import type { Gap } from '../delivery.ts';
import type { HeldBatch } from './backlog.ts';

/** Calls that are remembered after the sink accepted them. */
export const acceptedCallsRemembered = 1024;

/**
 * What the newest accepted calls held, so that a sink which lost them can be told exactly what it lacks. In columns: objects
 * that are remembered for as many calls would all come to the old generation, and be collected whole.
 */
export class AcceptedLog {
  /** Of each call: its number, and where its rows end. */
  #numbers: number[] = [];
  #ends: number[] = [];
  /** A row for each set of a call: its ticks and their receive times. */
  #uids: string[] = [];
  #ticks: number[] = [];
  #from: number[] = [];
  #to: number[] = [];

  add(n: number, held: readonly HeldBatch[]): void {
    const first = this.#uids.length;
    for (const { batch, set } of held) {
      const known = this.#uids.indexOf(set.uid, first);
      const row = known < 0 ? this.#uids.length : known;
      this.#uids[row] = set.uid;
      this.#ticks[row] = (known < 0 ? 0 : this.#ticks[known]!) + batch.count;
      this.#from[row] = known < 0 ? batch.firstReceived : this.#from[known]!;
      this.#to[row] = batch.lastReceived;
    }
    this.#numbers.push(n);
    this.#ends.push(this.#uids.length);
    if (this.#numbers.length >= acceptedCallsRemembered * 2)
      this.#forget(this.#numbers.length - acceptedCallsRemembered);
  }

  /** The gap of each set that losing every call after `n` makes. Without `ticks` where some are remembered no longer. */
  after(n: number): Map<string, Gap> {
    const gaps = new Map<string, Gap>();
    const exact = this.#numbers.length === 0 || this.#numbers[0]! <= n + 1;
    let row = 0;
    this.#numbers.forEach((number, call) => {
      const end = this.#ends[call]!;
      for (; row < end; row++) {
        if (number <= n) continue;
        const uid = this.#uids[row]!;
        const gap = gaps.get(uid);
        gaps.set(uid, {
          from: gap?.from ?? this.#from[row]!,
          to: this.#to[row]!,
          why: 'redis',
          ...(exact ? { ticks: (gap?.ticks ?? 0) + this.#ticks[row]! } : {}),
        });
      }
    });
    return gaps;
  }

  /** The oldest so many calls. */
  #forget(calls: number): void {
    const rows = this.#ends[calls - 1]!;
    this.#numbers = this.#numbers.slice(calls);
    this.#ends = this.#ends.slice(calls).map((end) => end - rows);
    this.#uids = this.#uids.slice(rows);
    this.#ticks = this.#ticks.slice(rows);
    this.#from = this.#from.slice(rows);
    this.#to = this.#to.slice(rows);
  }
}
