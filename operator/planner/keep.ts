import type { AccountRoom } from './account-room.ts';
import type { Combination } from './combinations.ts';
import type { MarketTable } from './market-table.ts';
import type { CurrentSlice } from './types.ts';

/** Where an impaired account carried a row, and everything else: it goes back there if nobody else has room. */
export interface Home {
  readonly account: AccountRoom;
  readonly connection: number;
  /** Connection of each row that the account carried. */
  readonly connections: ReadonlyMap<number, number>;
}

/** A row that an account can no longer carry for these sets. */
export interface Displaced {
  readonly row: number;
  readonly sets: Combination;
  readonly from: string;
  readonly home?: Home | undefined;
}

export interface Kept {
  /** For each row, the sets that no account serves yet. */
  readonly open: Combination[];
  readonly displaced: readonly Displaced[];
}

/** Which of `sets` may use the account. */
export type Eligible = (account: AccountRoom, sets: Combination) => Combination;

/**
 * The first law of the plan: what is placed and still wanted stays where it is, for the sets that it serves, as long as
 * the account is usable, those sets may use it and it has room. What must leave is reported as displaced.
 *
 * @param accounts by id, in order of id
 * @param current slices of this market, in order of account and connection
 */
export function keepPlaced(
  table: MarketTable,
  accounts: ReadonlyMap<string, AccountRoom>,
  current: readonly CurrentSlice[],
  eligible: Eligible,
): Kept {
  const open = [...table.wanted];
  const displaced: Displaced[] = [];
  const bare: { account: AccountRoom; connection: number; row: number }[] = [];
  const touched = new Set<AccountRoom>();
  const homes = new Map<AccountRoom, Map<number, number>>();
  for (const slice of current) {
    const account = accounts.get(slice.account);
    if (account !== undefined) touched.add(account);
    const connections = (account && homes.get(account)) ?? new Map<number, number>();
    if (account?.state === 'impaired') homes.set(account, connections);
    for (const { row, sets } of rowsOf(table, slice, account)) {
      if (!connections.has(row)) connections.set(row, slice.connection);
      if (account?.state === 'usable' && sets === 0) {
        bare.push({ account, connection: slice.connection, row });
        continue;
      }
      const wanted = table.combinations.intersection(open[row]!, sets);
      if (wanted === 0) {
        if (account?.state === 'usable') bare.push({ account, connection: slice.connection, row });
        continue;
      }
      const served = account?.state === 'usable' ? eligible(account, wanted) : 0;
      const fits = served !== 0 && account !== undefined && account.connectionOf(row) < 0;
      if (fits && account.freeOn(slice.connection) > 0) {
        account.put(slice.connection, row, served, table.rates[row]!);
        if (table.underlyings[row]! >= 0) account.countOption(table.underlyings[row]!, 1);
        open[row] = table.combinations.minus(open[row]!, served);
        const lost = table.combinations.minus(wanted, served);
        if (lost !== 0) displaced.push({ row, sets: lost, from: slice.account });
      } else {
        const home = account?.state === 'impaired' ? { account, connection: slice.connection, connections } : undefined;
        displaced.push({ row, sets: wanted, from: slice.account, home });
        if (account?.state === 'usable') bare.push({ account, connection: slice.connection, row });
      }
    }
  }
  for (const { account, connection, row } of bare) {
    const needed = (account.optionsOf.get(row) ?? 0) > 0 && account.connectionOf(row) < 0;
    if (needed && account.freeOn(connection) > 0) account.put(connection, row, 0, table.rates[row]!);
  }
  for (const account of [...touched].sort((a, b) => a.index - b.index)) {
    addMissingUnderlyings(table, account, open, displaced);
  }
  return { open, displaced };
}

/** A slice's rows that are still known, each with those of its sets that still exist; underlyings first, then by token. */
function rowsOf(
  table: MarketTable,
  slice: CurrentSlice,
  account: AccountRoom | undefined,
): { row: number; sets: Combination }[] {
  const rows: { row: number; sets: Combination }[] = [];
  let count = 0;
  for (const group of slice.groups) {
    const ranks = group.sets.map((set) => table.rankOf(set)).filter((rank) => rank !== undefined);
    const sets = table.combinations.intern(ranks.sort((a, b) => a - b));
    count += group.tokens.length;
    for (const token of group.tokens) {
      const row = table.rowOf.get(token);
      if (row !== undefined) rows.push({ row, sets });
    }
  }
  // Order matters only where not all of them can stay.
  if (account !== undefined && count > account.freeOn(slice.connection)) {
    rows.sort((a, b) => table.compareRows(a.row, b.row));
  }
  return rows;
}

/** An option may not stay without its underlying: makes room for it at the cost of its own options, if it must be. */
function addMissingUnderlyings(
  table: MarketTable,
  account: AccountRoom,
  open: Combination[],
  displaced: Displaced[],
): void {
  const missing = [...account.optionsOf.keys()].filter((row) => account.connectionOf(row) < 0);
  missing.sort((a, b) => table.tokens[a]! - table.tokens[b]!);
  for (const underlying of missing) {
    const options: [connection: number, row: number][] = [];
    account.connections.forEach((rows, connection) => {
      for (const row of rows.keys()) if (table.underlyings[row] === underlying) options.push([connection, row]);
    });
    options.sort(([, a], [, b]) => table.tokens[a]! - table.tokens[b]!);
    let connection = account.connectionFor(1);
    while (connection < 0 && options.length > 0) {
      const [from, row] = options.pop()!;
      const sets = account.connections[from]!.get(row)!;
      account.remove(from, row, table.rates[row]!);
      account.countOption(underlying, -1);
      open[row] = table.combinations.union(open[row]!, sets);
      displaced.push({ row, sets, from: account.id });
      connection = options.length > 0 ? account.connectionFor(1) : -1;
    }
    if (connection >= 0 && options.length > 0) account.put(connection, underlying, 0, table.rates[underlying]!);
  }
}
