import type { ShardIdentity } from '../../crds/index.ts';
import { assignShards, sameShard } from './assign-shards.ts';
import type { Combination } from './combinations.ts';
import { type MarketPlacement, placeMarket } from './place-market.ts';
import {
  type CurrentSlice,
  compareText,
  type Move,
  type PlacedGroup,
  type Plan,
  type PlanInput,
  type PlannedSlice,
  type PlannerAccount,
  type Unplaced,
} from './types.ts';

export type * from './types.ts';

/** Where the instruments go, before a shard is named for each account. */
export interface Placement {
  readonly slices: readonly Omit<PlannedSlice, 'owner'>[];
  readonly unplaced: readonly Unplaced[];
  readonly moves: readonly Move[];
}

/**
 * Decides which connection of which account streams what, and which shard serves each account. Pure: no clock, I/O or
 * randomness; the same input in any order gives the same plan, and planning again with a plan as `current` changes
 * nothing.
 *
 * Laws, in order of priority: no limit of a connection or account is exceeded; an option's underlying is on every account
 * that streams the option; what is placed stays, if it can; each demanded instrument is placed once for each set that
 * wants it (one placement serves all sets that may use its account) or reported with a reason; all slices of an account
 * are in one shard; a set's instruments fill few slices; load is balanced by expected tick rate.
 */
export function plan(input: PlanInput): Plan {
  return nameOwners(placeInstruments(input), input);
}

/** The first half of {@link plan}. It does not depend on the shards: when only they change, its last result holds. */
export function placeInstruments({ demand, accounts, current }: Omit<PlanInput, 'shards'>): Placement {
  const sorted = [...accounts].sort((a, b) => compareText(a.id, b.id));
  const slices = [...current].sort((a, b) => compareText(a.account, b.account) || a.connection - b.connection);
  const marketOf = new Map(sorted.map((account) => [account.id, account.market]));
  const markets = [...new Set([...demand.map(({ market }) => market), ...marketOf.values()])].sort(compareText);
  const placed: Omit<PlannedSlice, 'owner'>[] = [];
  const unplaced: Unplaced[] = [];
  const moves: Move[] = [];
  const bySlice = groupBy(slices, ({ account }) => marketOf.get(account) ?? '');
  const byAccount = groupBy(sorted, ({ market }) => market);
  const byDemand = groupBy(demand, ({ market }) => market);
  // A slice of an account that is gone may belong to any market: it only tells what to call a move.
  const orphans = slices.filter(({ account }) => !marketOf.has(account));
  for (const market of markets) {
    const own = byAccount.get(market) ?? [];
    const present = [...(bySlice.get(market) ?? []), ...orphans];
    present.sort((a, b) => compareText(a.account, b.account) || a.connection - b.connection);
    const result = placeMarket(market, byDemand.get(market) ?? [], own, present);
    placed.push(...slicesOf(result, own, present));
    for (const each of result.unplaced) unplaced.push(each);
    for (const each of result.moves) moves.push(each);
  }
  placed.sort((a, b) => compareText(a.account, b.account) || a.connection - b.connection);
  unplaced.sort((a, b) => compareText(a.set, b.set) || a.token - b.token);
  moves.sort(compareMoves);
  return { slices: placed, unplaced, moves };
}

/** The second half of {@link plan}: names the shard that serves each account. */
export function nameOwners(
  placement: Placement,
  { shards, current, balance }: Pick<PlanInput, 'shards' | 'current' | 'balance'>,
): Plan {
  const owners = ownersOf(current);
  const rates = new Map<string, number>();
  for (const { account, rate } of placement.slices) rates.set(account, (rates.get(account) ?? 0) + rate);
  const loads = [...rates].map(([id, rate]) => ({ id, rate, owners: owners.get(id) ?? [] }));
  const assigned = assignShards(loads, shards, balance);
  const moves: Move[] = [];
  for (const { id, owners: former } of loads) {
    const to = assigned.get(id);
    const from = former.find((owner) => !sameShard(owner, to));
    if (from !== undefined && to !== undefined) moves.push({ kind: 'account', account: id, from, to });
  }
  return {
    slices: placement.slices.map((slice) => ({ ...slice, owner: assigned.get(slice.account) })),
    unplaced: placement.unplaced,
    moves: [...moves, ...placement.moves],
  };
}

/** Whom the slices of each account name, in order of connection: a successor before the owner that it follows. */
function ownersOf(current: readonly CurrentSlice[]): ReadonlyMap<string, ShardIdentity[]> {
  const owners = new Map<string, ShardIdentity[]>();
  const ordered = [...current].sort((a, b) => a.connection - b.connection);
  for (const { account, owner, next } of ordered) {
    const named = [next, owner].filter((shard) => shard !== undefined);
    const known = owners.get(account);
    if (known === undefined) owners.set(account, named);
    else known.push(...named);
  }
  return owners;
}

/**
 * The slices of one market. A usable account always has its first, be it empty: its owner logs in and serves the
 * instrument master. An account that holds nothing for now keeps the slices it has, emptied.
 */
function slicesOf(
  { table, accounts }: MarketPlacement,
  specs: readonly PlannerAccount[],
  current: readonly CurrentSlice[],
): Omit<PlannedSlice, 'owner'>[] {
  const existing = groupBy(current, ({ account }) => account);
  return accounts.flatMap((account, index) => {
    const { state, connections } = specs[index]!;
    if (state === 'unusable') {
      const kept = existing.get(account.id) ?? [];
      return kept.map(({ connection }) => ({ account: account.id, connection, groups: [], rate: 0 }));
    }
    const open = account.connections.map((rows, connection) => ({ rows, connection }));
    return open
      .filter(({ rows, connection }) => connection < connections && (connection === 0 || rows.size > 0))
      .map(({ rows, connection }) => {
        const { groups, rate } = groupsOf(table, rows);
        return { account: account.id, connection, groups, rate };
      });
  });
}

function groupsOf(
  table: MarketPlacement['table'],
  rows: ReadonlyMap<number, Combination>,
): { groups: PlacedGroup[]; rate: number } {
  const byCombination = new Map<Combination, number[]>();
  let thousandths = 0;
  for (const [row, sets] of rows) {
    const group = byCombination.get(sets);
    if (group === undefined) byCombination.set(sets, [row]);
    else group.push(row);
    // Whole thousandths add up to the same sum in any order.
    thousandths += Math.round(table.rates[row]! * 1000);
  }
  const groups = [...byCombination].map(([sets, members]) => ({
    sets: table.combinations
      .members(sets)
      .map((rank) => table.sets[rank]!.id)
      .sort(compareText),
    mode: table.modeOf(sets),
    tokens: members.map((row) => table.tokens[row]!).sort((a, b) => a - b),
  }));
  groups.sort((a, b) => compareText(a.sets.join(' '), b.sets.join(' ')));
  return { groups, rate: thousandths / 1000 };
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

function compareMoves(a: Move, b: Move): number {
  if (a.kind !== 'instrument' || b.kind !== 'instrument') return 0;
  return compareText(a.from, b.from) || a.token - b.token || compareText(a.to, b.to);
}
