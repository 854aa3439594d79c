import type { Instrument } from '../../cluster/market-data.ts';
import type { InstrumentCatalog } from './instrument-catalog.ts';

/**
 * Indices whose options the exchanges list under another name than the index's own symbol (NSE and BSE contract
 * specifications). Everything else is found by its name.
 */
const indexOfOptionName: ReadonlyMap<string, string> = new Map([
  ['NIFTY', 'NSE:NIFTY 50'],
  ['BANKNIFTY', 'NSE:NIFTY BANK'],
  ['FINNIFTY', 'NSE:NIFTY FIN SERVICE'],
  ['MIDCPNIFTY', 'NSE:NIFTY MID SELECT'],
  ['NIFTYNXT50', 'NSE:NIFTY NEXT 50'],
  ['SENSEX', 'BSE:SENSEX'],
  ['BANKEX', 'BSE:BANKEX'],
]);

const optionNameOfIndex = new Map([...indexOfOptionName].map(([name, index]) => [index, name]));

/** The cash exchange that belongs to a derivatives exchange comes first. */
const cashExchanges: ReadonlyMap<string, readonly string[]> = new Map([['BFO', ['BSE', 'NSE']]]);

/** Names under which the options of an underlying may be listed. */
export function optionNamesOf(underlying: string, symbol: string): readonly string[] {
  const alias = optionNameOfIndex.get(underlying);
  return alias === undefined ? [symbol] : [alias, symbol];
}

/**
 * The underlying of an option by the master alone: the share or index of its name, else the first future of that name
 * that lives as long as the option (commodities and currencies are options on futures).
 */
export function underlyingOf(option: Instrument, catalog: InstrumentCatalog): Instrument | undefined {
  if (option.type !== 'CE' && option.type !== 'PE') return undefined;
  const index = indexOfOptionName.get(option.name);
  const named = index === undefined ? undefined : catalog.find(index);
  if (named !== undefined) return named;
  for (const exchange of cashExchanges.get(option.exchange) ?? ['NSE', 'BSE']) {
    const cash = catalog.find(`${exchange}:${option.name}`);
    if (cash !== undefined && (cash.type === 'EQ' || cash.type === 'INDEX')) return cash;
  }
  return catalog.futures(option.exchange, option.name).find(({ expiry }) => (expiry ?? '') >= (option.expiry ?? ''));
}
