import type { SubscriptionSliceSpec } from '../../crds/index.ts';
import { localTime } from '../../crds/sessions/local-time.ts';
import { TradingCalendar } from '../../crds/sessions/trading-calendar.ts';
import type { ShardLimits } from './limits.ts';

/** A slice without a connection, because nothing of it trades. */
export interface Rest {
  /** When the next session of any of its exchanges opens, milliseconds since the epoch; `Infinity` where none is in sight. */
  readonly opens: number;
  /** The same for people. */
  readonly message: string;
}

const nobody: ReadonlySet<string> = new Set();

/**
 * When a slice needs its connection, by its account's trading calendar: from shortly before a session of any of its
 * exchanges until shortly after it. Without a calendar, always. A slice without instruments follows every exchange that
 * the calendar names. Pure; times are milliseconds since the epoch.
 */
export class SliceSessions {
  readonly #limits: Pick<ShardLimits, 'sessionLead' | 'sessionLag'>;
  #text = '';
  #timezone = '';
  #calendar: TradingCalendar | undefined;
  #exchanges: readonly (string | undefined)[] = [];

  constructor(limits: Pick<ShardLimits, 'sessionLead' | 'sessionLag'>) {
    this.#limits = limits;
  }

  configure({ sessions, groups }: Pick<SubscriptionSliceSpec, 'sessions' | 'groups'>): void {
    const text = JSON.stringify(sessions) ?? '';
    if (text !== this.#text) this.#calendar = sessions === undefined ? undefined : new TradingCalendar(sessions);
    this.#text = text;
    this.#timezone = sessions?.timezone ?? '';
    this.#exchanges = groups.length === 0 ? [undefined] : [...new Set(groups.map(({ exchange }) => exchange))];
  }

  /** Undefined while a connection is needed. */
  rest(now: number): Rest | undefined {
    const { sessionLead, sessionLag } = this.#limits;
    if (this.#calendar === undefined) return undefined;
    let opens = Number.POSITIVE_INFINITY;
    for (const exchange of this.#exchanges) {
      const { state, since, nextChange } = this.#calendar.at(exchange, now);
      if (state === 'open' || nextChange - now <= sessionLead || now - since < sessionLag) return undefined;
      opens = Math.min(opens, nextChange);
    }
    const message = Number.isFinite(opens)
      ? `Resting, opens at ${localTime(opens, this.#timezone)}.`
      : 'Resting, and the calendar has no session to come: check spec.sessions of the account.';
    return { opens, message };
  }

  /** Exchanges of the slice that have no session now: no packet is expected of their instruments. */
  closed(now: number): ReadonlySet<string> {
    const calendar = this.#calendar;
    if (calendar === undefined) return nobody;
    const closed = this.#exchanges.filter((exchange) => calendar.at(exchange, now).state === 'closed');
    return closed.length === 0 ? nobody : new Set(closed.flatMap((exchange) => exchange ?? []));
  }

  /** Whether any exchange of the slice has a session now. */
  open(now: number): boolean {
    const calendar = this.#calendar;
    return calendar === undefined || this.#exchanges.some((exchange) => calendar.at(exchange, now).state === 'open');
  }
}
