import { gzipSync } from 'node:zlib';
import type { MarketInstrument, Universe } from '../../../mock/market/universe.ts';

const header =
  'instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange';

/** The instruments dump, of one exchange or of all; each made once a day. */
export class InstrumentsCsv {
  readonly #made = new Map<string, { readonly text: string; readonly gzip: Buffer }>();
  #universe: Universe | undefined;

  /** `undefined` where the exchange has no instruments. */
  get(universe: Universe, exchange?: string): { readonly text: string; readonly gzip: Buffer } | undefined {
    if (this.#universe !== universe) {
      this.#made.clear();
      this.#universe = universe;
    }
    const key = exchange ?? '';
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const rows = universe.instruments.filter(
      (instrument) => exchange === undefined || instrument.exchange === exchange,
    );
    if (rows.length === 0) return undefined;
    const text = `${[header, ...rows.map(csvRow)].join('\n')}\n`;
    const made = { text, gzip: gzipSync(text, { level: 1 }) };
    this.#made.set(key, made);
    return made;
  }
}

/** Kite calls an index an EQ of segment INDICES, and gives every row a last price of 0. */
function csvRow(instrument: MarketInstrument): string {
  const { token, exchangeToken, symbol, name, expiry, strike, tickSize, lotSize, type, segment, exchange } = instrument;
  const kiteType = type === 'INDEX' ? 'EQ' : type;
  return [
    token,
    exchangeToken,
    field(symbol),
    field(name),
    0,
    expiry ?? '',
    strike,
    tickSize,
    lotSize,
    kiteType,
    segment,
    exchange,
  ].join(',');
}

function field(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
