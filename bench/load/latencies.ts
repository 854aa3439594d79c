/** Buckets a factor of ten: a percentile is told to about 1 %. */
const perDecade = 200;
/** Up to 10^9 microseconds. */
const decades = 9;

/** Times in microseconds, counted in logarithmic buckets, so that millions take no memory. */
export class Latencies {
  readonly counts = new Float64Array(perDecade * decades + 1);
  #total = 0;

  add(micros: number): void {
    const at = micros <= 1 ? 0 : Math.min(this.counts.length - 1, Math.ceil(Math.log10(micros) * perDecade));
    this.counts[at]!++;
    this.#total++;
  }

  /** The time that `share` (0 to 1) of all are not above, in milliseconds; `NaN` where there are none. */
  percentile(share: number): number {
    const wanted = share * this.#total;
    let seen = 0;
    for (let at = 0; at < this.counts.length; at++) {
      seen += this.counts[at]!;
      if (seen >= wanted && seen > 0) return 10 ** (at / perDecade) / 1000;
    }
    return Number.NaN;
  }
}
