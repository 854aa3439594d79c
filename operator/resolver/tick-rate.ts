import type { Instrument } from '../../cluster/market-data.ts';

/**
 * Ticks a second expected of an instrument while its market is open: what placements are balanced by. Broker feeds send
 * snapshots, a few a second at most; indices and futures change in each, most options far less often.
 */
const rates: Record<Instrument['type'], number> = { INDEX: 2, FUT: 2, EQ: 1.5, CE: 1, PE: 1 };

export function expectedTickRate(instrument: Pick<Instrument, 'type'>): number {
  return rates[instrument.type];
}
