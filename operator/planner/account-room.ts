import type { Combination } from './combinations.ts';
import type { PlannerAccount } from './types.ts';

/** What one connection carries: rows of the market's table, each with the sets that it serves there. */
export type ConnectionRows = Map<number, Combination>;

/** The room of one account while a plan is made. Rows are indexes into the market's table of instruments. */
export class AccountRoom {
  readonly id: string;
  readonly index: number;
  readonly state: PlannerAccount['state'];
  readonly perConnection: number;
  readonly connections: readonly ConnectionRows[];
  /** How many options on this account have the row as their underlying. */
  readonly optionsOf = new Map<number, number>();
  rate = 0;
  #free: number;

  constructor(account: PlannerAccount, index: number) {
    this.id = account.id;
    this.index = index;
    this.state = account.state;
    this.perConnection = account.instrumentsPerConnection;
    this.connections = Array.from({ length: account.connections }, () => new Map<number, Combination>());
    this.#free = Math.min(account.connections * this.perConnection, account.instruments ?? Number.POSITIVE_INFINITY);
  }

  /** Instruments that still fit on the account as a whole. */
  get free(): number {
    return this.#free;
  }

  freeOn(connection: number): number {
    const rows = this.connections[connection];
    return rows === undefined ? 0 : Math.min(this.perConnection - rows.size, this.#free);
  }

  /** The most that fits on any one connection. */
  get room(): number {
    let most = 0;
    for (let c = 0; c < this.connections.length; c++)
      most = Math.max(most, this.perConnection - this.connections[c]!.size);
    return Math.min(most, this.#free);
  }

  /** The connection that carries `row`, or -1. */
  connectionOf(row: number): number {
    for (let c = 0; c < this.connections.length; c++) if (this.connections[c]!.has(row)) return c;
    return -1;
  }

  /**
   * The connection for `wanted` more rows: the first that takes them all, so that few connections are open; else the one
   * with most room, the first of equals. -1 when nothing fits.
   */
  connectionFor(wanted: number): number {
    let best = -1;
    let most = 0;
    for (let c = 0; c < this.connections.length; c++) {
      const free = this.freeOn(c);
      if (free >= wanted && free > 0) return c;
      if (free > most) {
        most = free;
        best = c;
      }
    }
    return best;
  }

  /** Puts a row that the account does not carry yet. The caller has checked the room. */
  put(connection: number, row: number, sets: Combination, rate: number): void {
    const rows = this.connections[connection]!;
    if (rows.size >= this.perConnection || this.#free <= 0) throw new Error(`account ${this.id} has no room left`);
    rows.set(row, sets);
    this.#free--;
    this.rate += rate;
  }

  remove(connection: number, row: number, rate: number): void {
    if (!this.connections[connection]!.delete(row)) return;
    this.#free++;
    this.rate -= rate;
  }

  countOption(underlying: number, by: number): void {
    this.optionsOf.set(underlying, (this.optionsOf.get(underlying) ?? 0) + by);
  }
}
