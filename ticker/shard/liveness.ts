/** Waits and bounds of the watchdog, from {@link import('./limits.ts').ShardLimits}. */
export interface WatchdogLimits {
  readonly firstPacket: number;
  readonly resubscribeAttempts: number;
  readonly silentIntervals: number;
  readonly silentAtLeast: number;
  readonly quietAtMost: number;
}

/** Packets after which an instrument's usual interval is believed. */
const habitPackets = 8;
/** Weight of the newest interval in the habit. */
const habitWeight = 0.1;
/** Attempts are counted up to here: the wait that doubles with each has found its bound long before. */
const mostAttempts = 255;

/**
 * How old an instrument's data may get before its subscription is doubted, judged by its own habit: an open connection
 * is not a stream that lives, and a quiet market is not a dead one. Times are monotonic milliseconds. A row for each
 * instrument, in columns: a shard has a hundred thousand of them.
 */
export class Liveness {
  /** When the last packet came; when it was subscribed, before the first. */
  last = new Float64Array(0);
  /** Usual interval between packets. */
  #habit = new Float64Array(0);
  #asked = new Float64Array(0);
  #subscribedAt = new Float64Array(0);
  /** Counted up to {@link habitPackets}. */
  #packets = new Uint8Array(0);
  #attempts = new Uint8Array(0);
  #unanswered = new Uint8Array(0);
  /** 1 where the habit is believed, and nothing was asked for that has not been answered: nearly always, nearly everywhere. */
  #settled = new Uint8Array(0);

  /** Makes room for rows below `capacity`; never less than there is. */
  reserve(capacity: number): void {
    if (capacity <= this.last.length) return;
    this.last = grown(this.last, new Float64Array(capacity));
    this.#habit = grown(this.#habit, new Float64Array(capacity));
    this.#asked = grown(this.#asked, new Float64Array(capacity));
    this.#subscribedAt = grown(this.#subscribedAt, new Float64Array(capacity));
    this.#packets = grown(this.#packets, new Uint8Array(capacity));
    this.#attempts = grown(this.#attempts, new Uint8Array(capacity));
    this.#unanswered = grown(this.#unanswered, new Uint8Array(capacity));
    this.#settled = grown(this.#settled, new Uint8Array(capacity));
  }

  /** The row is of an instrument that is subscribed now. */
  begin(row: number, now: number): void {
    this.last[row] = now;
    this.#habit[row] = 0;
    this.#asked[row] = now;
    this.#subscribedAt[row] = now;
    this.#packets[row] = 0;
    this.#attempts[row] = 0;
    this.#unanswered[row] = 0;
    this.#settled[row] = 0;
  }

  /** Row `to` is what row `from` was. */
  move(from: number, to: number): void {
    for (const column of [this.last, this.#habit, this.#asked, this.#subscribedAt]) column[to] = column[from]!;
    for (const column of [this.#packets, this.#attempts, this.#unanswered, this.#settled]) column[to] = column[from]!;
  }

  heard(row: number, now: number): void {
    const last = this.last[row]!;
    if (this.#settled[row] === 1) {
      const habit = this.#habit[row]!;
      this.#habit[row] = habit + habitWeight * (now - last - habit);
      this.last[row] = now;
    } else this.#heardUnsettled(row, last, now);
  }

  #heardUnsettled(row: number, last: number, now: number): void {
    const packets = this.#packets[row]!;
    // The answer to a renewed subscription is a cached value: it shows that the broker still knows the subscription,
    // not that the instrument trades, so its interval is no habit and the patience stays.
    const answer = this.#attempts[row]! > 0 && this.#asked[row]! >= last;
    if (packets > 0 && !answer) {
      const interval = now - last;
      const habit = this.#habit[row]!;
      this.#habit[row] = packets === 1 ? interval : habit + habitWeight * (interval - habit);
      this.#attempts[row] = 0;
    }
    if (packets < habitPackets) this.#packets[row] = packets + 1;
    this.last[row] = now;
    this.#unanswered[row] = 0;
    this.#settle(row);
  }

  #settle(row: number): void {
    const settled = this.#packets[row] === habitPackets && this.#attempts[row] === 0 && this.#unanswered[row] === 0;
    this.#settled[row] = settled ? 1 : 0;
  }

  /** It has sent a packet since it was subscribed, or has had `wait` to. */
  confirmed(row: number, now: number, wait: number): boolean {
    return this.#packets[row]! > 0 || now - this.#subscribedAt[row]! >= wait;
  }

  overdue(row: number, now: number, flowing: boolean, limits: WatchdogLimits): boolean {
    const packets = this.#packets[row]!;
    const attempts = this.#attempts[row]!;
    const asked = this.#asked[row]!;
    if (packets === 0) {
      if (attempts >= limits.resubscribeAttempts) return false;
      return now - asked >= limits.firstPacket * 2 ** attempts;
    }
    if (packets < habitPackets || !flowing) return false;
    const patience = Math.max(limits.silentAtLeast, limits.silentIntervals * this.#habit[row]!) * 2 ** attempts;
    return (
      now - Math.max(this.last[row]!, asked) >= Math.min(patience, Math.max(limits.quietAtMost, limits.silentAtLeast))
    );
  }

  /** Nothing is expected of it now: its exchange is closed. */
  rest(row: number, now: number): void {
    this.last[row] = now;
    this.#asked[row] = now;
    this.#attempts[row] = 0;
    this.#unanswered[row] = 0;
    this.#settle(row);
  }

  /** It was subscribed again. */
  asked(row: number, now: number): void {
    this.#asked[row] = now;
    this.#attempts[row] = Math.min(mostAttempts, this.#attempts[row]! + 1);
    this.#unanswered[row] = Math.min(mostAttempts, this.#unanswered[row]! + 1);
    this.#settled[row] = 0;
  }

  /** How often in a row it was subscribed again without a packet. */
  unanswered(row: number): number {
    return this.#unanswered[row]!;
  }
}

function grown<T extends Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
