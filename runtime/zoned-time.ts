/** Offsets are asked of `Intl` in milliseconds; a formatter costs about 50 µs and is kept by zone. */
const formatters = new Map<string, Intl.DateTimeFormat>();
/** Zones whose formatter is kept; there are fewer than 600. */
const maxFormatters = 600;

/**
 * The instant of a local date and time, microseconds since the Unix epoch. In the hour that a change to summer time
 * skips it is the instant an hour on; in the one that is repeated, the first.
 *
 * @param date `YYYY-MM-DD`
 * @param time `HH:MM`
 * @param timezone an IANA name
 * @returns `NaN` where there is no such zone or date
 */
export function instantOf(date: string, time: string, timezone: string): number {
  const local = Date.parse(`${date}T${time}:00Z`);
  const formatter = formatterOf(timezone);
  if (formatter === undefined || Number.isNaN(local)) return Number.NaN;
  // The offset before and after any change on that day: the first instant whose local time is right, or the later reading.
  const before = offsetAt(formatter, local - 86_400_000);
  const after = offsetAt(formatter, local + 86_400_000);
  const first = local - before;
  if (offsetAt(formatter, first) === before) return first * 1000;
  const second = local - after;
  return (offsetAt(formatter, second) === after ? second : first) * 1000;
}

/** Local time less UTC at an instant, in milliseconds; `NaN` where there is no such zone. */
export function utcOffset(instant: number, timezone: string): number {
  const formatter = formatterOf(timezone);
  return formatter === undefined ? Number.NaN : offsetAt(formatter, instant);
}

function offsetAt(formatter: Intl.DateTimeFormat, instant: number): number {
  const part: Record<string, number> = {};
  for (const { type, value } of formatter.formatToParts(instant)) part[type] = Number(value);
  const local = Date.UTC(
    part['year'] ?? 0,
    (part['month'] ?? 1) - 1,
    part['day'] ?? 1,
    part['hour'] ?? 0,
    part['minute'] ?? 0,
    part['second'] ?? 0,
  );
  return local - Math.floor(instant / 1000) * 1000;
}

function formatterOf(timezone: string): Intl.DateTimeFormat | undefined {
  let formatter = formatters.get(timezone);
  if (formatter !== undefined) return formatter;
  try {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return undefined;
  }
  if (formatters.size < maxFormatters) formatters.set(timezone, formatter);
  return formatter;
}
