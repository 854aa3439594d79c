import type { SliceShardStatus } from '../../crds/index.ts';
import type { AccountState } from './account-session.ts';
import type { SliceSnapshot } from './slice-snapshot.ts';
import { addUp, type ShardTotals } from './totals.ts';

/** Sums over an account's slices in this process, those included that it serves no longer: they never decrease. */
export interface AccountTotals extends ShardTotals {
  readonly frames: number;
  /** Of `lost`: dropped from a full buffer. */
  readonly droppedFull: number;
  /** Of `lost`: given up, because the slice has ended or the sink keeps nothing of so old a token. */
  readonly droppedEnded: number;
  /** Connections opened. */
  readonly opened: number;
  /** By error code. */
  readonly connectionsLost: ReadonlyMap<string, number>;
  readonly connectionsRefused: ReadonlyMap<string, number>;
  /** Breaches by rule name. */
  readonly byRule: ReadonlyMap<string, number>;
}

/** What an account does now, in a shard that serves it. */
export interface AccountServing {
  readonly credentials: AccountState['credentials'];
  /** Logins that failed, by error code. */
  readonly loginFailures: ReadonlyMap<string, number>;
  /** Number of its slices in each phase. */
  readonly phases: ReadonlyMap<SliceShardStatus['phase'], number>;
  /** Whether any of its exchanges here has a session now. */
  readonly sessionOpen: boolean;
  readonly connections: number;
  readonly subscribed: number;
  readonly ticking: number;
  readonly silent: number;
  readonly held: number;
  readonly heldBatches: number;
  readonly heldBytes: number;
  /** Monotonic milliseconds of the newest frame with ticks; of the taking up, before the first. */
  readonly lastTickAt: number;
}

export interface AccountSnapshot {
  /** `namespace/name` */
  readonly account: string;
  readonly totals: AccountTotals;
  /** Absent where the shard serves it no longer. */
  readonly serving?: AccountServing | undefined;
}

/** Accounts whose totals are kept after the shard served their last slice; beyond, the longest gone are forgotten. */
export const formerAccounts = 1024;

export function accountTotals(slices: readonly SliceSnapshot[], before?: AccountTotals): AccountTotals {
  const totals = addUp(slices, before);
  const sum = (start: number | undefined, pick: (slice: SliceSnapshot) => number): number =>
    slices.reduce((total, slice) => total + pick(slice), start ?? 0);
  return {
    ...totals,
    frames: sum(before?.frames, ({ pipeline }) => pipeline.frames),
    droppedFull: sum(before?.droppedFull, ({ pipeline, outbox }) => outbox.dropped + (pipeline.dropped ?? 0)),
    droppedEnded: sum(before?.droppedEnded, ({ outbox }) => outbox.discarded),
    opened: sum(before?.opened, ({ connections }) => connections),
    connectionsLost: addCounts(before?.connectionsLost, slices, (slice) => slice.lost),
    connectionsRefused: addCounts(before?.connectionsRefused, slices, (slice) => slice.refused),
    byRule: addCounts(before?.byRule, slices, (slice) => slice.pipeline.byRule),
  };
}

function addCounts(
  before: ReadonlyMap<string, number> | undefined,
  slices: readonly SliceSnapshot[],
  pick: (slice: SliceSnapshot) => ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const sum = new Map(before);
  for (const slice of slices) for (const [key, count] of pick(slice)) sum.set(key, (sum.get(key) ?? 0) + count);
  return sum;
}

/** Slices that a shard served once, summed by account, so that its counters never go back. */
export class FormerSlices {
  readonly #accounts = new Map<string, AccountTotals>();
  /** Of all accounts, the forgotten too. */
  #totals: ShardTotals = addUp([]);

  get totals(): ShardTotals {
    return this.#totals;
  }

  get accounts(): Iterable<string> {
    return this.#accounts.keys();
  }

  of(account: string): AccountTotals | undefined {
    return this.#accounts.get(account);
  }

  add(slice: SliceSnapshot): void {
    this.#totals = addUp([slice], this.#totals);
    const totals = accountTotals([slice], this.#accounts.get(slice.account));
    this.#accounts.delete(slice.account);
    this.#accounts.set(slice.account, totals);
    const oldest = this.#accounts.keys().next();
    if (this.#accounts.size > formerAccounts && oldest.done !== true) this.#accounts.delete(oldest.value);
  }
}

/** @param slices that the account has in this shard now, at least one */
export function accountServing(
  slices: readonly SliceSnapshot[],
  session: { readonly state: AccountState; readonly failures: ReadonlyMap<string, number> },
): AccountServing {
  const phases = new Map<SliceShardStatus['phase'], number>();
  for (const { phase } of slices) phases.set(phase, (phases.get(phase) ?? 0) + 1);
  const sum = (pick: (slice: SliceSnapshot) => number): number =>
    slices.reduce((total, slice) => total + pick(slice), 0);
  return {
    credentials: session.state.credentials,
    loginFailures: session.failures,
    phases,
    sessionOpen: slices.some(({ sessionOpen }) => sessionOpen),
    connections: sum(({ connected }) => (connected ? 1 : 0)),
    subscribed: sum(({ subscribed }) => subscribed),
    ticking: sum(({ ticking }) => ticking),
    silent: sum(({ silent }) => silent),
    held: sum(({ outbox }) => outbox.held),
    heldBatches: sum(({ outbox }) => outbox.heldBatches),
    heldBytes: sum(({ outbox }) => outbox.heldBytes),
    lastTickAt: Math.max(...slices.map(({ lastTickAt }) => lastTickAt)),
  };
}
