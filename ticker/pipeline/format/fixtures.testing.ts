import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { type BatchHeader, deliveryVersion } from '../../delivery.ts';
import { Packet } from '../../tick-columns.ts';
import { instrumentRecord } from '../instrument-table.ts';
import { RowBatch } from '../row-batch.ts';
import { second, type TickRow, tenOClock, ticksOf } from '../ticks.testing.ts';
import { Encoders, emptyBody, type Format, stamp } from './encoders.ts';

/**
 * What readers of one version got, kept as it was written: `v<version>/<name>.json` and `.arrow`. A file is never
 * written over. `node ticker/pipeline/format/fixtures.testing.ts` adds those that are missing.
 */
export const fixtureFolder = (version: number): URL => new URL(`fixtures/v${version}/`, import.meta.url);

interface Fixture {
  readonly name: string;
  readonly header: Partial<BatchHeader>;
  readonly rows: readonly (TickRow & { readonly symbol: string; readonly cached?: true; readonly greeks?: true })[];
}

const index = { token: 256_265, symbol: 'NSE:NIFTY 50', packet: Packet.indexFull, lastPrice: 24_500.05 } as const;
const share = { token: 738_561, symbol: 'NSE:RELIANCE', packet: Packet.quote, lastPrice: 1481.5 } as const;
const option = { token: 12_345_602, symbol: 'NFO:NIFTY2610824500CE', packet: Packet.full, lastPrice: 152.35 } as const;
const greeks = Float64Array.of(0.1234, 0.512, 0.00081, -12.5, 9.75, 3.25);

export const fixtures: readonly Fixture[] = [
  { name: 'ltp', header: {}, rows: [{ ...share, packet: Packet.ltp }] },
  { name: 'quote', header: { seq: 1, prev: null }, rows: [share, { ...share, token: 408_065, symbol: 'NSE:M&M' }] },
  {
    name: 'every-column',
    header: {
      prev: { epoch: 2, claim: 1, seq: 41 },
      gap: { from: tenOClock - 5 * second, to: tenOClock, why: 'spool', ticks: 12 },
      overlap: true,
      late: true,
      end: true,
    },
    rows: [
      { ...option, greeks: true, volume: 4_294_967_296, askOrders: [65_535, 4, 3, 2, 0] },
      { ...option, cached: true, exchangeTime: tenOClock - 86_400 * second, lastTradeTime: 0 },
      { ...index, exchangeTime: tenOClock + 123_456 },
      { ...index, packet: Packet.indexQuote, lastPrice: 0 },
      share,
      { ...share, packet: Packet.ltp },
    ],
  },
  { name: 'heartbeat', header: {}, rows: [] },
];

/** The fixture as this version of the code writes it. */
export function fixturePayload({ header, rows }: Fixture, format: Format): string | Uint8Array {
  const ticks = ticksOf(rows);
  const batch = new RowBatch(1000);
  rows.forEach(({ token, symbol, cached = false, greeks: wanted }, at) => {
    const [exchange = '', tradingsymbol = ''] = symbol.split(':');
    batch.append(ticks, at, instrumentRecord(token, exchange, tradingsymbol), cached, wanted && greeks);
  });
  const body = rows.length === 0 ? emptyBody(format) : new Encoders().of(format).columns(batch);
  const where = { set: 'default/nifty', slice: 'default/a-0', shard: 'shard-0', epoch: 3, claim: 1, seq: 7 };
  return stamp({ v: deliveryVersion, ...where, count: rows.length, time: tenOClock + second, ...header }, body);
}

function writeMissing(): void {
  const folder = fixtureFolder(deliveryVersion);
  mkdirSync(folder, { recursive: true });
  for (const fixture of fixtures) {
    for (const format of ['json', 'arrow'] as const) {
      const file = new URL(`${fixture.name}.${format}`, folder);
      if (!existsSync(file)) writeFileSync(file, fixturePayload(fixture, format));
    }
  }
}

if (import.meta.main) writeMissing();
