import { nameOwners, type Placement, placeInstruments } from './planner.ts';
import type { CurrentSlice, PlacedGroup, Plan, PlanInput, PlannerAccount, SetDemand } from './types.ts';

type PlacementInput = Omit<PlanInput, 'shards'>;

/**
 * A planner that remembers its last placement. Instruments are placed anew only when demand, accounts or what is placed
 * have changed; when only shards have, or the plan has been carried out, the placement stands, and naming owners is all
 * that is left. It gives what `plan` gives.
 */
export class MemoPlanner {
  #input: PlacementInput | undefined;
  #placement: Placement | undefined;
  /** Placements made, and those that stood. */
  readonly counts = { placed: 0, stood: 0 };

  plan(input: PlanInput): Plan {
    return nameOwners(this.#place(input), input);
  }

  #place(input: PlacementInput): Placement {
    const before = this.#input;
    const last = this.#placement;
    if (before !== undefined && last !== undefined && sameWants(before, input)) {
      if (sameSlices(before.current, input.current)) {
        this.counts.stood++;
        this.#input = input;
        return last;
      }
      // Planning again with a plan as `current` changes nothing: a law of the planner.
      if (sameSlices(last.slices, input.current)) {
        this.counts.stood++;
        this.#input = input;
        this.#placement = last.moves.length === 0 ? last : { ...last, moves: [] };
        return this.#placement;
      }
    }
    this.counts.placed++;
    this.#input = input;
    this.#placement = placeInstruments(input);
    return this.#placement;
  }
}

function sameWants(a: PlacementInput, b: PlacementInput): boolean {
  if (a.demand.length !== b.demand.length || a.accounts.length !== b.accounts.length) return false;
  if (!a.accounts.every((account, n) => sameAccount(account, b.accounts[n]!))) return false;
  // Sets that may use the same accounts share one array: each pair of arrays is compared once.
  const equal = new Map<readonly string[], readonly string[]>();
  return a.demand.every((demand, n) => sameDemand(demand, b.demand[n]!, equal));
}

function sameAccount(a: PlannerAccount, b: PlannerAccount): boolean {
  return (
    a === b ||
    (a.id === b.id &&
      a.market === b.market &&
      a.state === b.state &&
      a.connections === b.connections &&
      a.instrumentsPerConnection === b.instrumentsPerConnection &&
      a.instruments === b.instruments)
  );
}

function sameDemand(a: SetDemand, b: SetDemand, equal: Map<readonly string[], readonly string[]>): boolean {
  if (a === b) return true;
  if (a.set !== b.set || a.created !== b.created || a.market !== b.market || a.mode !== b.mode) return false;
  if (a.instruments !== b.instruments) return false;
  if (a.accounts === b.accounts || equal.get(a.accounts) === b.accounts) return true;
  if (!sameItems(a.accounts, b.accounts)) return false;
  equal.set(a.accounts, b.accounts);
  return true;
}

function sameItems(a: readonly (string | number)[], b: readonly (string | number)[]): boolean {
  return a === b || (a.length === b.length && a.every((item, n) => item === b[n]));
}

/** The same instruments for the same sets on the same connections, whoever owns them. Slices come in any order. */
function sameSlices(a: readonly CurrentSlice[], b: readonly CurrentSlice[]): boolean {
  if (a.length !== b.length) return false;
  let known: Map<string, CurrentSlice> | undefined;
  return a.every((slice, n) => {
    let other = b[n]!;
    if (slice.account !== other.account || slice.connection !== other.connection) {
      known ??= new Map(b.map((each) => [`${each.account} ${each.connection}`, each]));
      const found = known.get(`${slice.account} ${slice.connection}`);
      if (found === undefined) return false;
      other = found;
    }
    return slice.groups === other.groups || sameGroups(slice.groups, other.groups);
  });
}

const compared = new WeakMap<readonly PlacedGroup[], WeakMap<readonly PlacedGroup[], boolean>>();

/** Groups never change: what was found of two is remembered. */
function sameGroups(a: readonly PlacedGroup[], b: readonly PlacedGroup[]): boolean {
  let results = compared.get(a);
  if (results === undefined) {
    results = new WeakMap();
    compared.set(a, results);
  }
  let same = results.get(b);
  if (same === undefined) {
    same = sameContent(a, b);
    results.set(b, same);
  }
  return same;
}

/** Slices split the planner's groups by exchange and expiry; what counts is which token serves which sets in which mode. */
function sameContent(a: readonly PlacedGroup[], b: readonly PlacedGroup[]): boolean {
  if (a.length === b.length && a.every((group, n) => sameGroup(group, b[n]!))) return true;
  const places = new Map<number, string>();
  for (const { sets, mode, tokens } of a) {
    const key = `${mode} ${[...sets].sort().join(' ')}`;
    for (const token of tokens) places.set(token, key);
  }
  let count = 0;
  for (const { sets, mode, tokens } of b) {
    const key = `${mode} ${[...sets].sort().join(' ')}`;
    count += tokens.length;
    if (!tokens.every((token) => places.get(token) === key)) return false;
  }
  return count === places.size;
}

function sameGroup(a: PlacedGroup, b: PlacedGroup): boolean {
  return a.mode === b.mode && sameItems(a.sets, b.sets) && sameItems(a.tokens, b.tokens);
}
