import type { Mode, SubscriptionSliceSpec } from '../../crds/index.ts';
import { TokenIndex } from '../token-index.ts';
import { Liveness, type WatchdogLimits } from './liveness.ts';

/** What to send on a connection to get from what was sent to what is wanted. */
export interface SubscriptionChange {
  readonly unsubscribe: readonly number[];
  /** Also for tokens that only change mode. One entry a mode. */
  readonly subscribe: readonly { readonly mode: Mode; readonly tokens: readonly number[] }[];
}

const modes: readonly Mode[] = ['ltp', 'quote', 'full'];

/**
 * What one connection is to stream and what was asked of it. Reconciled by difference: what stays is not touched. Pure;
 * times are monotonic milliseconds. What was asked for is rows of columns, in the order of asking.
 */
export class Subscriptions {
  readonly #limits: WatchdogLimits;
  readonly #nameOf: (token: number) => string;
  readonly #liveness = new Liveness();
  /** What is said of instruments together; not the instruments themselves, which would be held as objects. */
  #groups: readonly { readonly mode: Mode; readonly exchange: string }[] = [];
  /** Token → index of the group that names it last. */
  #wanted = new TokenIndex();
  /** The same tokens, in the order of the groups. */
  #order = new Uint32Array(0);
  /** Token → row. */
  #sent = new TokenIndex();
  #rows = 0;
  #tokens = new Uint32Array(0);
  /** Index of each row's mode. */
  #modes = new Uint8Array(0);
  /** Each row's exchange, one string for all of an exchange. */
  readonly #exchanges: string[] = [];
  /** Of everything that was sent. */
  #confirmed = false;

  /** @param nameOf name of an instrument that is wanted, for people */
  constructor(limits: WatchdogLimits, nameOf: (token: number) => string) {
    this.#limits = limits;
    this.#nameOf = nameOf;
  }

  /** Instruments whose subscription was sent on the open connection. */
  get sent(): number {
    return this.#rows;
  }

  get wanted(): number {
    return this.#wanted.size;
  }

  /** Takes over what the slice asks for. */
  want(groups: SubscriptionSliceSpec['groups']): void {
    this.#groups = groups.map(({ mode, exchange }) => ({ mode, exchange }));
    const named = groups.reduce((sum, { instruments }) => sum + instruments.length, 0);
    const order = new Uint32Array(named);
    const wanted = new TokenIndex(named);
    groups.forEach(({ instruments }, index) => {
      for (const { token } of instruments) {
        if (wanted.get(token) < 0) order[wanted.size] = token;
        wanted.set(token, index);
      }
    });
    this.#wanted = wanted;
    this.#order = order.subarray(0, wanted.size);
  }

  /** The difference; it counts as sent from now on. */
  reconcile(now: number): SubscriptionChange {
    const unsubscribe = this.#forgetUnwanted();
    this.#reserve(this.#wanted.size);
    if (this.#rows === 0) this.#sent = new TokenIndex(this.#wanted.size);
    const byMode = new Map<Mode, number[]>();
    for (const token of this.#order) {
      const { mode, exchange } = this.#groups[this.#wanted.get(token)]!;
      const known = this.#sent.get(token);
      if (known >= 0 && modes[this.#modes[known]!] === mode) continue;
      const row = known >= 0 ? known : this.#rows++;
      if (known < 0) {
        this.#confirmed = false;
        this.#sent.set(token, row);
        this.#tokens[row] = token;
        this.#liveness.begin(row, now);
      }
      this.#modes[row] = modes.indexOf(mode);
      this.#exchanges[row] = exchange;
      addTo(byMode, mode, token);
    }
    return { unsubscribe, subscribe: inOrder(byMode) };
  }

  /** Every instrument has sent a packet since it was subscribed, or has had `wait` milliseconds to. */
  confirmed(now: number, wait: number): boolean {
    for (let row = 0; row < this.#rows && !this.#confirmed; row++) {
      if (!this.#liveness.confirmed(row, now, wait)) return false;
    }
    this.#confirmed = true;
    return true;
  }

  /** The connection is gone: nothing is subscribed any more. */
  reset(): void {
    this.#confirmed = false;
    this.#sent = new TokenIndex();
    this.#rows = 0;
    this.#exchanges.length = 0;
  }

  /** Packets of the instruments `tokens[first]` to before `tokens[end]` arrived. */
  heard(tokens: Uint32Array, first: number, end: number, now: number): void {
    const sent = this.#sent;
    const liveness = this.#liveness;
    for (let i = first; i < end; i++) {
      const row = sent.get(tokens[i]!);
      if (row >= 0) liveness.heard(row, now);
    }
  }

  /** Nothing is expected of instruments of `closed` exchanges: their wait starts anew when these open. */
  rest(now: number, closed: ReadonlySet<string>): void {
    for (let row = 0; row < this.#rows; row++) if (closed.has(this.#exchanges[row]!)) this.#liveness.rest(row, now);
  }

  /**
   * Subscriptions that the broker seems to have lost, to be unsubscribed and subscribed again: never a packet, or none
   * for long by the instrument's own habit. Asked again with growing waits, so a quiet market costs few messages; what
   * never sent a packet is given up after a bounded number of attempts and named by {@link silent}. Where the stream as a
   * whole is not `flowing`, it is the stream that is doubted and not its instruments.
   */
  overdue(now: number, flowing: boolean): SubscriptionChange {
    const rows: number[] = [];
    for (let row = 0; row < this.#rows; row++) {
      if (!this.#liveness.overdue(row, now, flowing, this.#limits)) continue;
      this.#liveness.asked(row, now);
      rows.push(row);
    }
    return this.#renewal(rows);
  }

  /** Instruments that stay mute although they were asked for as often as is allowed: their names. */
  silent(): string[] {
    const silent: string[] = [];
    for (let row = 0; row < this.#rows; row++) {
      if (this.#liveness.unanswered(row) >= this.#limits.resubscribeAttempts) {
        silent.push(this.#nameOf(this.#tokens[row]!));
      }
    }
    return silent;
  }

  /** Up to `count` subscribed tokens, to ask whether the stream lives: the ones of open exchanges heard of last. */
  probe(count: number, closed: ReadonlySet<string> = new Set()): SubscriptionChange {
    const { last } = this.#liveness;
    const rows = Array.from({ length: this.#rows }, (_, row) => row);
    const trading = rows.filter((row) => !closed.has(this.#exchanges[row]!));
    return this.#renewal(trading.sort((a, b) => last[b]! - last[a]!).slice(0, count));
  }

  /** Takes out the rows of tokens that are not wanted, the others keeping their order; returns these tokens. */
  #forgetUnwanted(): number[] {
    const unwanted: number[] = [];
    let to = 0;
    for (let row = 0; row < this.#rows; row++) {
      const token = this.#tokens[row]!;
      if (this.#wanted.get(token) < 0) {
        unwanted.push(token);
        this.#sent.delete(token);
        continue;
      }
      if (to !== row) {
        this.#tokens[to] = token;
        this.#modes[to] = this.#modes[row]!;
        this.#exchanges[to] = this.#exchanges[row]!;
        this.#liveness.move(row, to);
        this.#sent.set(token, to);
      }
      to++;
    }
    this.#rows = to;
    this.#exchanges.length = to;
    return unwanted;
  }

  #reserve(capacity: number): void {
    if (capacity <= this.#tokens.length) return;
    const tokens = new Uint32Array(capacity);
    tokens.set(this.#tokens);
    this.#tokens = tokens;
    const rowModes = new Uint8Array(capacity);
    rowModes.set(this.#modes);
    this.#modes = rowModes;
    this.#liveness.reserve(capacity);
  }

  #renewal(rows: readonly number[]): SubscriptionChange {
    const byMode = new Map<Mode, number[]>();
    for (const row of rows) addTo(byMode, modes[this.#modes[row]!]!, this.#tokens[row]!);
    return { unsubscribe: rows.map((row) => this.#tokens[row]!), subscribe: inOrder(byMode) };
  }
}

function addTo(byMode: Map<Mode, number[]>, mode: Mode, token: number): void {
  const tokens = byMode.get(mode);
  if (tokens === undefined) byMode.set(mode, [token]);
  else tokens.push(token);
}

function inOrder(byMode: ReadonlyMap<Mode, number[]>): SubscriptionChange['subscribe'] {
  return modes.flatMap((mode) => {
    const tokens = byMode.get(mode);
    return tokens === undefined ? [] : [{ mode, tokens }];
  });
}
