/**
 * The standard normal distribution function, by Hart's rational approximation (1968) as given by West, "Better
 * approximations to cumulative normal functions" (2005); about 1e-15.
 */
export function normalCdf(x: number): number {
  const z = Math.abs(x);
  let tail = 0;
  if (z <= 37) {
    const density = Math.exp(-(z * z) / 2);
    if (z < 7.07106781186547) {
      let over = 3.52624965998911e-2 * z + 0.700383064443688;
      over = over * z + 6.37396220353165;
      over = over * z + 33.912866078383;
      over = over * z + 112.079291497871;
      over = over * z + 221.213596169931;
      over = over * z + 220.206867912376;
      let under = 8.83883476483184e-2 * z + 1.75566716318264;
      under = under * z + 16.064177579207;
      under = under * z + 86.7807322029461;
      under = under * z + 296.564248779674;
      under = under * z + 637.333633378831;
      under = under * z + 793.826512519948;
      under = under * z + 440.413735824752;
      tail = (density * over) / under;
    } else {
      const fraction = z + 1 / (z + 2 / (z + 3 / (z + 4 / (z + 0.65))));
      tail = density / fraction / 2.506628274631;
    }
  }
  return x > 0 ? 1 - tail : tail;
}

/** Price of a European option without dividends; `years` and `volatility` may be 0, which leaves the discounted intrinsic value. */
export function optionPrice(
  type: 'CE' | 'PE',
  spot: number,
  strike: number,
  years: number,
  rate: number,
  volatility: number,
): number {
  const sign = type === 'CE' ? 1 : -1;
  const discounted = strike * Math.exp(-rate * Math.max(years, 0));
  const deviation = volatility * Math.sqrt(Math.max(years, 0));
  if (deviation <= 0) return Math.max(0, sign * (spot - discounted));
  const d1 = Math.log(spot / discounted) / deviation + deviation / 2;
  const price = sign * (spot * normalCdf(sign * d1) - discounted * normalCdf(sign * (d1 - deviation)));
  return Math.max(0, price);
}
