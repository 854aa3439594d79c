import { TradingCalendar } from '../../crds/sessions/trading-calendar.ts';
import type { AccountSnapshot } from '../snapshot.ts';

type Account = Pick<AccountSnapshot, 'account' | 'sessions' | 'exchanges'>;

/** Whether accounts have a session, by their own calendars; a calendar is kept while it is the account's. */
export class AccountSessions {
  #calendars = new Map<string, { readonly text: string; readonly calendar: TradingCalendar }>();

  /** @param now milliseconds since the epoch */
  open(accounts: readonly Account[], now: number): Map<string, boolean> {
    const before = this.#calendars;
    this.#calendars = new Map();
    return new Map(
      accounts.map(({ account, sessions, exchanges }) => {
        if (sessions === undefined) return [account, true];
        const text = JSON.stringify(sessions);
        const known = before.get(account);
        const kept = known?.text === text ? known : { text, calendar: new TradingCalendar(sessions) };
        this.#calendars.set(account, kept);
        return [account, kept.calendar.anyOpen(exchanges, now)];
      }),
    );
  }
}
