const secondsOfMinute = 60;

/** The minute that was written last: leases are renewed more often than it changes. */
let written = { minute: Number.NaN, text: '' };

/** RFC 3339 in UTC up to the second, without a zone: `2026-01-05T04:00:07`. @param second since the Unix epoch, whole */
export function secondText(second: number): string {
  const minute = Math.floor(second / secondsOfMinute);
  if (minute !== written.minute) {
    written = { minute, text: new Date(minute * secondsOfMinute * 1_000).toISOString().slice(0, 17) };
  }
  const rest = second - minute * secondsOfMinute;
  return rest < 10 ? `${written.text}0${rest}` : `${written.text}${rest}`;
}
