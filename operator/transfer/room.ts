import type { Place } from './places.ts';
import { minus, type Serving } from './serving.ts';
import type { Room } from './transfers.ts';

const nothing: Serving = new Map();

/**
 * What each slice that changes is to stream for now: what it has stays, and what is new comes as far as there is room
 * beside what is held, on its connection and on its account. Nothing is ever added above a limit.
 */
export function withinRoom(
  places: readonly Place[],
  held: ReadonlyMap<Place, Serving>,
  roomOf: (account: string) => Room | undefined,
): ReadonlyMap<Place, Serving> {
  const onAccount = new Map<string, number>();
  const kept = new Map<Place, number>();
  for (const place of places) {
    const count = place.changes ? countKept(place, held.get(place) ?? nothing) : place.now.size;
    kept.set(place, count);
    onAccount.set(place.account, (onAccount.get(place.account) ?? 0) + count);
  }
  const served = new Map<Place, Serving>();
  for (const place of places) {
    if (!place.changes) continue;
    const holds = held.get(place) ?? nothing;
    const room = roomOf(place.account);
    const total = onAccount.get(place.account) ?? 0;
    const own = kept.get(place) ?? 0;
    const free = Math.min((room?.connection ?? 0) - own, (room?.account ?? 0) - total);
    const { serving, added } = fill(place, holds, free);
    served.set(place, serving);
    onAccount.set(place.account, total + added);
  }
  return served;
}

function countKept({ now, planned }: Place, holds: Serving): number {
  let count = 0;
  for (const token of now.keys()) if (planned.has(token) || holds.has(token)) count++;
  return count;
}

function fill({ now, planned }: Place, holds: Serving, free: number): { serving: Serving; added: number } {
  let added = 0;
  for (const token of planned.keys()) if (!now.has(token)) added++;
  if (holds.size === 0 && added <= free) return { serving: planned, added };
  const serving = new Map<number, readonly string[]>(holds);
  added = 0;
  // Underlyings first: an option is of little use without its own.
  const ordered = [...planned].sort(([, a], [, b]) => Math.min(a.length, 1) - Math.min(b.length, 1));
  for (const [token, sets] of ordered) {
    const also = minus(holds.get(token) ?? [], sets);
    if (now.has(token)) serving.set(token, also.length === 0 ? sets : [...sets, ...also].sort());
    else if (added < free) {
      added++;
      serving.set(token, sets);
    }
  }
  return { serving, added };
}
