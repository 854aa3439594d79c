import type { AccountRoom } from './account-room.ts';

interface Entry {
  readonly rate: number;
  readonly account: AccountRoom;
}

/** Accounts looked at for one that takes a whole chunk, before the one with most room is taken. Bounds a pick. */
const lookahead = 64;

/**
 * The usable accounts that some sets may use, by load: a binary heap on (rate, index). Loads only grow while a plan is
 * filled, so an entry that has become stale is found on top, and is put back with the load of today.
 */
export class AccountPool {
  readonly #heap: Entry[] = [];
  readonly #members: ReadonlySet<AccountRoom>;

  constructor(accounts: readonly AccountRoom[]) {
    this.#members = new Set(accounts);
    for (const account of this.#members) this.#push({ rate: account.rate, account });
  }

  has(account: AccountRoom): boolean {
    return this.#members.has(account);
  }

  get accounts(): Iterable<AccountRoom> {
    return this.#members;
  }

  get size(): number {
    return this.#members.size;
  }

  /** The least loaded account with room for `wanted` rows (or a whole connection) on one connection; else the roomiest. */
  pick(wanted: number, refused: ReadonlySet<AccountRoom>): AccountRoom | undefined {
    const aside: Entry[] = [];
    let roomiest: AccountRoom | undefined;
    let chosen: AccountRoom | undefined;
    let seen = 0;
    while (this.#heap.length > 0 && seen < lookahead) {
      const entry = this.#pop();
      const { account } = entry;
      const room = account.room;
      if (room === 0) continue;
      if (entry.rate !== account.rate) {
        this.#push({ rate: account.rate, account });
        continue;
      }
      aside.push(entry);
      if (refused.has(account)) continue;
      seen++;
      if (room >= Math.min(wanted, account.perConnection)) {
        chosen = account;
        break;
      }
      if (roomiest === undefined || room > roomiest.room) roomiest = account;
    }
    for (const entry of aside) this.#push(entry);
    return chosen ?? roomiest;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): Entry {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return top;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.rate !== b.rate ? a.rate < b.rate : a.account.index < b.account.index;
}
