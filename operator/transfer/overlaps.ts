import type { SubscriptionSlice } from '../../crds/index.ts';
import { marketOf } from '../controllers/accounts.ts';
import { asCurrentSlice } from '../controllers/placed.ts';
import type { CurrentSlice, PlacedGroup } from '../planner/types.ts';
import { minus, servingNow } from './serving.ts';

interface Joiner {
  readonly slice: SubscriptionSlice;
  readonly sets: readonly string[];
}

/** Slices that tokens join, by market and token. */
function joinersOf(slices: readonly SubscriptionSlice[]): ReadonlyMap<string, readonly Joiner[]> {
  const joiners = new Map<string, Joiner[]>();
  for (const slice of slices) {
    const { joining, login } = slice.spec;
    if (joining === undefined || joining.length === 0) continue;
    const serving = servingNow(slice);
    for (const token of joining) {
      const sets = serving.get(token);
      if (sets === undefined) continue;
      const key = `${marketOf(login)} ${token}`;
      const known = joiners.get(key);
      if (known === undefined) joiners.set(key, [{ slice, sets }]);
      else known.push({ slice, sets });
    }
  }
  return joiners;
}

/**
 * The slices as the planner sees them: an instrument that joins another slice is there already, and not where it still is,
 * so that what has begun to move goes on.
 */
export function currentSlices(slices: readonly SubscriptionSlice[]): readonly CurrentSlice[] {
  const joiners = joinersOf(slices);
  if (joiners.size === 0) return slices.map(asCurrentSlice);
  return slices.map((slice) => {
    const current = asCurrentSlice(slice);
    const market = marketOf(slice.spec.login);
    const own = new Set(slice.spec.joining);
    const movedFrom = (token: number): readonly Joiner[] =>
      own.has(token) ? [] : (joiners.get(`${market} ${token}`) ?? []).filter((joiner) => joiner.slice !== slice);
    const groups = current.groups.flatMap((group) => withoutMoved(group, movedFrom));
    return groups.length === current.groups.length && groups.every((group, n) => group === current.groups[n])
      ? current
      : { ...current, groups };
  });
}

function withoutMoved(group: PlacedGroup, movedFrom: (token: number) => readonly Joiner[]): PlacedGroup[] {
  const stay: number[] = [];
  const partly: PlacedGroup[] = [];
  for (const token of group.tokens) {
    const moved = new Set(movedFrom(token).flatMap(({ sets }) => sets));
    const sets = moved.size === 0 ? group.sets : minus(group.sets, [...moved]);
    if (sets.length === group.sets.length) stay.push(token);
    else if (sets.length > 0) partly.push({ ...group, sets, tokens: [token] });
  }
  if (stay.length === group.tokens.length) return [group];
  return stay.length === 0 ? partly : [{ ...group, tokens: stay }, ...partly];
}

/**
 * Instruments that a slice has joined and another still streams, counted by set: by slice UID. They are streamed where
 * they were, and must not be counted twice.
 */
export function overlapsOf(slices: readonly SubscriptionSlice[]): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const overlaps = new Map<string, Map<string, number>>();
  const joiners = joinersOf(slices);
  if (joiners.size === 0) return overlaps;
  for (const other of slices) {
    const market = marketOf(other.spec.login);
    const own = new Set(other.spec.joining);
    for (const [token, sets] of servingNow(other)) {
      if (own.has(token)) continue;
      for (const joiner of joiners.get(`${market} ${token}`) ?? []) {
        if (joiner.slice === other) continue;
        const uid = joiner.slice.metadata.uid ?? '';
        const counts = overlaps.get(uid) ?? new Map<string, number>();
        overlaps.set(uid, counts);
        for (const set of joiner.sets) if (sets.includes(set)) counts.set(set, (counts.get(set) ?? 0) + 1);
      }
    }
  }
  return overlaps;
}
