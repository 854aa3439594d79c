import type { ShardIdentity } from '../../crds/index.ts';
import { type BalanceOptions, balanceShards } from './balance.ts';
import { compareText, type PlannerShard } from './types.ts';

/** An account as the shards see it: a load that one of them carries whole. */
export interface AccountLoad {
  readonly id: string;
  /** Expected ticks a second over all of its slices. */
  readonly rate: number;
  /** Shards that its slices name now, in order of connection, a successor before the owner that it follows. */
  readonly owners: readonly ShardIdentity[];
}

/** Load that a login costs however little it streams, in ticks a second: so that empty accounts spread too. */
const loginRate = 1;

/** What an account adds to the load of its shard. */
export function loadOf({ rate }: AccountLoad): number {
  return rate + loginRate;
}

export function sameShard(a: ShardIdentity | undefined, b: ShardIdentity | undefined): boolean {
  return a?.shard === b?.shard && a?.uid === b?.uid;
}

/** A shard and its pod as one string, the form of a lease's holder: `<shard>/<uid>`. */
export function shardKey(identity: ShardIdentity): string {
  return `${identity.shard}/${identity.uid}`;
}

/**
 * One owner for each account. An account follows its first slice: it stays with the first ready shard that its slices
 * name, so that a move that has begun goes on; from a draining, suspect or vanished one it goes to another, where there
 * is a ready one, else it stays. A new pod of the vanished one's name is
 * preferred (it has its volume); all others go, heaviest first, to the least loaded shard. From scratch the busiest shard
 * is at most the heaviest account above the mean (longest processing time first; Graham 1969).
 *
 * @param balance where it is given, accounts that could stay go to shards that have materially less
 */
export function assignShards(
  accounts: readonly AccountLoad[],
  shards: readonly PlannerShard[],
  balance?: BalanceOptions,
): ReadonlyMap<string, ShardIdentity> {
  const known = new Map(shards.map((shard) => [shardKey(shard.identity), shard]));
  const ready = [...known.values()]
    .filter((shard) => shard.state === 'ready')
    .sort((a, b) => compareText(shardKey(a.identity), shardKey(b.identity)))
    .map(({ identity }) => ({ identity, rate: 0 }));
  const readyByKey = new Map(ready.map((shard) => [shardKey(shard.identity), shard]));
  const readyByName = new Map(ready.map((shard) => [shard.identity.shard, shard]));
  const owners = new Map<string, ShardIdentity>();
  const homeless: { account: AccountLoad; former: ShardIdentity | undefined }[] = [];
  for (const account of accounts) {
    const present = account.owners.find((owner) => readyByKey.has(shardKey(owner)));
    const shard = present === undefined ? undefined : readyByKey.get(shardKey(present));
    if (shard !== undefined && present !== undefined) {
      owners.set(account.id, present);
      shard.rate += loadOf(account);
    } else {
      homeless.push({
        account,
        former: account.owners.find((owner) => known.has(shardKey(owner))) ?? account.owners[0],
      });
    }
  }
  homeless.sort((a, b) => b.account.rate - a.account.rate || compareText(a.account.id, b.account.id));
  for (const { account, former } of homeless) {
    const successor = former === undefined ? undefined : readyByName.get(former.shard);
    let chosen = successor;
    if (chosen === undefined)
      for (const shard of ready) if (chosen === undefined || shard.rate < chosen.rate) chosen = shard;
    if (chosen !== undefined) {
      chosen.rate += loadOf(account);
      owners.set(account.id, chosen.identity);
    } else if (former !== undefined) {
      owners.set(account.id, former);
    }
  }
  if (balance !== undefined) {
    balanceShards(
      owners,
      accounts,
      ready.map(({ identity }) => identity),
      balance,
    );
  }
  return owners;
}
