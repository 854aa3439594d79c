import { Packet, type TickColumns } from '../tick-columns.ts';
import type { RowContext } from './validation/rule.ts';

/** Rows in a row that contradict the history before the history itself is taken to be wrong. */
export const historyLimit = 3;

/** A row whose exchange time is this much before its subscription is the broker's cached last value; microseconds. */
export const cachedAge = 60_000_000;

const none = Number.NaN;

/**
 * What one slice remembers of its instruments, by slot: what rules compare the next row with, and whether the
 * subscription has brought anything.
 */
export class History {
  #capacity = 0;
  /** Receive time of the first row on the open connection; 0 until there is one. */
  firstReceived = new Float64Array(0);
  #exchangeTime = new Float64Array(0);
  #volumeChangedTime = new Float64Array(0);
  #volume = new Float64Array(0);
  #close = new Float64Array(0);
  #contradictions = new Uint8Array(0);
  /** 1 once a live row came on the open connection. */
  live = new Uint8Array(0);

  /**
   * Whether a row may be the broker's cached last value: the first after a subscribe, after hours too. Judged by its
   * exchange time where it has one.
   */
  isCached(slot: number, ticks: TickColumns, row: number, first: boolean): boolean {
    if (!hasExchangeTime(ticks, row)) return first;
    return ticks.exchangeTime[row]! < this.firstReceived[slot]! - cachedAge;
  }

  /** Makes room for slots below `capacity`. */
  reserve(capacity: number): void {
    if (capacity <= this.#capacity) return;
    this.#capacity = capacity;
    this.firstReceived = grown(this.firstReceived, capacity);
    this.#exchangeTime = grown(this.#exchangeTime, capacity);
    this.#volumeChangedTime = grown(this.#volumeChangedTime, capacity);
    this.#volume = grown(this.#volume, capacity);
    this.#close = grown(this.#close, capacity);
    const contradictions = new Uint8Array(capacity);
    contradictions.set(this.#contradictions);
    this.#contradictions = contradictions;
    const live = new Uint8Array(capacity);
    live.set(this.live);
    this.live = live;
  }

  /** Forgets an instrument: it is subscribed anew. */
  forget(slot: number): void {
    this.firstReceived[slot] = 0;
    this.#exchangeTime[slot] = 0;
    this.#volumeChangedTime[slot] = 0;
    this.#volume[slot] = none;
    this.#close[slot] = none;
    this.#contradictions[slot] = 0;
    this.live[slot] = 0;
  }

  /** Everything is subscribed anew, on another connection. */
  reconnected(): void {
    this.firstReceived.fill(0);
    this.live.fill(0);
    this.#contradictions.fill(0);
  }

  /** Fills what the rules compare row `row` with, but for the prices. */
  describe(slot: number, ticks: TickColumns, row: number, context: RowContext): void {
    context.first = this.firstReceived[slot] === 0;
    if (context.first) this.firstReceived[slot] = ticks.receiveTime[row]!;
    context.previousExchangeTime = this.#exchangeTime[slot]!;
    context.volumeChangedTime = this.#volumeChangedTime[slot]!;
    context.previousVolume = this.#volume[slot]!;
    context.previousClose = this.#close[slot]!;
  }

  /**
   * Remembers a row.
   *
   * @param sane whether it may be compared with
   * @param contradicts whether it broke a rule that compares with what is remembered
   */
  remember(slot: number, ticks: TickColumns, row: number, sane: boolean, contradicts: boolean): void {
    if (!contradicts) this.#contradictions[slot] = 0;
    else if (++this.#contradictions[slot]! >= historyLimit) this.#contradictions[slot] = 0;
    else return;
    if (!sane && !contradicts) return;
    if (hasExchangeTime(ticks, row)) this.#exchangeTime[slot] = ticks.exchangeTime[row]!;
    const packet = ticks.packet[row]!;
    if (packet !== Packet.quote && packet !== Packet.full) return;
    if (ticks.volume[row] !== this.#volume[slot]) this.#volumeChangedTime[slot] = ticks.receiveTime[row]!;
    this.#volume[slot] = ticks.volume[row]!;
    this.#close[slot] = ticks.close[row]!;
  }
}

function grown(array: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(capacity);
  larger.set(array);
  return larger;
}

/** When the exchange made a row, or when it was received where its packet does not say; microseconds. */
export function timeOf(ticks: TickColumns, row: number): number {
  return hasExchangeTime(ticks, row) ? ticks.exchangeTime[row]! : ticks.receiveTime[row]!;
}

function hasExchangeTime(ticks: TickColumns, row: number): boolean {
  const packet = ticks.packet[row]!;
  return (packet === Packet.full || packet === Packet.indexFull) && ticks.exchangeTime[row] !== 0;
}
