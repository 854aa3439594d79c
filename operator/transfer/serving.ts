import type { SubscriptionSlice } from '../../crds/index.ts';
import { asCurrentSlice } from '../controllers/placed.ts';
import { compareText, type PlacedGroup } from '../planner/types.ts';

/** What a slice streams: the sets (`namespace/name`, sorted) that it serves with each token; none for a bare underlying. */
export type Serving = ReadonlyMap<number, readonly string[]>;

const known = new WeakMap<readonly PlacedGroup[], Serving>();

/** Groups never change: it is remembered. */
export function servingOf(groups: readonly PlacedGroup[]): Serving {
  let serving = known.get(groups);
  if (serving === undefined) {
    const made = new Map<number, readonly string[]>();
    for (const { sets, tokens } of groups) {
      const sorted = [...sets].sort(compareText);
      for (const token of tokens) made.set(token, sorted);
    }
    serving = made;
    known.set(groups, made);
  }
  return serving;
}

/** What a slice streams by its spec. */
export function servingNow(slice: SubscriptionSlice): Serving {
  return servingOf(asCurrentSlice(slice).groups);
}

const compared = new WeakMap<Serving, WeakMap<Serving, boolean>>();

export function sameServing(a: Serving, b: Serving): boolean {
  if (a === b) return true;
  let results = compared.get(a);
  if (results === undefined) {
    results = new WeakMap();
    compared.set(a, results);
  }
  const before = results.get(b);
  if (before !== undefined) return before;
  const same = a.size === b.size && [...a].every(([token, sets]) => sameSets(sets, b.get(token)));
  results.set(b, same);
  return same;
}

function sameSets(a: readonly string[], b: readonly string[] | undefined): boolean {
  return b !== undefined && a.length === b.length && a.every((set, index) => set === b[index]);
}

/** The members of `a` that are not in `b`. */
export function minus(a: readonly string[], b: readonly string[] | undefined): readonly string[] {
  return b === undefined ? a : a.filter((set) => !b.includes(set));
}

/** Groups of the planner's kind, from what is to be served in which mode. */
export function groupsOf(serving: Serving, modeOf: (token: number) => PlacedGroup['mode']): PlacedGroup[] {
  const groups = new Map<string, { sets: readonly string[]; mode: PlacedGroup['mode']; tokens: number[] }>();
  for (const [token, sets] of serving) {
    const mode = modeOf(token);
    const key = `${mode} ${sets.join(' ')}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { sets, mode, tokens: [token] });
    else group.tokens.push(token);
  }
  for (const { tokens } of groups.values()) tokens.sort((a, b) => a - b);
  return [...groups].sort(([a], [b]) => compareText(a, b)).map(([, group]) => group);
}
