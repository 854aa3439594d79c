import { addDays, weekdayOf } from './calendar.ts';

/** Which contracts an exchange keeps open on an underlying. */
export interface ExpiryRule {
  /** Day of the week on which contracts expire, 0 for Sunday. */
  readonly weekday: number;
  /** Weekly expiries kept open; a month's last is its monthly one. */
  readonly weeklies: number;
  readonly monthlies: number;
}

export interface Expiry {
  readonly date: string;
  readonly monthly: boolean;
}

/**
 * Expiries open on `date`, in order. One that falls on a holiday moves to the trading day before it.
 *
 * @param isTradingDay weekends count as trading days of nobody here: contracts expire on weekdays only
 */
export function openExpiries(rule: ExpiryRule, date: string, isTradingDay: (date: string) => boolean): Expiry[] {
  const found = new Map<string, Expiry>();
  let weeklies = 0;
  let monthlies = 0;
  const start = addDays(date, -7);
  let cursor = addDays(start, (rule.weekday - weekdayOf(start) + 7) % 7);
  while (weeklies < rule.weeklies || monthlies < rule.monthlies) {
    const monthly = addDays(cursor, 7).slice(0, 7) !== cursor.slice(0, 7);
    const moved = tradingDayUpTo(cursor, isTradingDay);
    if (moved >= date) {
      const wantedWeekly = weeklies < rule.weeklies;
      const wantedMonthly = monthly && monthlies < rule.monthlies;
      if (wantedWeekly || wantedMonthly) found.set(moved, { date: moved, monthly });
      weeklies += 1;
      if (monthly) monthlies += 1;
    }
    cursor = addDays(cursor, 7);
  }
  return [...found.values()];
}

function tradingDayUpTo(date: string, isTradingDay: (date: string) => boolean): string {
  let found = date;
  for (let tried = 0; tried < 7 && !isTradingDay(found); tried++) found = addDays(found, -1);
  return found;
}
