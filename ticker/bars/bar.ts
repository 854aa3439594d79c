/** One OHLCV bar while it is built. Times are milliseconds since the Unix epoch, prices rupees. */
export class Bar {
  readonly start: number;
  /** Just after the bar. */
  readonly end: number;
  open = Number.NaN;
  high = Number.NEGATIVE_INFINITY;
  low = Number.POSITIVE_INFINITY;
  close = Number.NaN;
  /** Traded; `NaN` while no packet said. */
  volume = Number.NaN;
  /** Open interest; `NaN` while no packet said. */
  openInterest = Number.NaN;
  ticks = 0;
  /** Part of its time was not watched, or some of its volume is not known to be its own. */
  partial: boolean;
  #first = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;

  constructor(start: number, end: number, partial: boolean) {
    this.start = start;
    this.end = end;
    this.partial = partial;
  }

  /** Takes a tick. Of ticks that come in another order than the exchange's the earliest opens and the latest closes. */
  trade(time: number, price: number, openInterest: number): void {
    this.ticks++;
    if (price > this.high) this.high = price;
    if (price < this.low) this.low = price;
    if (time < this.#first) {
      this.#first = time;
      this.open = price;
    }
    if (time < this.#last) return;
    this.#last = time;
    this.close = price;
    if (!Number.isNaN(openInterest)) this.openInterest = openInterest;
  }

  addVolume(volume: number): void {
    this.volume = Number.isNaN(this.volume) ? volume : this.volume + volume;
  }
}
