import type { PlanInput, PlannerAccount, PlannerShard, SetDemand } from '../../operator/planner/types.ts';

export interface PlannerScale {
  readonly accounts: number;
  readonly instruments: number;
  readonly sets: number;
  readonly shards: number;
}

/** Accounts of Kite's size, shards that are all ready, and sets of options of 50 underlyings that share the instruments. */
export function plannerWorld({ accounts, instruments, sets, shards }: PlannerScale): PlanInput {
  const made = Array.from(
    { length: accounts },
    (_, n): PlannerAccount => ({
      id: `desk/account-${String(n).padStart(5, '0')}`,
      market: 'kite',
      connections: 3,
      instrumentsPerConnection: 3000,
      state: 'usable',
    }),
  );
  const all = made.map(({ id }) => id);
  const each = Math.ceil(instruments / sets);
  const demand = Array.from(
    { length: sets },
    (_, n): SetDemand => ({
      set: `desk/set-${n}`,
      created: '2026-01-05T04:00:00Z',
      market: 'kite',
      mode: n % 2 === 0 ? 'full' : 'quote',
      accounts: all,
      instruments: Array.from({ length: each }, (_, k) => ({
        token: 1000 + n * each + k,
        rate: 1 + (k % 5),
        underlying: k % 4 === 0 ? undefined : 1 + (n % 50),
      })),
    }),
  );
  return { accounts: made, demand, shards: readyShards(shards), current: [] };
}

export function readyShards(count: number): PlannerShard[] {
  return Array.from(
    { length: count },
    (_, n): PlannerShard => ({
      identity: { shard: `ticker-${n}`, uid: `uid-${n}` },
      state: 'ready',
    }),
  );
}
