import { AccountPool } from './account-pool.ts';
import { AccountRoom } from './account-room.ts';
import type { Combination } from './combinations.ts';
import { type Displaced, type Home, keepPlaced } from './keep.ts';
import { MarketTable } from './market-table.ts';
import type { CurrentSlice, Move, PlannerAccount, SetDemand, Unplaced, UnplacedReason } from './types.ts';

/** The outcome for one market: what each account carries, in terms of the table's rows. */
export interface MarketPlacement {
  readonly table: MarketTable;
  readonly accounts: readonly AccountRoom[];
  readonly unplaced: readonly Unplaced[];
  readonly moves: readonly Move[];
}

/** A slice that already serves a set before anything new is placed: where the set's next instruments go first. */
interface Affinity {
  readonly account: AccountRoom;
  readonly connection: number;
  readonly count: number;
}

/**
 * Places one market's demand, in this order: what is placed and can stay stays (`keep.ts`); instruments that lost their
 * account go to others; those of impaired accounts that nobody has room for go back; then what is new, the oldest set
 * first. So nothing that is placed makes way for something new.
 *
 * A chunk of a set (at most one connection's worth) goes to a connection that serves the set already, else to the least
 * loaded account that takes it whole. On a fresh plan, where room does not bind and every set may use every account, no
 * account is loaded more than one chunk above the mean (greedy list scheduling; Graham, "Bounds on Multiprocessing
 * Timing Anomalies", 1969).
 *
 * @param accounts in order of id
 * @param current in order of account and connection
 */
export function placeMarket(
  market: string,
  demands: readonly SetDemand[],
  accounts: readonly PlannerAccount[],
  current: readonly CurrentSlice[],
): MarketPlacement {
  const table = new MarketTable(demands);
  const rooms = accounts.map((account, index) => new AccountRoom(account, index));
  return new MarketPlacer(market, table, rooms, current).place();
}

class MarketPlacer {
  readonly #market: string;
  readonly #table: MarketTable;
  readonly #accounts: readonly AccountRoom[];
  readonly #byId: ReadonlyMap<string, AccountRoom>;
  readonly #current: readonly CurrentSlice[];
  readonly #permitted = new Map<readonly string[], ReadonlySet<AccountRoom>>();
  readonly #poolOfArray = new Map<readonly string[], AccountPool>();
  readonly #poolOf = new Map<Combination, AccountPool>();
  readonly #holders: AccountRoom[][] = [];
  readonly #unplaced: Unplaced[] = [];
  readonly #moves: Move[] = [];
  #open: Combination[] = [];
  #affinities: Map<number, Affinity[]> = new Map();

  constructor(market: string, table: MarketTable, accounts: readonly AccountRoom[], current: readonly CurrentSlice[]) {
    this.#market = market;
    this.#table = table;
    this.#accounts = accounts;
    this.#byId = new Map(accounts.map((account) => [account.id, account]));
    this.#current = current;
  }

  place(): MarketPlacement {
    const kept = keepPlaced(this.#table, this.#byId, this.#current, (account, sets) => this.#eligible(account, sets));
    this.#open = kept.open;
    this.#indexKept();
    this.#placeDisplaced(kept.displaced);
    const remaining = this.#open.flatMap((sets, row) => (sets === 0 ? [] : [row]));
    this.#placeRows(remaining, (row) => this.#open[row]!);
    this.#explainRest();
    return { table: this.#table, accounts: this.#accounts, unplaced: this.#unplaced, moves: this.#moves };
  }

  /** Those of `sets` that may use the account. */
  #eligible(account: AccountRoom, sets: Combination): Combination {
    const ranks = this.#table.combinations.members(sets);
    const allowed = ranks.filter((rank) => this.#permittedTo(rank).has(account));
    return allowed.length === ranks.length ? sets : this.#table.combinations.intern(allowed);
  }

  #permittedTo(rank: number): ReadonlySet<AccountRoom> {
    const { accounts } = this.#table.sets[rank]!;
    let permitted = this.#permitted.get(accounts);
    if (permitted === undefined) {
      permitted = new Set(accounts.map((id) => this.#byId.get(id)).filter((account) => account !== undefined));
      this.#permitted.set(accounts, permitted);
    }
    return permitted;
  }

  /** Remembers who carries what after the keep pass, and lets those who do serve the other sets that want the row. */
  #indexKept(): void {
    const counts = new Map<number, Map<string, Affinity>>();
    for (const account of this.#accounts) {
      account.connections.forEach((rows, connection) => {
        const perCombination = new Map<Combination, number>();
        for (const [row, sets] of rows) {
          this.#hold(row, account);
          const more = this.#open[row]! === 0 ? 0 : this.#eligible(account, this.#open[row]!);
          if (more !== 0) {
            rows.set(row, this.#table.combinations.union(sets, more));
            this.#open[row] = this.#table.combinations.minus(this.#open[row]!, more);
          }
          perCombination.set(sets, (perCombination.get(sets) ?? 0) + 1);
        }
        for (const [sets, count] of perCombination) {
          for (const rank of this.#table.combinations.members(sets)) {
            const slices = counts.get(rank) ?? new Map<string, Affinity>();
            counts.set(rank, slices);
            const key = `${account.index}/${connection}`;
            slices.set(key, { account, connection, count: (slices.get(key)?.count ?? 0) + count });
          }
        }
      });
    }
    this.#affinities = new Map(
      [...counts].map(([rank, slices]) => [
        rank,
        [...slices.values()].sort(
          (a, b) => b.count - a.count || a.account.index - b.account.index || a.connection - b.connection,
        ),
      ]),
    );
  }

  #placeDisplaced(displaced: readonly Displaced[]): void {
    const { combinations } = this.#table;
    const byRow = new Map<number, Combination>();
    for (const { row, sets } of displaced) {
      const open = combinations.intersection(this.#open[row]!, combinations.union(byRow.get(row) ?? 0, sets));
      if (open !== 0) byRow.set(row, open);
    }
    this.#placeRows([...byRow.keys()], (row) => combinations.intersection(byRow.get(row)!, this.#open[row]!));
    for (const { row, sets, from, home } of displaced) {
      const left = combinations.intersection(this.#open[row]!, sets);
      if (left !== 0 && home !== undefined) this.#putBack(row, left, home);
      const to = this.#servedBy(row, combinations.minus(sets, this.#open[row]!));
      if (to !== undefined && to.id !== from) {
        this.#moves.push({ kind: 'instrument', token: this.#table.tokens[row]!, from, to: to.id });
      }
    }
  }

  #servedBy(row: number, sets: Combination): AccountRoom | undefined {
    if (sets === 0) return undefined;
    return this.#holders[row]?.find((account) => {
      const carried = account.connections[account.connectionOf(row)]?.get(row) ?? 0;
      return this.#table.combinations.intersection(carried, sets) !== 0;
    });
  }

  #putBack(row: number, sets: Combination, { account, connection, connections }: Home): void {
    const served = this.#eligible(account, sets);
    if (served === 0) return;
    const beside = connections.get(this.#table.underlyings[row]!) ?? connection;
    if (this.#join(row, served, account) || this.#take(row, served, account, connection, beside)) {
      this.#open[row] = this.#table.combinations.minus(this.#open[row]!, served);
    }
  }

  /** Places rows for their open sets: each combination as a whole where its sets share accounts with room, else set by set. */
  #placeRows(rows: readonly number[], openOf: (row: number) => Combination): void {
    const { combinations } = this.#table;
    for (const [sets, group] of this.#grouped(rows, openOf)) {
      const ranks = combinations.members(sets);
      const left = this.#placeGroup(sets, group);
      if (ranks.length === 1 || left.length === 0) continue;
      for (const rank of ranks) this.#placeGroup(combinations.of(rank), left);
    }
  }

  #grouped(rows: readonly number[], openOf: (row: number) => Combination): [Combination, number[]][] {
    const groups = new Map<Combination, number[]>();
    for (const row of rows) {
      const sets = openOf(row);
      const group = groups.get(sets);
      if (group === undefined) groups.set(sets, [row]);
      else group.push(row);
    }
    groups.delete(0);
    for (const group of groups.values()) group.sort((a, b) => this.#table.compareRows(a, b));
    return [...groups].sort(([a], [b]) => this.#table.combinations.compare(a, b));
  }

  /** Places what it can of rows that `sets` share; returns the rest. */
  #placeGroup(sets: Combination, rows: readonly number[]): readonly number[] {
    const pool = this.#pool(sets);
    let left: readonly number[] = rows.filter((row) => !this.#serveFromHolder(row, sets, pool));
    for (const { account, connection } of this.#affinities.get(this.#table.combinations.members(sets)[0]!) ?? []) {
      if (left.length === 0) return left;
      if (pool.has(account)) left = this.#fill(left, sets, account, connection);
    }
    const refused = new Set<AccountRoom>();
    while (left.length > 0) {
      const wanted = left.length + (this.#table.underlyings[left[left.length - 1]!]! >= 0 ? 1 : 0);
      const account = pool.pick(wanted, refused);
      if (account === undefined) return left;
      const before = left.length;
      left = this.#fill(left, sets, account, account.connectionFor(wanted));
      // Options need room for their underlying too: an account may have room and still take none of them.
      if (left.length === before) refused.add(account);
    }
    return left;
  }

  #serveFromHolder(row: number, sets: Combination, pool: AccountPool): boolean {
    for (const account of this.#holders[row] ?? []) {
      if (pool.has(account) && this.#join(row, sets, account)) {
        this.#open[row] = this.#table.combinations.minus(this.#open[row]!, sets);
        return true;
      }
    }
    return false;
  }

  /** Lets an account that carries the row serve these sets too. */
  #join(row: number, sets: Combination, account: AccountRoom): boolean {
    const rows = account.connections[account.connectionOf(row)];
    if (rows === undefined) return false;
    rows.set(row, this.#table.combinations.union(rows.get(row)!, sets));
    return true;
  }

  /** Puts rows on one connection until it is full; returns the rest. */
  #fill(rows: readonly number[], sets: Combination, account: AccountRoom, connection: number): readonly number[] {
    let next = 0;
    const left: number[] = [];
    while (next < rows.length && account.freeOn(connection) > 0) {
      const row = rows[next++]!;
      if (this.#join(row, sets, account) || this.#take(row, sets, account, connection)) {
        this.#open[row] = this.#table.combinations.minus(this.#open[row]!, sets);
      } else {
        left.push(row);
      }
    }
    return left.length === 0 && next === 0 ? rows : left.concat(rows.slice(next));
  }

  /**
   * Puts one row that the account does not carry, with its underlying where that is missing (on connection `beside`, if
   * there is room); all or nothing.
   */
  #take(row: number, sets: Combination, account: AccountRoom, connection: number, beside = connection): boolean {
    const { rates, underlyings } = this.#table;
    if (account.freeOn(connection) < 1) return false;
    const underlying = underlyings[row]!;
    if (underlying >= 0 && account.connectionOf(underlying) < 0) {
      if (account.free < 2) return false;
      const fits = account.freeOn(beside) >= (beside === connection ? 2 : 1);
      const chosen = fits ? beside : this.#otherConnection(account, connection);
      if (chosen < 0) return false;
      account.put(chosen, underlying, 0, rates[underlying]!);
      this.#hold(underlying, account);
    }
    account.put(connection, row, sets, rates[row]!);
    this.#hold(row, account);
    if (underlying >= 0) account.countOption(underlying, 1);
    return true;
  }

  #otherConnection(account: AccountRoom, connection: number): number {
    return account.connections.findIndex((_, other) => other !== connection && account.freeOn(other) > 0);
  }

  #hold(row: number, account: AccountRoom): void {
    const holders = this.#holders[row];
    if (holders === undefined) this.#holders[row] = [account];
    else if (!holders.includes(account)) holders.push(account);
  }

  /** The usable accounts that every one of the sets may use. */
  #pool(sets: Combination): AccountPool {
    let pool = this.#poolOf.get(sets);
    if (pool !== undefined) return pool;
    const arrays = [...new Set(this.#table.combinations.members(sets).map((rank) => this.#table.sets[rank]!.accounts))];
    const single = arrays.length === 1 ? this.#poolOfArray.get(arrays[0]!) : undefined;
    pool = single ?? new AccountPool(this.#usableByAll(sets));
    if (arrays.length === 1) this.#poolOfArray.set(arrays[0]!, pool);
    this.#poolOf.set(sets, pool);
    return pool;
  }

  #usableByAll(sets: Combination): AccountRoom[] {
    const [first, ...others] = this.#table.combinations.members(sets).map((rank) => this.#permittedTo(rank));
    const usable = [...(first ?? [])].filter((account) => account.state === 'usable');
    return usable.filter((account) => others.every((permitted) => permitted.has(account)));
  }

  #explainRest(): void {
    const reasons = new Map<number, UnplacedReason>();
    const reasonOf = (rank: number): UnplacedReason => {
      const permitted = this.#permittedTo(rank);
      if (permitted.size === 0) return 'NoAccount';
      return [...permitted].some((account) => account.state === 'usable') ? 'NoCapacity' : 'NoUsableAccount';
    };
    this.#open.forEach((sets, row) => {
      for (const rank of this.#table.combinations.members(sets)) {
        const reason = reasons.get(rank) ?? reasonOf(rank);
        reasons.set(rank, reason);
        const { id } = this.#table.sets[rank]!;
        this.#unplaced.push({ set: id, market: this.#market, token: this.#table.tokens[row]!, reason });
      }
    });
  }
}
