import { addDays, dateOf, day, instantOf, weekdayOf } from './calendar.ts';

/** Minutes after midnight, Indian time. */
export interface TradingHours {
  readonly open: number;
  readonly close: number;
}

/**
 * When exchanges trade. `always` trades around the clock on every day, midnight to midnight, so that a demo ticks
 * whenever it is started.
 */
export type MarketHours =
  | 'always'
  | {
      /** By exchange; `default` holds for the others. Monday to Friday. */
      readonly hours: Readonly<Record<string, TradingHours>> & { readonly default: TradingHours };
      /** `YYYY-MM-DD` without trading. */
      readonly holidays?: readonly string[];
    };

/** Usual hours of the Indian exchanges, for a market that closes. They change: data, not a promise. */
export const indianHours: MarketHours = {
  hours: {
    default: { open: 555, close: 930 },
    CDS: { open: 540, close: 1020 },
    BCD: { open: 540, close: 1020 },
    MCX: { open: 540, close: 1410 },
  },
};

/** The session that an instant belongs to: the one going on, or the last before it. Milliseconds since the epoch. */
export interface Session {
  readonly open: number;
  readonly close: number;
  /** When the session before it closed. */
  readonly previousClose: number;
}

const longestBreakDays = 30;

/** Answers which session an instant belongs to. */
export class Sessions {
  readonly #hours: MarketHours;
  readonly #holidays: ReadonlySet<string>;
  /** The last answer for each exchange, valid until its successor opens. */
  readonly #last = new Map<string, { session: Session; until: number }>();

  constructor(hours: MarketHours) {
    this.#hours = hours;
    this.#holidays = new Set(hours === 'always' ? [] : hours.holidays);
  }

  isTradingDay(date: string): boolean {
    if (this.#hours === 'always') return true;
    const weekday = weekdayOf(date);
    return weekday !== 0 && weekday !== 6 && !this.#holidays.has(date);
  }

  at(exchange: string, time: number): Session {
    const last = this.#last.get(exchange);
    if (last !== undefined && time >= last.session.open && time < last.until) return last.session;
    const session = this.#find(exchange, time);
    const next = this.#on(exchange, this.#tradingDayFrom(addDays(dateOf(session.open), 1), 1));
    this.#last.set(exchange, { session, until: next.open });
    return session;
  }

  isOpen(exchange: string, time: number): boolean {
    const session = this.at(exchange, time);
    return time < session.close;
  }

  #find(exchange: string, time: number): Session {
    let date = this.#tradingDayFrom(dateOf(time), -1);
    if (this.#on(exchange, date).open > time) date = this.#tradingDayFrom(addDays(date, -1), -1);
    const { open, close } = this.#on(exchange, date);
    const before = this.#on(exchange, this.#tradingDayFrom(addDays(date, -1), -1));
    return { open, close, previousClose: before.close };
  }

  #on(exchange: string, date: string): { open: number; close: number } {
    if (this.#hours === 'always') return { open: instantOf(date), close: instantOf(date) + day };
    const hours = this.#hours.hours[exchange] ?? this.#hours.hours.default;
    return { open: instantOf(date, hours.open), close: instantOf(date, hours.close) };
  }

  #tradingDayFrom(start: string, step: 1 | -1): string {
    let date = start;
    for (let tried = 0; tried < longestBreakDays; tried++) {
      if (this.isTradingDay(date)) return date;
      date = addDays(date, step);
    }
    throw new RangeError(`no trading day within ${longestBreakDays} days of ${start}: check the holidays`);
  }
}
