import { ownerReport } from '../controllers/shards.ts';
import type { Place } from './places.ts';
import { withinRoom } from './room.ts';
import { minus, type Serving } from './serving.ts';
import type { Passage, TransferWorld } from './transfers.ts';

/** Milliseconds for which an instrument is kept where it was, waiting to stream elsewhere. */
export const holdDeadline = 30_000;

/** What was seen before; a new one is made in each round, of what still matters. */
export interface TransferMemory {
  /** By slice UID and token: the generation of the slice in which the token was first seen. */
  readonly joinedAt: ReadonlyMap<string, number>;
  /** By slice UID and token: since when the token is held for another slice. */
  readonly heldSince: ReadonlyMap<string, number>;
  /** By market and token: UIDs of the slices that gave the token up, with the generation in which they had. */
  readonly left: ReadonlyMap<string, ReadonlyMap<string, number | undefined>>;
}

/** One look at everything that changes its place. */
export class Round {
  readonly #world: TransferWorld;
  readonly #places: readonly Place[];
  readonly #changing: readonly Place[];
  readonly #before: TransferMemory;
  readonly #joinedAt = new Map<string, number>();
  readonly #heldSince = new Map<string, number>();
  readonly #left = new Map<string, Map<string, number | undefined>>();
  /** Where sets of a token that somebody gains are to be, by market and token. */
  readonly #gaining = new Map<string, { readonly place: Place; readonly sets: readonly string[] }[]>();
  /** Who streams a token now, for the tokens that change, by market and token. */
  readonly #holders = new Map<string, Place[]>();
  readonly #reported = new Map<string, readonly Place[]>();
  #wait: number | undefined;

  constructor(world: TransferWorld, places: readonly Place[], before: TransferMemory) {
    this.#world = world;
    this.#places = places;
    this.#changing = places.filter(({ changes }) => changes);
    this.#before = before;
  }

  decide(): { passages: ReadonlyMap<string, Passage>; wait: number | undefined; memory: TransferMemory } {
    this.#index();
    const held = new Map(this.#changing.map((place) => [place, this.#heldBy(place)]));
    const served = withinRoom(this.#places, held, this.#world.room);
    const passages = new Map<string, Passage>();
    for (const place of this.#changing) {
      if (place.ends) continue;
      const serving = served.get(place)!;
      const own = held.get(place)!;
      const joining = this.#joining(place, serving, served);
      if (own.size === 0 && joining.length === 0 && serving === place.planned) continue;
      passages.set(place.id, { serving, held: own, joining });
    }
    const memory = { joinedAt: this.#joinedAt, heldSince: this.#heldSince, left: this.#left };
    return { passages, wait: this.#wait, memory };
  }

  #index(): void {
    const changed = new Set<string>();
    for (const place of this.#changing) {
      const { market, planned, now, joining } = place;
      for (const [token, sets] of planned) {
        const gained = joining.has(token) ? sets : minus(sets, now.get(token));
        if (gained.length === 0) continue;
        const key = `${market} ${token}`;
        changed.add(key);
        const gaining = this.#gaining.get(key);
        if (gaining === undefined) this.#gaining.set(key, [{ place, sets: gained }]);
        else gaining.push({ place, sets: gained });
      }
      for (const token of joining) {
        const key = `${market} ${token}`;
        changed.add(key);
        const left = this.#before.left.get(key);
        if (left !== undefined) this.#left.set(key, new Map(left));
      }
    }
    for (const place of this.#changing) {
      for (const token of place.now.keys()) {
        const key = `${place.market} ${token}`;
        if (!changed.has(key)) continue;
        const holders = this.#holders.get(key);
        if (holders === undefined) this.#holders.set(key, [place]);
        else holders.push(place);
      }
    }
  }

  /** What a slice streams that is to be elsewhere, and is not yet. */
  #heldBy(place: Place): Serving {
    const held = new Map<number, readonly string[]>();
    if (place.slice === undefined || place.ends) return held;
    for (const [token, sets] of place.now) {
      const lost = minus(sets, place.planned.get(token));
      if (lost.length === 0) continue;
      // What has joined here only to go on elsewhere was never missed here.
      const passes = place.joining.has(token) && this.#isHeldElsewhere(place, token);
      const kept = passes ? [] : lost.filter((set) => this.#isOnItsWay(place, token, set));
      if (kept.length > 0 && !this.#isGivenUp(place, token)) held.set(token, kept);
      if (kept.length < lost.length || !held.has(token)) this.#leaves(place, token);
    }
    addUnderlyings(place, held);
    return held;
  }

  #isOnItsWay(place: Place, token: number, set: string): boolean {
    const gaining = this.#gaining.get(`${place.market} ${token}`);
    const to = gaining?.find((each) => each.place.uid !== place.uid && each.sets.includes(set))?.place;
    if (to === undefined) return false;
    return !(to.now.get(token)?.includes(set) === true && this.#streams(to, token));
  }

  #isHeldElsewhere(place: Place, token: number): boolean {
    const holders = this.#holders.get(`${place.market} ${token}`);
    return holders?.some((other) => other.uid !== place.uid && !other.joining.has(token)) === true;
  }

  /** The owner of a slice has said that all instruments of a generation with this token are streaming. */
  #streams({ uid, slice }: Place, token: number): boolean {
    if (slice === undefined) return false;
    const key = `${uid} ${token}`;
    const generation = this.#before.joinedAt.get(key) ?? slice.metadata.generation ?? 0;
    this.#joinedAt.set(key, generation);
    const report = ownerReport(slice);
    // While the market is closed there is nothing to miss.
    if (report?.phase === 'Resting') return report.observedGeneration >= generation;
    return (report?.streaming ?? -1) >= generation;
  }

  #isGivenUp({ uid }: Place, token: number): boolean {
    const { now, liveSince } = this.#world;
    const key = `${uid} ${token}`;
    const since = this.#before.heldSince.get(key) ?? now;
    this.#heldSince.set(key, since);
    if (liveSince === undefined) return false;
    const left = Math.max(since, liveSince) + holdDeadline - now;
    if (left > 0) this.#wait = Math.min(this.#wait ?? left, left);
    return left <= 0;
  }

  /** Whoever takes the token up is told when this slice's owner has reported a generation without it. */
  #leaves({ market, uid }: Place, token: number): void {
    const key = `${market} ${token}`;
    if (!this.#gaining.has(key)) return;
    const left = this.#left.get(key);
    if (left === undefined) this.#left.set(key, new Map([[uid, undefined]]));
    else left.set(uid, undefined);
  }

  /** Tokens of a slice that another one streams too, or may still, for all that its owner has said. */
  #joining(place: Place, serving: Serving, served: ReadonlyMap<Place, Serving>): number[] {
    const tokens: number[] = [];
    for (const [token, sets] of serving) {
      if (sets.length === 0) continue;
      const joined = place.joining.has(token);
      const gains = minus(sets, place.now.get(token)).length > 0;
      if (!joined && !gains) continue;
      if (this.#isShared(place, token, sets, served) || (joined && !this.#allHaveLeft(place, token)))
        tokens.push(token);
    }
    return tokens.sort((a, b) => a - b);
  }

  #isShared(place: Place, token: number, sets: readonly string[], served: ReadonlyMap<Place, Serving>): boolean {
    const holders = this.#holders.get(`${place.market} ${token}`) ?? [];
    return holders.some((other) => {
      if (other.uid === place.uid || minus(sets, other.now.get(token)).length === sets.length) return false;
      // One that it has only joined, and is on its way out of, has not begun to matter.
      return other.ends || !other.joining.has(token) || served.get(other)?.has(token) === true;
    });
  }

  /** Everybody who streamed the token before has reported a generation without it, or is gone. */
  #allHaveLeft(place: Place, token: number): boolean {
    const left = this.#left.get(`${place.market} ${token}`);
    // Nobody remembers who it was: it may have been anybody.
    if (left === undefined) return this.#unreported(place.market).every(({ uid }) => uid === place.uid);
    return this.#places.every(({ uid, slice, ends }) => {
      if (uid === place.uid || slice === undefined || !left.has(uid)) return true;
      const generation = left.get(uid) ?? slice.metadata.generation ?? 0;
      left.set(uid, generation);
      return !ends && (ownerReport(slice)?.observedGeneration ?? -1) >= generation;
    });
  }

  /** Slices of a market whose owner has not reported the generation of today. */
  #unreported(market: string): readonly Place[] {
    let places = this.#reported.get(market);
    if (places === undefined) {
      places = this.#places.filter((place) => {
        if (place.market !== market || place.slice === undefined) return false;
        const { generation = 0 } = place.slice.metadata;
        return place.ends || (ownerReport(place.slice)?.observedGeneration ?? -1) < generation;
      });
      this.#reported.set(market, places);
    }
    return places;
  }
}

/** Options keep their underlying by them, for their Greeks. */
function addUnderlyings({ slice, now, planned }: Place, held: Map<number, readonly string[]>): void {
  if (held.size === 0) return;
  for (const { underlying, instruments } of slice?.spec.groups ?? []) {
    if (underlying === undefined || held.has(underlying) || planned.has(underlying) || !now.has(underlying)) continue;
    if (instruments.some(({ token }) => held.has(token))) held.set(underlying, []);
  }
}
