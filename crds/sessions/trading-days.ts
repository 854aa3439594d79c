import { instantOf, utcOffset } from '../../runtime/zoned-time.ts';
import type { SubscriptionSliceSpec } from '../index.ts';

/** `spec.sessions` of an account, as its slices carry it. */
export type SessionsSpec = NonNullable<SubscriptionSliceSpec['sessions']>;

/** From `open` to just before `close`; milliseconds since the Unix epoch. */
export interface Session {
  readonly open: number;
  readonly close: number;
}

export const dayMillis = 86_400_000;
const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;

/** Days whose sessions are remembered for each exchange; past it all are worked out anew. */
const daysKept = 64;

/** A calendar date as a number of days since 1970-01-01, so that dates can be counted on. */
export function dayOf(instant: number, timezone: string): number {
  return Math.floor((instant + utcOffset(instant, timezone)) / dayMillis);
}

/** `YYYY-MM-DD`. */
export function dateText(day: number): string {
  return new Date(day * dayMillis).toISOString().slice(0, 10);
}

/**
 * The sessions of one exchange, day by day. Times are read in the calendar's zone; in the hour that a change to summer
 * time skips, an hour on; in the one that is repeated, the first.
 */
export class TradingDays {
  readonly timezone: string;
  readonly #hours: readonly { readonly days: ReadonlySet<string>; readonly open: string; readonly close: string }[];
  readonly #holidays: ReadonlySet<string>;
  readonly #special = new Map<string, { readonly open: string; readonly close: string }[]>();
  readonly #known = new Map<number, readonly Session[]>();

  /** @param exchange its code; undefined takes every entry, whatever exchange it is for */
  constructor(spec: SessionsSpec, exchange: string | undefined) {
    const holds = ({ exchanges }: { readonly exchanges?: readonly string[] | undefined }): boolean =>
      exchange === undefined || exchanges === undefined || exchanges.includes(exchange);
    this.timezone = spec.timezone;
    this.#hours = spec.hours
      .filter(holds)
      .map(({ days, open, close }) => ({ days: new Set<string>(days), open, close }));
    this.#holidays = new Set((spec.holidays ?? []).filter(holds).map(({ date }) => date));
    for (const { date, open, close } of (spec.special ?? []).filter(holds)) {
      this.#special.set(date, [...(this.#special.get(date) ?? []), { open, close }]);
    }
  }

  /** Whether no entry of `hours` is for this exchange: it has no calendar, and is open around the clock. */
  get always(): boolean {
    return this.#hours.length === 0;
  }

  /** Sessions of a day in order; those that overlap are one, those that only touch are two. */
  on(day: number): readonly Session[] {
    let sessions = this.#known.get(day);
    if (sessions === undefined) {
      sessions = this.#workOut(day);
      if (this.#known.size >= daysKept) this.#known.clear();
      this.#known.set(day, sessions);
    }
    return sessions;
  }

  /** The instant at which a day begins. */
  start(day: number): number {
    return instantOf(dateText(day), '00:00', this.timezone) / 1000;
  }

  #workOut(day: number): readonly Session[] {
    const date = dateText(day);
    if (this.always) return [this.#session(date, { open: '00:00', close: '24:00' })];
    const weekday = weekdays[(((day + 4) % 7) + 7) % 7]!;
    const regular = this.#holidays.has(date) ? [] : this.#hours.filter(({ days }) => days.has(weekday));
    const sessions = [...regular, ...(this.#special.get(date) ?? [])]
      .map((hours) => this.#session(date, hours))
      .filter(({ open, close }) => open < close)
      .sort((a, b) => a.open - b.open || a.close - b.close);
    return joined(sessions, (before, next) => next.open < before.close);
  }

  #session(date: string, { open, close }: { readonly open: string; readonly close: string }): Session {
    return {
      open: instantOf(date, open, this.timezone) / 1000,
      close: instantOf(date, close, this.timezone) / 1000,
    };
  }
}

/** Sessions in order, with those that belong together made one. */
export function joined(
  sessions: readonly Session[],
  together: (before: Session, next: Session) => boolean,
): readonly Session[] {
  const result: Session[] = [];
  for (const next of sessions) {
    const before = result.at(-1);
    if (before !== undefined && together(before, next)) {
      result[result.length - 1] = { open: before.open, close: Math.max(before.close, next.close) };
    } else result.push(next);
  }
  return result;
}
