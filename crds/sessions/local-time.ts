import { utcOffset } from '../../runtime/zoned-time.ts';

/** An instant (milliseconds since the Unix epoch) as people of a zone write it: `2026-11-24 09:15 Asia/Kolkata`. */
export function localTime(instant: number, timezone: string): string {
  const local = new Date(instant + utcOffset(instant, timezone)).toISOString();
  return `${local.slice(0, 10)} ${local.slice(11, 16)} ${timezone}`;
}
