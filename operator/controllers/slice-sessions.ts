import type { InstrumentGroup, TickerAccountSpec } from '../../crds/index.ts';

type Sessions = NonNullable<TickerAccountSpec['sessions']>;

/**
 * What a slice carries of its account's trading calendar: entries for exchanges that it streams, without names, which
 * are for people. A slice without instruments carries them all, for it follows every exchange.
 */
export function sliceSessions(
  sessions: Sessions | undefined,
  groups: readonly InstrumentGroup[],
): Sessions | undefined {
  if (sessions === undefined) return undefined;
  const streamed = new Set(groups.map(({ exchange }) => exchange));
  /** The exchanges that an entry must name here; undefined where it is about none of them. */
  const about = (exchanges: string[] | undefined): { exchanges?: string[] } | undefined => {
    if (exchanges === undefined) return {};
    const own = groups.length === 0 ? exchanges : exchanges.filter((exchange) => streamed.has(exchange));
    return own.length === 0 ? undefined : { exchanges: own };
  };
  const trim = <T extends { readonly exchanges?: string[] | undefined; readonly name?: string | undefined }>(
    entries: readonly T[],
  ): Omit<T, 'name'>[] =>
    entries.flatMap(({ name: _, exchanges, ...entry }) => {
      const named = about(exchanges);
      return named === undefined ? [] : [{ ...entry, ...named } as Omit<T, 'name'>];
    });
  const hours = trim(sessions.hours);
  // None is about an exchange of this slice: around the clock.
  if (hours.length === 0) return undefined;
  return {
    timezone: sessions.timezone,
    hours,
    ...(sessions.holidays === undefined ? {} : { holidays: trim(sessions.holidays) }),
    ...(sessions.special === undefined ? {} : { special: trim(sessions.special) }),
  };
}
