import type { SubscriptionSlice } from '../../crds/index.ts';
import { isLive, type Shards } from '../controllers/shards.ts';
import { sameShard } from '../planner/assign-shards.ts';

/** Milliseconds for which a broker may still count the connection of a shard that died. */
export const lingering = 30_000;

/** Deaths remembered for one account: more connections than any account has. */
const mostLingering = 64;

/** Phases of a shard that has, or wants, a connection. */
const connected = new Set(['Connecting', 'Warming', 'Warm', 'Streaming', 'Draining']);

/** Former owners that have not let go of their connection yet. */
export function formerConnections(slice: SubscriptionSlice, shards: Shards): number {
  const { owner, next } = slice.spec;
  const others = (slice.status?.shards ?? []).filter(
    (report) =>
      connected.has(report.phase) && !sameShard(report, owner) && !sameShard(report, next) && isLive(shards, report),
  );
  return others.length;
}

/** Connections of one slice: its owner's, its successor's, and those of former owners. */
export function connectionsOf(slice: SubscriptionSlice, shards: Shards): number {
  const own = slice.spec.suspended ? 0 : 1;
  return own + (slice.spec.next === undefined ? 0 : 1) + formerConnections(slice, shards);
}

/** Connections of dead shards that the broker may still count, by account. */
export class Lingering {
  readonly #until = new Map<string, number[]>();

  died(account: string, now: number): void {
    const known = this.#until.get(account) ?? [];
    this.#until.set(account, [...known, now + lingering].slice(-mostLingering));
  }

  count(account: string, now: number): number {
    const known = this.#until.get(account);
    if (known === undefined) return 0;
    const left = known.filter((until) => until > now);
    if (left.length === 0) this.#until.delete(account);
    else if (left.length < known.length) this.#until.set(account, left);
    return left.length;
  }
}
