import type { TickColumns } from '../tick-columns.ts';
import type { RowContext } from './validation/rule.ts';

/** Rows in a row that contradict the history before the history itself is taken to be wrong. */
export const historyLimit = 3;

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
  #receiveTime = new Float64Array(0);
  #volume = new Float64Array(0);
  #contradictions = new Uint8Array(0);
  /** 1 once a live row came on the open connection. */
  live = new Uint8Array(0);

  /** Makes room for slots below `capacity`. */
  reserve(capacity: number): void {
    if (capacity <= this.#capacity) return;
    this.#capacity = capacity;
    this.firstReceived = grown(this.firstReceived, capacity);
    this.#exchangeTime = grown(this.#exchangeTime, capacity);
    this.#receiveTime = grown(this.#receiveTime, capacity);
    this.#volume = grown(this.#volume, capacity);
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
    this.#receiveTime[slot] = 0;
    this.#volume[slot] = none;
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
    context.previousReceiveTime = this.#receiveTime[slot]!;
    context.previousVolume = this.#volume[slot]!;
  }

  /**
   * Remembers a row.
   *
   * @param exchangeTime 0 where it has none
   * @param volume `NaN` where it has none
   * @param sane whether it may be compared with
   * @param contradicts whether it broke a rule that compares with what is remembered
   */
  remember(
    slot: number,
    receiveTime: number,
    exchangeTime: number,
    volume: number,
    sane: boolean,
    contradicts: boolean,
  ): void {
    this.#receiveTime[slot] = receiveTime;
    if (!contradicts) this.#contradictions[slot] = 0;
    else if (++this.#contradictions[slot]! >= historyLimit) this.#contradictions[slot] = 0;
    else return;
    if (!sane && !contradicts) return;
    if (exchangeTime !== 0) this.#exchangeTime[slot] = exchangeTime;
    if (!Number.isNaN(volume)) this.#volume[slot] = volume;
  }
}

function grown(array: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(capacity);
  larger.set(array);
  return larger;
}
