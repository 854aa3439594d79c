import { dayOf, type Session, type SessionsSpec, TradingDays } from './trading-days.ts';

/** Days that are looked through for the next change. */
export const searchedDays = 400;
/** Exchanges whose calendars are kept; a slice has a few. Past it they are made for each question. */
const exchangesKept = 64;

/** Whether an exchange trades, and until when that is so. Milliseconds since the Unix epoch. */
export interface SessionState {
  readonly state: 'open' | 'closed';
  /** It has been so at least since this. */
  readonly since: number;
  /** When it changes; `Infinity` where it doesn't within {@link searchedDays}. */
  readonly nextChange: number;
}

const roundTheClock: SessionState = {
  state: 'open',
  since: Number.NEGATIVE_INFINITY,
  nextChange: Number.POSITIVE_INFINITY,
};

/** One exchange's calendar, asked for instants that mostly lie close together: the last answer is kept. */
export class ExchangeCalendar {
  readonly days: TradingDays;
  #last: SessionState | undefined;

  constructor(days: TradingDays) {
    this.days = days;
  }

  at(instant: number): SessionState {
    const last = this.#last;
    if (last !== undefined && instant >= last.since && instant < last.nextChange) return last;
    this.#last = stateAt(this.days, instant);
    return this.#last;
  }
}

/** The trading calendar of an account. Sessions that touch are one, across midnight too. Pure. */
export class TradingCalendar {
  readonly #spec: SessionsSpec;
  readonly #exchanges = new Map<string | undefined, ExchangeCalendar>();

  constructor(spec: SessionsSpec) {
    this.#spec = spec;
  }

  /** @param exchange its code; undefined is open while any exchange that the calendar names is */
  of(exchange: string | undefined): ExchangeCalendar {
    let calendar = this.#exchanges.get(exchange);
    if (calendar === undefined) {
      calendar = new ExchangeCalendar(new TradingDays(this.#spec, exchange));
      if (this.#exchanges.size < exchangesKept) this.#exchanges.set(exchange, calendar);
    }
    return calendar;
  }

  /** Whether any of these exchanges, or of all that the calendar names where it is none, has a session. */
  anyOpen(exchanges: readonly string[], instant: number): boolean {
    const asked = exchanges.length === 0 ? [undefined] : exchanges;
    return asked.some((exchange) => this.at(exchange, instant).state === 'open');
  }

  /** See {@link sessionAt}. */
  at(exchange: string | undefined, instant: number): SessionState {
    return this.of(exchange).at(instant);
  }
}

/**
 * Whether `exchange` trades at `instant` (milliseconds since the Unix epoch), and when that changes. An exchange that no
 * entry of `hours` is for trades around the clock. For many questions keep a {@link TradingCalendar}.
 */
export function sessionAt(spec: SessionsSpec, exchange: string, instant: number): SessionState {
  return stateAt(new TradingDays(spec, exchange), instant);
}

function stateAt(days: TradingDays, instant: number): SessionState {
  if (days.always) return roundTheClock;
  const today = dayOf(instant, days.timezone);
  // A day that a change of the zone's offset has made longer reaches into its neighbours.
  for (let day = today - 1; day <= today + 1; day++) {
    const running = days.on(day).find(({ open, close }) => open <= instant && instant < close);
    if (running !== undefined) return { state: 'open', since: running.open, nextChange: endOf(days, day, running) };
  }
  return { state: 'closed', since: closedSince(days, today, instant), nextChange: nextOpen(days, today, instant) };
}

/** The end of a session of `day`, with those that follow without a break. */
function endOf(days: TradingDays, from: number, { close }: Session): number {
  let end = close;
  for (let day = from; day <= from + searchedDays; day++) {
    for (const session of days.on(day)) if (session.open <= end) end = Math.max(end, session.close);
    if (end < days.start(day + 1)) return end;
  }
  return Number.POSITIVE_INFINITY;
}

function closedSince(days: TradingDays, today: number, instant: number): number {
  for (let day = today + 1; day >= today - 1; day--) {
    const before = days.on(day).findLast(({ close }) => close <= instant);
    if (before !== undefined) return before.close;
  }
  return days.start(today - 1);
}

function nextOpen(days: TradingDays, today: number, instant: number): number {
  for (let day = today - 1; day <= today + searchedDays; day++) {
    const next = days.on(day).find(({ open }) => open > instant);
    if (next !== undefined) return next.open;
  }
  return Number.POSITIVE_INFINITY;
}
