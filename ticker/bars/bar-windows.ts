import type { InstrumentSetSpec } from '../../crds/index.ts';
import { dayOf, type Session, TradingDays } from '../../crds/sessions/trading-days.ts';

/** Name of a bar's length, as a set writes it. */
export type Interval = NonNullable<InstrumentSetSpec['bars']>['intervals'][number];

const minute = 60_000;
const lengths: Readonly<Record<Interval, number>> = {
  '1m': minute,
  '3m': 3 * minute,
  '5m': 5 * minute,
  '10m': 10 * minute,
  '15m': 15 * minute,
  '30m': 30 * minute,
  '1h': 60 * minute,
  '1d': Number.POSITIVE_INFINITY,
};

/** A session with the day that it is part of. Milliseconds since the Unix epoch. */
export interface DaySession extends Session {
  /** Days since 1970-01-01, in the calendar's zone. */
  readonly day: number;
  /** First open and last close of the day. */
  readonly dayOpen: number;
  readonly dayClose: number;
}

/**
 * Which bar an instant falls into. Bars begin with each session of the exchange and are counted from its open; the last
 * ends with the session. A `1d` bar goes from the day's first open to its last close. Without a calendar a session goes
 * from midnight to midnight. Pure; the session that was asked for last is kept.
 */
export class BarWindows {
  readonly #days: TradingDays;
  #session: DaySession | undefined;
  /** The instants for which `#session` (or that there is none) is known. */
  #from = Number.POSITIVE_INFINITY;
  #until = Number.NEGATIVE_INFINITY;

  constructor(days: TradingDays) {
    this.#days = days;
  }

  /** Bars from midnight to midnight of a zone. */
  static aroundTheClock(timezone: string): BarWindows {
    return new BarWindows(new TradingDays({ timezone, hours: [] }, undefined));
  }

  /** Whether the exchange has no calendar: nothing is known then of when its day begins. */
  get always(): boolean {
    return this.#days.always;
  }

  /** The session that an instant is in. */
  sessionAt(instant: number): DaySession | undefined {
    if (instant < this.#from || instant >= this.#until) this.#find(instant);
    return this.#session;
  }

  #find(instant: number): void {
    const today = dayOf(instant, this.#days.timezone);
    this.#session = undefined;
    this.#from = Number.NEGATIVE_INFINITY;
    this.#until = Number.POSITIVE_INFINITY;
    for (let day = today - 1; day <= today + 1; day++) {
      const sessions = this.#days.on(day);
      for (const { open, close } of sessions) {
        if (close <= instant) this.#from = Math.max(this.#from, close);
        else if (open > instant) this.#until = Math.min(this.#until, open);
        else {
          this.#session = { open, close, day, dayOpen: sessions[0]!.open, dayClose: sessions.at(-1)!.close };
          this.#from = open;
          this.#until = close;
          return;
        }
      }
    }
    this.#from = Math.max(this.#from, this.#days.start(today));
    this.#until = Math.min(this.#until, this.#days.start(today + 1));
  }
}

/** Start of the bar of `session` that `instant` is in. */
export function barStart(interval: Interval, session: DaySession, instant: number): number {
  if (interval === '1d') return session.dayOpen;
  const length = lengths[interval];
  return session.open + Math.floor((instant - session.open) / length) * length;
}

/** End of the bar of `session` that starts at `start`. */
export function barEnd(interval: Interval, session: DaySession, start: number): number {
  if (interval === '1d') return session.dayClose;
  return Math.min(start + lengths[interval], session.close);
}
