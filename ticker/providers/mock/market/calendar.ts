/**
 * Dates of the Indian market, whose time is UTC+05:30 all year. Times are milliseconds since the Unix epoch; dates are
 * `YYYY-MM-DD`.
 */
const offset = 330 * 60_000;
export const day = 86_400_000;

/** The Indian date of an instant. */
export function dateOf(time: number): string {
  return new Date(time + offset).toISOString().slice(0, 10);
}

/** The instant of a time of day, given in minutes after midnight, on an Indian date. */
export function instantOf(date: string, minutes = 0): number {
  return Date.parse(`${date}T00:00:00Z`) - offset + minutes * 60_000;
}

export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * day).toISOString().slice(0, 10);
}

/** 0 for Sunday to 6 for Saturday. */
export function weekdayOf(date: string): number {
  return new Date(`${date}T00:00:00Z`).getUTCDay();
}

/** `2026-11-24T09:15:00+0530`, as in Kite's candles. */
export function offsetTimestamp(time: number): string {
  return `${new Date(time + offset).toISOString().slice(0, 19)}+0530`;
}

/** `2026-11-24 09:15:00`, as in Kite's quotes. */
export function localTimestamp(time: number): string {
  return new Date(time + offset).toISOString().slice(0, 19).replace('T', ' ');
}

/** Reads `2026-11-24 09:15:00`, `2026-11-24T09:15:00` or `2026-11-24` as Indian time; NaN where it is neither. */
export function parseLocal(text: string): number {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[ T+](\d{2}:\d{2}:\d{2}))?$/.exec(text);
  if (match === null) return Number.NaN;
  return Date.parse(`${match[1]}T${match[2] ?? '00:00:00'}Z`) - offset;
}
