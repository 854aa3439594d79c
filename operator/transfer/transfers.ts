import type { SubscriptionSlice } from '../../crds/index.ts';
import type { PlannedSlice } from '../planner/types.ts';
import { type Place, placesOf } from './places.ts';
import { Round, type TransferMemory } from './round.ts';
import type { Serving } from './serving.ts';

export interface Room {
  /** Instruments that fit on one connection. */
  readonly connection: number;
  /** Instruments that fit on the account as a whole. */
  readonly account: number;
}

export interface TransferWorld {
  /** Where everything is to be in the end. */
  readonly plan: readonly PlannedSlice[];
  /** Every slice that there is; those that end are among them. */
  readonly slices: readonly SubscriptionSlice[];
  /** Undefined of an account that is gone. */
  readonly room: (account: string) => Room | undefined;
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Since when this replica's own watch is live; undefined while it is not, and nothing is given up then. */
  readonly liveSince: number | undefined;
}

/** What one slice is to be for now, where that is not what is planned of it. */
export interface Passage {
  /** What it streams: its plan, less what has no room yet, and what is still to be streamed elsewhere. */
  readonly serving: Serving;
  /** What of it is held until it streams elsewhere. */
  readonly held: Serving;
  /** Tokens that another slice may still stream too, ascending. */
  readonly joining: readonly number[];
}

export interface Transfer {
  /** By the slice's id; absent for one that is to be as planned, or to go. */
  readonly passages: ReadonlyMap<string, Passage>;
  /** Milliseconds until the first instrument is given up where it was. */
  readonly wait: number | undefined;
}

const nothingSeen: TransferMemory = { joinedAt: new Map(), heldSince: new Map(), left: new Map() };

/**
 * Instruments that change their slice (PROTOCOL 6), one write a step: the instrument **joins** the new slice, is
 * **streaming** there by its owner's word, leaves the old slice, and joins no longer once the old one's owner reports the
 * generation without it. What to do next is read from the slices alone; what is remembered only shortens the waits.
 */
export class Transfers {
  #memory = nothingSeen;

  /** Whoever begins to lead waits anew. */
  forget(): void {
    this.#memory = nothingSeen;
  }

  decide(world: TransferWorld): Transfer {
    const places = placesOf(world.plan, world.slices);
    if (!places.some(moves)) {
      this.forget();
      return { passages: new Map(), wait: undefined };
    }
    const { passages, wait, memory } = new Round(world, places, this.#memory).decide();
    this.#memory = memory;
    return { passages, wait };
  }
}

/** Something that is streamed may go elsewhere, or has come from there. */
function moves({ changes, now, joining }: Place): boolean {
  return changes && (now.size > 0 || joining.size > 0);
}
