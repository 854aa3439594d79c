/** Implied volatility as a function of strike and time: a level with a term structure, a skew and a smile. */
export interface VolatilitySurface {
  /** At the money, long dated; 0.13 for 13 %. */
  readonly longTerm: number;
  /** At the money, at expiry. */
  readonly shortTerm: number;
  /** Years over which the short end fades into the long one. */
  readonly reversion: number;
  /** Relative change of volatility for one standard deviation of moneyness upwards; negative for equity indices. */
  readonly skew: number;
  /** Relative curvature for one standard deviation squared. */
  readonly smile: number;
}

/** Wings are flat past this many standard deviations, which keeps option prices monotone in their strike. */
const flatBeyond = 4;
const shortestYears = 1 / 365;

/** Annual volatility of one option. `level` scales the whole surface. */
export function surfaceVolatility(
  surface: VolatilitySurface,
  forward: number,
  strike: number,
  years: number,
  level = 1,
): number {
  const atMoney =
    level *
    (surface.longTerm + (surface.shortTerm - surface.longTerm) * Math.exp(-Math.max(years, 0) / surface.reversion));
  const deviation = atMoney * Math.sqrt(Math.max(years, shortestYears));
  const moneyness = Math.max(-flatBeyond, Math.min(flatBeyond, Math.log(strike / forward) / deviation));
  return atMoney * (1 + surface.skew * moneyness + surface.smile * moneyness * moneyness);
}
