import { createHash } from 'node:crypto';
import type { Instrument, InstrumentMaster } from '../../../cluster/market-data.ts';

/** What the official client makes of the instruments CSV: the columns by name, some turned into numbers and dates. */
export type InstrumentRow = { readonly [column in Column]?: unknown };
type Column =
  | 'instrument_token'
  | 'tradingsymbol'
  | 'name'
  | 'expiry'
  | 'strike'
  | 'tick_size'
  | 'lot_size'
  | 'instrument_type'
  | 'segment'
  | 'exchange';

const types: ReadonlySet<unknown> = new Set(['EQ', 'FUT', 'CE', 'PE'] as const satisfies Instrument['type'][]);
const maxToken = 0xffff_ffff;

/** Makes the master of the rows. Rows without a token, a symbol or a known type (a blank last line, say) are left out. */
export function masterFrom(rows: readonly InstrumentRow[], loadedAt: number): InstrumentMaster {
  const hash = createHash('sha256');
  const instruments: Instrument[] = [];
  for (const row of rows) {
    const instrument = instrumentFrom(row);
    if (instrument === undefined) continue;
    instruments.push(instrument);
    hash.update(`${Object.values(instrument).join('\t')}\n`);
  }
  return { version: hash.digest('base64url'), loadedAt, instruments };
}

/** One row in the project's terms, or undefined where it is none. */
export function instrumentFrom(row: InstrumentRow): Instrument | undefined {
  const token = Number(row.instrument_token);
  const symbol = text(row.tradingsymbol);
  const exchange = text(row.exchange);
  const segment = text(row.segment);
  const type = segment === 'INDICES' ? 'INDEX' : row.instrument_type;
  if (!Number.isInteger(token) || token <= 0 || token > maxToken) return undefined;
  if (symbol === '' || exchange === '' || !isType(type)) return undefined;
  const expiry = dateOf(row.expiry);
  return {
    token,
    exchange,
    symbol,
    name: text(row.name),
    segment,
    type,
    ...(expiry === undefined ? {} : { expiry }),
    strike: amount(row.strike),
    tickSize: amount(row.tick_size),
    lotSize: amount(row.lot_size),
  };
}

function isType(type: unknown): type is Instrument['type'] {
  return type === 'INDEX' || types.has(type);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}

function amount(value: unknown): number {
  const number = Number(value);
  return Number.isFinite(number) && number > 0 ? number : 0;
}

/** `YYYY-MM-DD`. The official client reads a date as midnight UTC, so its UTC day is the one in the CSV, in any time zone. */
function dateOf(value: unknown): string | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString().slice(0, 10);
  return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}/.test(value) ? value.slice(0, 10) : undefined;
}
