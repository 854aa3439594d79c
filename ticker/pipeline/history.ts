import { Packet, type TickColumns } from '../tick-columns.ts';
import type { RowContext } from './validation/rule.ts';

/** Rows in a row that contradict the history before the history itself is taken to be wrong. */
export const historyLimit = 3;

/** A row whose exchange time is this much before its subscription is the broker's cached last value; microseconds. */
export const cachedAge = 60_000_000;

const none = Number.NaN;

/** Numbers of one instrument, together in one cache line: a row asks for nearly all of them. */
const stride = 8;
const field = {
  /** Receive time of the first row on the open connection; 0 until there is one. */
  firstReceived: 0,
  exchangeTime: 1,
  volumeChangedTime: 2,
  volume: 3,
  close: 4,
  contradictions: 5,
  /** 1 once a live row came on the open connection. */
  live: 6,
} as const;

/**
 * What one slice remembers of its instruments, by slot: what rules compare the next row with, and whether the
 * subscription has brought anything. Slots are the account's, and most of them another slice's: only those that were
 * {@link forget forgotten} once, as every instrument is that is taken up, have a place.
 */
export class History {
  /** Place 0 is nobody's, and stays empty. */
  #values = new Float64Array(stride);
  #places = 1;
  /** By slot; 0 where it has none. */
  #place = new Int32Array(0);

  /** Whether any row of the instrument came on the open connection. */
  heard(slot: number): boolean {
    return this.#values[this.#at(slot) + field.firstReceived] !== 0;
  }

  /** Whether a live one did. */
  isLive(slot: number): boolean {
    return this.#values[this.#at(slot) + field.live] === 1;
  }

  /** A live one did; returns whether it is the first. */
  becomesLive(slot: number): boolean {
    const at = this.#at(slot) + field.live;
    if (this.#values[at] === 1) return false;
    this.#values[at] = 1;
    return true;
  }

  /**
   * Whether a row may be the broker's cached last value: the first after a subscribe, after hours too. Judged by its
   * exchange time where it has one.
   */
  isCached(slot: number, ticks: TickColumns, row: number, first: boolean): boolean {
    if (!hasExchangeTime(ticks, row)) return first;
    return ticks.exchangeTime[row]! < this.#values[this.#at(slot) + field.firstReceived]! - cachedAge;
  }

  /** Makes room for slots below `capacity`. */
  reserve(capacity: number): void {
    if (capacity <= this.#place.length) return;
    const grown = new Int32Array(capacity);
    grown.set(this.#place);
    this.#place = grown;
  }

  /** Forgets an instrument: it is subscribed anew. */
  forget(slot: number): void {
    if (this.#place[slot] === 0) this.#place[slot] = this.#newPlace();
    const at = this.#at(slot);
    this.#values.fill(0, at, at + stride);
    this.#values[at + field.volume] = none;
    this.#values[at + field.close] = none;
  }

  /** Everything is subscribed anew, on another connection. */
  reconnected(): void {
    const values = this.#values;
    for (let at = 0; at < values.length; at += stride) {
      values[at + field.firstReceived] = 0;
      values[at + field.contradictions] = 0;
      values[at + field.live] = 0;
    }
  }

  /**
   * Remembers a row that is plain where it plainly follows what is remembered, as nearly every row does: live, no first one,
   * and breaking no rule that compares it. Then nothing else need be asked. False says nothing, and changes nothing.
   *
   * @param previousPrice in rupees
   * @param most rupees by which the price may differ from it
   */
  follow(slot: number, ticks: TickColumns, row: number, previousPrice: number, most: number): boolean {
    const values = this.#values;
    const at = this.#at(slot);
    if (values[at + field.live] !== 1 || values[at + field.contradictions] !== 0) return false;
    const volume = ticks.volume[row]!;
    const previousVolume = values[at + field.volume]!;
    if (!(volume >= previousVolume && Math.abs(ticks.lastPrice[row]! - previousPrice) <= most)) return false;
    if (ticks.packet[row] === Packet.full) {
      const time = ticks.exchangeTime[row]!;
      const sound = time >= values[at + field.exchangeTime]! && time >= values[at + field.firstReceived]! - cachedAge;
      if (!sound) return false;
      values[at + field.exchangeTime] = time;
    }
    if (volume !== previousVolume) values[at + field.volumeChangedTime] = ticks.receiveTime[row]!;
    values[at + field.volume] = volume;
    values[at + field.close] = ticks.close[row]!;
    return true;
  }

  /** Fills what the rules compare row `row` with, but for the prices. */
  describe(slot: number, ticks: TickColumns, row: number, context: RowContext): void {
    const values = this.#values;
    const at = this.#at(slot);
    const first = values[at + field.firstReceived] === 0;
    context.first = first;
    if (first) values[at + field.firstReceived] = ticks.receiveTime[row]!;
    context.previousExchangeTime = values[at + field.exchangeTime]!;
    context.volumeChangedTime = values[at + field.volumeChangedTime]!;
    context.previousVolume = values[at + field.volume]!;
    context.previousClose = values[at + field.close]!;
  }

  /**
   * Remembers a row.
   *
   * @param sane whether it may be compared with
   * @param contradicts whether it broke a rule that compares with what is remembered
   */
  remember(slot: number, ticks: TickColumns, row: number, sane: boolean, contradicts: boolean): void {
    const values = this.#values;
    const at = this.#at(slot);
    if (contradicts) {
      const times = values[at + field.contradictions]! + 1;
      values[at + field.contradictions] = times >= historyLimit ? 0 : times;
      if (times < historyLimit) return;
    } else values[at + field.contradictions] = 0;
    if (!sane && !contradicts) return;
    if (hasExchangeTime(ticks, row)) values[at + field.exchangeTime] = ticks.exchangeTime[row]!;
    const packet = ticks.packet[row]!;
    if (packet !== Packet.quote && packet !== Packet.full) return;
    const volume = ticks.volume[row]!;
    if (volume !== values[at + field.volume]) values[at + field.volumeChangedTime] = ticks.receiveTime[row]!;
    values[at + field.volume] = volume;
    values[at + field.close] = ticks.close[row]!;
  }

  #at(slot: number): number {
    return stride * this.#place[slot]!;
  }

  #newPlace(): number {
    if (stride * this.#places === this.#values.length) {
      const grown = new Float64Array(stride * Math.ceil(this.#places * 1.25));
      grown.set(this.#values);
      this.#values = grown;
    }
    return this.#places++;
  }
}

/** When the exchange made a row, or when it was received where its packet does not say; microseconds. */
export function timeOf(ticks: TickColumns, row: number): number {
  return hasExchangeTime(ticks, row) ? ticks.exchangeTime[row]! : ticks.receiveTime[row]!;
}

function hasExchangeTime(ticks: TickColumns, row: number): boolean {
  const packet = ticks.packet[row]!;
  return (packet === Packet.full || packet === Packet.indexFull) && ticks.exchangeTime[row] !== 0;
}
