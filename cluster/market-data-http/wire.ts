import type { Instrument, InstrumentMaster } from '../market-data.ts';
import { shardUnavailable } from './errors.ts';
import { rowsPerChunk } from './limits.ts';

export const instrumentsPath = '/v1/instruments';
export const spotPath = '/v1/spot';

/** First line of a master: what the rest is, so that one that was cut off is noticed. */
interface Head {
  readonly version: string;
  readonly loadedAt: number;
  readonly rows: number;
}

type Row = readonly [
  token: number,
  exchange: string,
  symbol: string,
  name: string,
  segment: string,
  type: Instrument['type'],
  expiry: string | null,
  strike: number,
  tickSize: number,
  lotSize: number,
];

/** A master as lines of JSON, the head first, then an array for each instrument; several lines at a time. */
export function* masterChunks({ version, loadedAt, instruments }: InstrumentMaster): Generator<string> {
  yield `${JSON.stringify({ version, loadedAt, rows: instruments.length } satisfies Head)}\n`;
  for (let from = 0; from < instruments.length; from += rowsPerChunk) {
    const rows = instruments.slice(from, from + rowsPerChunk).map((each) => JSON.stringify(toRow(each)));
    yield `${rows.join('\n')}\n`;
  }
}

/** Reads what {@link masterChunks} wrote. @throws MARKET_DATA_UNAVAILABLE where it is not that, or not whole */
export async function readMaster(lines: AsyncIterable<string>, maxRows: number): Promise<InstrumentMaster> {
  let head: Head | undefined;
  const instruments: Instrument[] = [];
  for await (const line of lines) {
    const value = parse(line);
    if (head === undefined) {
      head = asHead(value, maxRows);
      continue;
    }
    if (instruments.length >= head.rows) throw shardUnavailable('the instrument master has more rows than it says');
    instruments.push(fromRow(value));
  }
  if (head === undefined || instruments.length !== head.rows) {
    throw shardUnavailable(`the instrument master was cut off after ${instruments.length} rows`);
  }
  return { version: head.version, loadedAt: head.loadedAt, instruments };
}

function toRow(it: Instrument): Row {
  const { token, exchange, symbol, name, segment, type, expiry = null, strike, tickSize, lotSize } = it;
  return [token, exchange, symbol, name, segment, type, expiry, strike, tickSize, lotSize];
}

const types: readonly string[] = ['EQ', 'FUT', 'CE', 'PE', 'INDEX'] satisfies Instrument['type'][];

function fromRow(value: unknown): Instrument {
  if (!isRow(value)) throw shardUnavailable('a row of the instrument master is none');
  const [token, exchange, symbol, name, segment, type, expiry, strike, tickSize, lotSize] = value;
  const row = { token, exchange, symbol, name, segment, type, strike, tickSize, lotSize };
  return expiry === null ? row : { ...row, expiry };
}

function isRow(value: unknown): value is Row {
  if (!Array.isArray(value) || value.length !== 10) return false;
  const [token, exchange, symbol, name, segment, type, expiry, strike, tickSize, lotSize]: unknown[] = value;
  return (
    [token, strike, tickSize, lotSize].every((each) => typeof each === 'number') &&
    [exchange, symbol, name, segment, type].every((each) => typeof each === 'string') &&
    types.includes(String(type)) &&
    (expiry === null || typeof expiry === 'string')
  );
}

function asHead(value: unknown, maxRows: number): Head {
  if (typeof value === 'object' && value !== null && 'version' in value && 'loadedAt' in value && 'rows' in value) {
    const { version, loadedAt, rows } = value;
    if (typeof version === 'string' && typeof loadedAt === 'number' && typeof rows === 'number') {
      if (rows > maxRows) throw shardUnavailable(`an instrument master of ${rows} rows; at most ${maxRows} are taken`);
      return { version, loadedAt, rows };
    }
  }
  throw shardUnavailable('the answer is no instrument master');
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw shardUnavailable('a line of the instrument master is not JSON');
  }
}
