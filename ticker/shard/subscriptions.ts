import type { Mode, SubscriptionSliceSpec } from '../../crds/index.ts';
import { Liveness } from './liveness.ts';

/** What to send on a connection to get from what was sent to what is wanted. */
export interface SubscriptionChange {
  readonly unsubscribe: readonly number[];
  /** Also for tokens that only change mode. One entry a mode. */
  readonly subscribe: readonly { readonly mode: Mode; readonly tokens: readonly number[] }[];
}

/** Waits and bounds of the watchdog, from {@link import('./limits.ts').ShardLimits}. */
export interface WatchdogLimits {
  readonly firstPacket: number;
  readonly resubscribeAttempts: number;
  readonly silentIntervals: number;
  readonly silentAtLeast: number;
  readonly quietAtMost: number;
}

interface Subscription {
  readonly mode: Mode;
  readonly exchange: string;
  readonly liveness: Liveness;
}

const modes: readonly Mode[] = ['ltp', 'quote', 'full'];

/**
 * What one connection is to stream and what was asked of it. Reconciled by difference: what stays is not touched. Pure;
 * times are monotonic milliseconds.
 */
export class Subscriptions {
  readonly #limits: WatchdogLimits;
  #wanted = new Map<number, Mode>();
  readonly #symbols = new Map<number, string>();
  readonly #exchanges = new Map<number, string>();
  readonly #sent = new Map<number, Subscription>();

  constructor(limits: WatchdogLimits) {
    this.#limits = limits;
  }

  /** Instruments whose subscription was sent on the open connection. */
  get sent(): number {
    return this.#sent.size;
  }

  get wanted(): number {
    return this.#wanted.size;
  }

  /** Takes over what the slice asks for. */
  want(groups: SubscriptionSliceSpec['groups']): void {
    const wanted = new Map<number, Mode>();
    this.#symbols.clear();
    this.#exchanges.clear();
    for (const { mode, exchange, instruments } of groups) {
      for (const { token, symbol } of instruments) {
        wanted.set(token, mode);
        this.#symbols.set(token, `${exchange}:${symbol}`);
        this.#exchanges.set(token, exchange);
      }
    }
    this.#wanted = wanted;
  }

  /** The difference; it counts as sent from now on. */
  reconcile(now: number): SubscriptionChange {
    const unsubscribe: number[] = [];
    for (const token of this.#sent.keys()) if (!this.#wanted.has(token)) unsubscribe.push(token);
    for (const token of unsubscribe) this.#sent.delete(token);
    const byMode = new Map<Mode, number[]>();
    for (const [token, mode] of this.#wanted) {
      const sent = this.#sent.get(token);
      if (sent?.mode === mode) continue;
      const exchange = this.#exchanges.get(token) ?? '';
      this.#sent.set(token, { mode, exchange, liveness: sent?.liveness ?? new Liveness(now) });
      const tokens = byMode.get(mode);
      if (tokens === undefined) byMode.set(mode, [token]);
      else tokens.push(token);
    }
    return { unsubscribe, subscribe: inOrder(byMode) };
  }

  /** The connection is gone: nothing is subscribed any more. */
  reset(): void {
    this.#sent.clear();
  }

  /** A packet of this instrument arrived. */
  heard(token: number, now: number): void {
    this.#sent.get(token)?.liveness.heard(now);
  }

  /** Nothing is expected of instruments of `closed` exchanges: their wait starts anew when these open. */
  rest(now: number, closed: ReadonlySet<string>): void {
    for (const { exchange, liveness } of this.#sent.values()) if (closed.has(exchange)) liveness.rest(now);
  }

  /**
   * Subscriptions that the broker seems to have lost, to be unsubscribed and subscribed again: never a packet, or none
   * for long by the instrument's own habit. Asked again with growing waits, so a quiet market costs few messages; what
   * never sent a packet is given up after a bounded number of attempts and named by {@link silent}. Where the stream as a
   * whole is not `flowing`, it is the stream that is doubted and not its instruments.
   */
  overdue(now: number, flowing: boolean): SubscriptionChange {
    const byMode = new Map<Mode, number[]>();
    const unsubscribe: number[] = [];
    for (const [token, { mode, liveness }] of this.#sent) {
      if (!liveness.overdue(now, flowing, this.#limits)) continue;
      liveness.asked(now);
      unsubscribe.push(token);
      const tokens = byMode.get(mode);
      if (tokens === undefined) byMode.set(mode, [token]);
      else tokens.push(token);
    }
    return { unsubscribe, subscribe: inOrder(byMode) };
  }

  /** Instruments that stay mute although they were asked for as often as is allowed: their names. */
  silent(): string[] {
    const silent: string[] = [];
    for (const [token, { liveness }] of this.#sent) {
      if (liveness.unanswered >= this.#limits.resubscribeAttempts) {
        silent.push(this.#symbols.get(token) ?? String(token));
      }
    }
    return silent;
  }

  /** Up to `count` subscribed tokens, to ask whether the stream lives: the ones of open exchanges heard of last. */
  probe(count: number, closed: ReadonlySet<string> = new Set()): SubscriptionChange {
    const trading = [...this.#sent].filter(([, { exchange }]) => !closed.has(exchange));
    const newest = trading.sort(([, a], [, b]) => b.liveness.last - a.liveness.last).slice(0, count);
    const byMode = new Map<Mode, number[]>();
    for (const [token, { mode }] of newest) byMode.set(mode, [...(byMode.get(mode) ?? []), token]);
    return { unsubscribe: newest.map(([token]) => token), subscribe: inOrder(byMode) };
  }
}

function inOrder(byMode: ReadonlyMap<Mode, number[]>): SubscriptionChange['subscribe'] {
  return modes.flatMap((mode) => {
    const tokens = byMode.get(mode);
    return tokens === undefined ? [] : [{ mode, tokens }];
  });
}
