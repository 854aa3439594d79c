import type { HistoryRequest } from '../provider.ts';

/** Days of candles in one call, at most. Source: the broker's staff, https://kite.trade/forum/discussion/3105. */
export const maxDays: Readonly<Record<HistoryRequest['interval'], number>> = {
  minute: 60,
  '3minute': 100,
  '5minute': 100,
  '10minute': 100,
  '15minute': 200,
  '30minute': 200,
  '60minute': 400,
  day: 2000,
};

const second = 1000;
const day = 86_400 * second;
/** Indian Standard Time, the only one that the broker speaks, has no daylight saving. */
const istOffset = 5.5 * 3600 * second;

export interface HistoryRange {
  /** `YYYY-MM-DD HH:MM:SS`, Indian Standard Time, both inclusive. */
  readonly from: string;
  readonly to: string;
}

/** Calls that a range needs, without making them. */
export function countRanges(request: Pick<HistoryRequest, 'interval' | 'from' | 'to'>): number {
  return request.to < request.from
    ? 0
    : Math.floor((request.to - request.from) / (maxDays[request.interval] * day)) + 1;
}

/** Cuts a range (milliseconds since the epoch, inclusive) into such as one call may ask for, the oldest first. */
export function* historyRanges(request: Pick<HistoryRequest, 'interval' | 'from' | 'to'>): Generator<HistoryRange> {
  const span = maxDays[request.interval] * day;
  for (let from = request.from; from <= request.to; from += span) {
    yield { from: istTime(from), to: istTime(Math.min(request.to, from + span - second)) };
  }
}

/** Wall-clock time in India of a moment, to the second. */
export function istTime(milliseconds: number): string {
  return new Date(milliseconds + istOffset).toISOString().slice(0, 19).replace('T', ' ');
}
