import type { Token } from '../../crds/index.ts';
import { compareTokens } from '../sinks/token.ts';
import type { CallLane } from './call-lane.ts';
import type { HeldBatches } from './held-batches.ts';

/** The fence knows the 16 newest tokens; past that the oldest lane is discarded, and counted. */
const maxLateLanes = 16;

/** What tokens left that the sink has refused: it goes on under their own numbers, marked, the oldest first. */
export class LateLanes {
  readonly #held: HeldBatches;
  readonly #lanes: CallLane[] = [];
  /** Of a successor that may be named again: not given up as late yet. */
  #parked: CallLane | undefined;

  constructor(held: HeldBatches) {
    this.#held = held;
  }

  get empty(): boolean {
    return this.#lanes.length === 0;
  }

  /** Oldest first. */
  get all(): readonly CallLane[] {
    return this.#lanes;
  }

  /** The one whose turn it is. */
  get sends(): CallLane | undefined {
    return this.#lanes.find((lane) => lane !== this.#parked);
  }

  of(token: Token): CallLane | undefined {
    return this.#lanes.find((lane) => compareTokens(lane.token, token) === 0);
  }

  add(lane: CallLane): void {
    if (this.#lanes.includes(lane)) return;
    this.#lanes.push(lane);
    if (this.#lanes.length > maxLateLanes) this.discard(this.#lanes[0]!);
    this.dropEmpty();
  }

  /** It waits until another has delivered, or it is named again. */
  park(lane: CallLane): void {
    this.#parked = lane;
  }

  unpark(): void {
    this.#parked = undefined;
  }

  /** Takes away the lane that waits to be named again, where `last` says that the sink has accepted nothing since its last call. */
  resumeParked(last: Token | undefined): CallLane | undefined {
    const parked = this.#parked;
    this.#parked = undefined;
    if (parked === undefined || last === undefined || compareTokens(last, parked.token) !== 0) return undefined;
    const at = this.#lanes.indexOf(parked);
    if (at >= 0) this.#lanes.splice(at, 1);
    return parked;
  }

  /** Nobody will get what is left of it. */
  discard(lane: CallLane): void {
    const backlog = lane.takeBack(false);
    for (let held = backlog.shift(); held !== undefined; held = backlog.shift()) this.#held.discard(held);
    this.dropEmpty();
  }

  dropEmpty(): void {
    for (let i = this.#lanes.length - 1; i >= 0; i--) {
      const lane = this.#lanes[i]!;
      if (lane.empty && lane.inFlight === 0) this.#lanes.splice(i, 1);
    }
  }

  clear(): void {
    for (const lane of [...this.#lanes]) this.discard(lane);
    this.#lanes.length = 0;
  }
}
