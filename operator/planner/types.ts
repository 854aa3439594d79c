import type { Mode, ShardIdentity } from '../../crds/index.ts';
import type { BalanceOptions } from './balance.ts';

/** One instrument that a set wants. */
export interface DemandedInstrument {
  /** The provider's instrument token, unique within a market. */
  readonly token: number;
  /** Expected ticks a second; what placements are balanced by. */
  readonly rate: number;
  /** Token of an option's underlying: streamed on every account that streams the option. */
  readonly underlying?: number | undefined;
}

/** What one set wants of one market. A set that spans markets has one of these for each. */
export interface SetDemand {
  /** `namespace/name`. */
  readonly set: string;
  /** When the set was created (RFC 3339): the older set is served first when capacity is short. */
  readonly created: string;
  readonly market: string;
  readonly mode: Mode;
  /**
   * Ids of the accounts of this market that may stream it. Sets that may use the same accounts should share one array:
   * the planner keeps one pool of accounts for each array.
   */
  readonly accounts: readonly string[];
  readonly instruments: readonly DemandedInstrument[];
}

/** One login that instruments can be placed on. */
export interface PlannerAccount {
  /** `namespace/name`. */
  readonly id: string;
  /** Accounts of one market (provider and endpoint) share an instrument master. */
  readonly market: string;
  readonly connections: number;
  readonly instrumentsPerConnection: number;
  /** Bound over all connections together. */
  readonly instruments?: number | undefined;
  /**
   * `usable`; `impaired`: takes nothing new, and what it holds goes to other accounts as far as they have room (the rest
   * stays, so that it streams again as soon as the account does); `unusable`: holds nothing.
   */
  readonly state: 'usable' | 'impaired' | 'unusable';
}

export interface PlannerShard {
  readonly identity: ShardIdentity;
  /** `ready` takes accounts; from `draining` and `suspect` ones they are moved where there is a ready shard to take them. */
  readonly state: 'ready' | 'draining' | 'suspect';
}

/** Instruments of a slice that serve the same sets in the same mode. */
export interface PlacedGroup {
  /** `namespace/name` of each, sorted; empty for an underlying that is streamed only for its options. */
  readonly sets: readonly string[];
  readonly mode: Mode;
  /** Ascending. */
  readonly tokens: readonly number[];
}

/** One connection of one account, as it stands. */
export interface CurrentSlice {
  readonly account: string;
  readonly connection: number;
  readonly owner?: ShardIdentity | undefined;
  /** A successor of the owner that warms up: the account is on its way there. */
  readonly next?: ShardIdentity | undefined;
  readonly groups: readonly PlacedGroup[];
}

export interface PlanInput {
  readonly demand: readonly SetDemand[];
  readonly accounts: readonly PlannerAccount[];
  readonly shards: readonly PlannerShard[];
  readonly current: readonly CurrentSlice[];
  /** Present where accounts may be moved for balance alone: nothing else moves, and no shard is about to come or go. */
  readonly balance?: BalanceOptions | undefined;
}

/** A slice as it should be. A slice that is not in the plan should go. */
export interface PlannedSlice extends CurrentSlice {
  /** Expected ticks a second. */
  readonly rate: number;
}

export type UnplacedReason =
  /** No account of this market lets the set use it. */
  | 'NoAccount'
  /** There are such accounts, and none of them is usable. */
  | 'NoUsableAccount'
  /** The usable ones are full. */
  | 'NoCapacity';

export interface Unplaced {
  readonly set: string;
  readonly market: string;
  readonly token: number;
  readonly reason: UnplacedReason;
}

export type Move =
  | { readonly kind: 'instrument'; readonly token: number; readonly from: string; readonly to: string }
  | {
      readonly kind: 'account';
      readonly account: string;
      readonly from: ShardIdentity;
      readonly to: ShardIdentity;
    };

export interface Plan {
  /** Sorted by account and connection. */
  readonly slices: readonly PlannedSlice[];
  /** Sorted by set and token. */
  readonly unplaced: readonly Unplaced[];
  readonly moves: readonly Move[];
}

/** Order of plain strings by code unit: the same everywhere, unlike a locale's. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
