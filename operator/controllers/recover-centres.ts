import type { InstrumentCatalog } from '../resolver/instrument-catalog.ts';
import type { Placed } from './demand.ts';

/**
 * The strikes at the money by what is placed: after a restart a chain goes on where it was, and does not shift for the
 * loss of its hysteresis. Strikes lie symmetrically around the centre, so it is their median.
 */
export function recoverCentres(
  placed: readonly Placed[],
  catalog: (market: string) => InstrumentCatalog | undefined,
): ReadonlyMap<string, number> {
  const strikes = new Map<string, Set<number>>();
  for (const { market, token, exchange, strike, expiry } of placed) {
    if (strike === undefined || expiry === undefined) continue;
    const name = catalog(market)?.byToken(token)?.name;
    if (name === undefined) continue;
    const key = `${exchange}:${name}:${expiry}`;
    strikes.set(key, (strikes.get(key) ?? new Set()).add(strike));
  }
  return new Map(
    [...strikes].map(([key, set]) => {
      const sorted = [...set].sort((a, b) => a - b);
      return [key, sorted[sorted.length >> 1]!];
    }),
  );
}
