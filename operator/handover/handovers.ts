import type { ShardIdentity, SubscriptionSlice } from '../../crds/index.ts';
import { idOf } from '../controllers/names.ts';
import { isLive, isReady, ownerReport, type Shards } from '../controllers/shards.ts';
import { shardKey } from '../planner/assign-shards.ts';
import { compareText } from '../planner/types.ts';
import { connectionsOf, formerConnections, Lingering } from './connections.ts';
import { type Decision, decide, type Ended, hasClaimed } from './decide.ts';
import { type Failure, failureMemory, type HandoverMemory, nothingSeen } from './memory.ts';

/** Slices of one account, with what is wanted of them. */
export interface AccountHandovers {
  /** `namespace/name`. */
  readonly account: string;
  /** In order of connection; those that end are among them. */
  readonly slices: readonly SubscriptionSlice[];
  /** Connections that the account may have. */
  readonly connections: number;
  /** Slices that it is to have; each needs a connection. */
  readonly planned: number;
  readonly wanted: (slice: SubscriptionSlice) => ShardIdentity | undefined;
}

export interface HandoverWorld {
  readonly accounts: Iterable<AccountHandovers>;
  readonly shards: Shards;
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Since when this replica's own watch is live; undefined while it is not. */
  readonly liveSince: number | undefined;
}

/** Decides the next step of every slice's ownership, and remembers what this replica has seen of each. */
export class Handovers {
  readonly #memories = new Map<string, HandoverMemory>();
  readonly #lingering = new Lingering();
  readonly #ended: (slice: SubscriptionSlice, ended: Ended) => void;

  /** @param ended told of each handover that ended */
  constructor(ended: (slice: SubscriptionSlice, ended: Ended) => void = () => undefined) {
    this.#ended = ended;
  }

  /** Forgets everything that was seen: whoever begins to lead waits anew. */
  forget(): void {
    this.#memories.clear();
  }

  /** The next step of each slice, by `namespace/name`. What is not to be written is remembered at once, the rest by {@link wrote}. */
  decide({ accounts, shards, now, liveSince }: HandoverWorld): ReadonlyMap<string, Decision> {
    const decisions = new Map<string, Decision>();
    const present = new Set<string>();
    const all = [...accounts];
    const candidates = leastLoaded(all, shards);
    for (const account of all) {
      const { slices } = account;
      const excused = loginRefused(slices);
      const used = slices.reduce((sum, slice) => sum + connectionsOf(slice, shards), 0);
      const reserved = used + Math.max(0, account.planned - slices.length);
      const lingering = this.#lingering.count(account.account, now);
      let spare = account.connections - reserved - lingering;
      let busy = slices.some((slice) => isMoving(slice, shards));
      for (const slice of slices) {
        if (slice.metadata.deletionTimestamp !== undefined) continue;
        const key = keyOf(slice);
        present.add(key);
        const memory = this.#memories.get(key) ?? nothingSeen;
        const wanted = account.wanted(slice);
        const waits = busy || (lingering > 0 && isReady(shards, slice.spec.owner));
        const seen = { memory, now, liveSince };
        const decision = decide({ slice, wanted, shards, candidates, spare, busy: waits, excused, ...seen });
        decisions.set(idOf(slice), decision);
        if (!decision.changed) {
          this.#remember(slice, decision);
          continue;
        }
        const { next, owner } = decision.naming;
        const renamed = shardKeyOf(owner) !== shardKeyOf(slice.spec.owner);
        // A successor that has not warmed up connects beside an owner that lives.
        const beside = renamed && shardKeyOf(owner) !== shardKeyOf(slice.spec.next) && isLive(shards, slice.spec.owner);
        if (beside || (next !== undefined && shardKeyOf(next) !== shardKeyOf(slice.spec.next))) spare--;
        if (next !== undefined || renamed) busy = true;
      }
    }
    for (const key of this.#memories.keys()) if (!present.has(key)) this.#memories.delete(key);
    return decisions;
  }

  /** The step that was decided for the slice has been written. */
  wrote(account: string, slice: SubscriptionSlice, decision: Decision, now: number): void {
    if (!decision.changed) return;
    this.#remember(slice, decision);
    if (decision.died === true) this.#lingering.died(account, now);
  }

  /** The newest failure of a handover of any of the slices, while it is remembered and not made good. */
  failure(slices: readonly SubscriptionSlice[], now: number): Failure | undefined {
    let newest: Failure | undefined;
    for (const slice of slices) {
      const memory = this.#memories.get(keyOf(slice));
      if (memory === undefined || memory.missed === 0) continue;
      const last = memory.failures.at(-1);
      if (last === undefined || now - last.at >= failureMemory) continue;
      if (newest === undefined || last.at > newest.at) newest = last;
    }
    return newest;
  }

  #remember(slice: SubscriptionSlice, { memory, ended }: Decision): void {
    this.#memories.set(keyOf(slice), memory);
    if (ended !== undefined) this.#ended(slice, ended);
  }
}

function keyOf(slice: SubscriptionSlice): string {
  return slice.metadata.uid ?? idOf(slice);
}

function shardKeyOf(shard: ShardIdentity | undefined): string {
  return shard === undefined ? '' : shardKey(shard);
}

/** The broker refuses the account wherever it logs in, or there is nothing to log in with. */
function loginRefused(slices: readonly SubscriptionSlice[]): boolean {
  const first = slices.find(({ spec }) => spec.connection === 0);
  const credentials = first === undefined ? undefined : ownerReport(first)?.account?.credentials;
  return credentials === 'Refused' || credentials === 'Missing';
}

function isMoving(slice: SubscriptionSlice, shards: Shards): boolean {
  const { owner, next } = slice.spec;
  if (next !== undefined || formerConnections(slice, shards) > 0) return true;
  return slice.spec.epoch > 1 && isLive(shards, owner) && !hasClaimed(slice);
}

/** Ready shards by how many slices name them, the least first. */
function leastLoaded(accounts: readonly AccountHandovers[], shards: Shards): ShardIdentity[] {
  const load = new Map<string, number>();
  for (const [key, { state }] of shards) if (state === 'ready') load.set(key, 0);
  for (const { spec } of accounts.flatMap(({ slices }) => slices)) {
    for (const shard of [spec.owner, spec.next]) {
      const key = shardKeyOf(shard);
      const known = load.get(key);
      if (known !== undefined) load.set(key, known + 1);
    }
  }
  return [...load]
    .sort(([a, left], [b, right]) => left - right || compareText(a, b))
    .map(([key]) => shards.get(key)!.identity);
}
