import type { DaySession } from './bar-windows.ts';

/**
 * Volume traded between the rows of one instrument, from the broker's cumulative volume of the day.
 *
 * - With a calendar the count begins anew with each day that has a session; until it changes, a row still says
 *   yesterday's. A lower count within a day is a correction: nothing was traded, and it counts on from there.
 * - Without one, nothing is known of when the day begins: a lower count is a new day's.
 * - The first row says where the count stands, unless the day was watched from its first open: then all is the day's.
 */
export class TradedVolume {
  readonly #always: boolean;
  #count = Number.NaN;
  #day = Number.NaN;
  /** In the last {@link since} the count was set back. */
  corrected = false;
  /** The last {@link since} is the day's whole count, and not a difference. */
  whole = false;

  constructor(always: boolean) {
    this.#always = always;
  }

  /**
   * Units traded since the row before.
   *
   * @param count the row's cumulative volume
   * @param session the session that the row is in; outside of one nothing is counted, and what was traded comes with the
   *   day's next row that is in one
   * @param watchedSince milliseconds since the epoch
   */
  since(count: number, session: DaySession | undefined, watchedSince: number): number {
    this.corrected = false;
    this.whole = false;
    const before = this.#count;
    if (session === undefined) {
      if (Number.isNaN(before)) this.#count = count;
      return 0;
    }
    if (this.#always) {
      this.#count = count;
      if (Number.isNaN(before)) return 0;
      return count >= before ? count - before : count;
    }
    if (session.day === this.#day) {
      this.#count = count;
      this.corrected = count < before;
      return Math.max(0, count - before);
    }
    const watched = watchedSince <= session.dayOpen;
    if (watched && count === before) return 0;
    this.#day = session.day;
    this.#count = count;
    this.whole = watched;
    return watched ? count : 0;
  }
}
