import type { ShardIdentity } from '../../crds/index.ts';
import { type AccountLoad, loadOf, shardKey } from './assign-shards.ts';
import { compareText } from './types.ts';

export interface BalanceOptions {
  /** Accounts that can be moved without a gap: they have a connection to spare. */
  readonly movable: ReadonlySet<string>;
  /** Accounts that are moved at most. */
  readonly most: number;
}

/** A shard below this share of the mean load is given more; above it nothing is moved for balance alone. */
const low = 0.75;

interface Loaded {
  readonly shard: ShardIdentity;
  readonly key: string;
  rate: number;
  readonly accounts: AccountLoad[];
}

/**
 * Moves accounts to shards that have materially less than the others, such as one that has just joined: as few as bring
 * it near the mean, and each at most half of the difference, so that no move is ever the reason for another.
 *
 * @param owners of every account; changed in place
 * @param ready shards that take accounts
 */
export function balanceShards(
  owners: Map<string, ShardIdentity>,
  accounts: readonly AccountLoad[],
  ready: readonly ShardIdentity[],
  { movable, most }: BalanceOptions,
): void {
  if (ready.length < 2) return;
  const shards = new Map(
    ready.map((shard): [string, Loaded] => {
      const key = shardKey(shard);
      return [key, { shard, key, rate: 0, accounts: [] }];
    }),
  );
  let total = 0;
  for (const account of accounts) {
    const owner = owners.get(account.id);
    const loaded = owner === undefined ? undefined : shards.get(shardKey(owner));
    if (loaded === undefined) continue;
    loaded.rate += loadOf(account);
    total += loadOf(account);
    if (movable.has(account.id)) loaded.accounts.push(account);
  }
  const mean = total / ready.length;
  for (const { accounts: own } of shards.values()) own.sort(heaviestFirst);
  for (let moved = 0; moved < most; moved++) {
    const byLoad = [...shards.values()].sort((a, b) => a.rate - b.rate || compareText(a.key, b.key));
    const to = byLoad[0]!;
    if (to.rate >= low * mean) return;
    const from = byLoad.toReversed().find((shard) => takeFor(shard, to, mean) >= 0);
    if (from === undefined) return;
    const [account] = from.accounts.splice(takeFor(from, to, mean), 1);
    from.rate -= loadOf(account!);
    to.rate += loadOf(account!);
    to.accounts.push(account!);
    to.accounts.sort(heaviestFirst);
    owners.set(account!.id, to.shard);
  }
}

function heaviestFirst(a: AccountLoad, b: AccountLoad): number {
  return b.rate - a.rate || compareText(a.id, b.id);
}

/** The heaviest account of `from` that leaves it no less loaded than `to` then is, and `to` not above the mean; or -1. */
function takeFor(from: Loaded, to: Loaded, mean: number): number {
  const most = Math.min((from.rate - to.rate) / 2, mean - to.rate);
  return from.accounts.findIndex((account) => loadOf(account) <= most);
}
