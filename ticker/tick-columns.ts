/** What a row holds, by the packet that it came from. */
export const Packet = {
  /** Last price only. */
  ltp: 1,
  /** Quote without depth. */
  quote: 2,
  /** Quote, open interest, times and five-level depth. */
  full: 3,
  /** Index: last price, OHLC. */
  indexQuote: 4,
  /** Index with exchange time. */
  indexFull: 5,
} as const;
export type Packet = (typeof Packet)[keyof typeof Packet];

/** Levels of market depth on each side. */
export const depthLevels = 5;

type Column = Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array;

/**
 * Ticks as a structure of arrays: row `i` is index `i` of every column. Filled by a provider's decoder, read by every
 * later stage, reused for the next frame; nothing is allocated for a tick.
 *
 * Prices are rupees, exactly what the wire's integer divided by its divisor rounds to. Times are microseconds since the
 * Unix epoch, UTC; 0 means none. A column that the row's packet does not carry is 0. Slots and Greeks are not a decoder's: it
 * leaves them as they are.
 */
export class TickColumns {
  readonly capacity: number;
  length = 0;

  /** {@link Packet}. */
  readonly packet: Uint8Array;
  /** The provider's instrument token. */
  readonly token: Uint32Array;
  /** Index of the instrument in the account's instrument table, once looked up; -1 where the token is not known. */
  readonly slot: Int32Array;
  /** When the frame was received. */
  readonly receiveTime: Float64Array;
  readonly exchangeTime: Float64Array;
  readonly lastTradeTime: Float64Array;
  readonly lastPrice: Float64Array;
  /** 32 bits hold what one trade, or one level of depth, may have; sums are doubles. */
  readonly lastQuantity: Int32Array;
  readonly averagePrice: Float64Array;
  /** Traded today, cumulative. */
  readonly volume: Float64Array;
  readonly buyQuantity: Float64Array;
  readonly sellQuantity: Float64Array;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  /** Of the previous day. */
  readonly close: Float64Array;
  readonly openInterest: Float64Array;
  readonly openInterestHigh: Float64Array;
  readonly openInterestLow: Float64Array;
  /** Level `l` of row `i` is at `i * depthLevels + l`, best first; likewise the other five. */
  readonly bidPrice: Float64Array;
  readonly bidQuantity: Int32Array;
  readonly bidOrders: Uint16Array;
  readonly askPrice: Float64Array;
  readonly askQuantity: Int32Array;
  readonly askOrders: Uint16Array;
  /** Annual volatility, 0.2 for 20 %. `NaN` where it does not apply or no volatility explains the price; so the Greeks. */
  readonly impliedVolatility: Float64Array;
  /** Price change for 1 rupee of the underlying. */
  readonly delta: Float64Array;
  /** Delta change for 1 rupee of the underlying. */
  readonly gamma: Float64Array;
  /** Rupees a calendar day. */
  readonly theta: Float64Array;
  /** Rupees for one volatility point (0.01). */
  readonly vega: Float64Array;
  /** Rupees for one percentage point of rate (0.01). */
  readonly rho: Float64Array;

  readonly #scalars: readonly Column[];
  readonly #levels: readonly Column[];

  constructor(capacity: number) {
    this.capacity = capacity;
    const float = (): Float64Array => new Float64Array(capacity);
    const levels = capacity * depthLevels;
    this.packet = new Uint8Array(capacity);
    this.token = new Uint32Array(capacity);
    this.slot = new Int32Array(capacity);
    this.receiveTime = float();
    this.exchangeTime = float();
    this.lastTradeTime = float();
    this.lastPrice = float();
    this.lastQuantity = new Int32Array(capacity);
    this.averagePrice = float();
    this.volume = float();
    this.buyQuantity = float();
    this.sellQuantity = float();
    this.open = float();
    this.high = float();
    this.low = float();
    this.close = float();
    this.openInterest = float();
    this.openInterestHigh = float();
    this.openInterestLow = float();
    this.bidPrice = new Float64Array(levels);
    this.bidQuantity = new Int32Array(levels);
    this.bidOrders = new Uint16Array(levels);
    this.askPrice = new Float64Array(levels);
    this.askQuantity = new Int32Array(levels);
    this.askOrders = new Uint16Array(levels);
    this.impliedVolatility = float();
    this.delta = float();
    this.gamma = float();
    this.theta = float();
    this.vega = float();
    this.rho = float();
    const all = Object.values(this).filter((value): value is Column => ArrayBuffer.isView(value));
    this.#levels = all.filter(({ length }) => length === levels && levels > capacity);
    this.#scalars = all.filter(({ length }) => length === capacity);
  }

  get full(): boolean {
    return this.length === this.capacity;
  }

  clear(): void {
    this.length = 0;
  }

  /** Copies `count` rows from row `from` on to row `to` on, every column; the two may overlap. */
  move(to: number, from: number, count: number): void {
    for (const column of this.#scalars) column.copyWithin(to, from, from + count);
    const width = depthLevels;
    for (const column of this.#levels) column.copyWithin(width * to, width * from, width * (from + count));
  }

  /** Takes over the rows of another of no greater capacity. */
  takeOver(other: TickColumns): void {
    this.length = other.length;
    for (const [i, column] of other.#scalars.entries()) this.#scalars[i]!.set(column);
    for (const [i, column] of other.#levels.entries()) this.#levels[i]!.set(column);
  }
}
