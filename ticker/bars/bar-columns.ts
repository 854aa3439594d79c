import type { InstrumentRecord } from '../pipeline/instrument-table.ts';
import type { LatestValue } from '../sinks/sink.ts';
import type { Bar } from './bar.ts';
import type { Interval } from './bar-windows.ts';

/** A bar that is whole, with what it is a bar of. */
export interface ClosedBar {
  readonly record: InstrumentRecord;
  readonly interval: Interval;
  readonly bar: Bar;
}

/** A column of a batch of bars. */
export interface BarColumn {
  readonly name: string;
  readonly type: string;
  readonly unit: string;
  /** When it is `null`. */
  readonly nullWhen: string;
  readonly description: string;
  readonly value: (closed: ClosedBar) => number | string | boolean | null;
}

const micros = 'µs since the Unix epoch, UTC';

function column(
  name: string,
  type: string,
  unit: string,
  description: string,
  value: BarColumn['value'],
  nullWhen = '',
): BarColumn {
  return { name, type, unit, nullWhen, description, value };
}

function known(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

/** Every column of a batch of bars, in the order in which it is written. Within a version they are only added. */
export const barColumns: readonly BarColumn[] = [
  column('token', 'integer', '', "The provider's instrument token.", ({ record }) => record.token),
  column('symbol', 'string', '', 'The instrument, `EXCHANGE:TRADINGSYMBOL`.', ({ record }) => record.name),
  column('interval', 'string', '', 'Length of the bar, as the set names it.', ({ interval }) => interval),
  column('start', 'integer', micros, 'Start of the bar.', ({ bar }) => bar.start * 1000),
  column('end', 'integer', micros, 'Just after the bar.', ({ bar }) => bar.end * 1000),
  column('open', 'number', 'rupees', 'Price of its first tick.', ({ bar }) => bar.open),
  column('high', 'number', 'rupees', 'Highest price of a tick.', ({ bar }) => bar.high),
  column('low', 'number', 'rupees', 'Lowest price of a tick.', ({ bar }) => bar.low),
  column('close', 'number', 'rupees', 'Price of its last tick.', ({ bar }) => bar.close),
  column(
    'volume',
    'integer',
    'units',
    "Traded in the bar: differences of the day's volume.",
    ({ bar }) => known(bar.volume),
    'no packet carried a volume',
  ),
  column(
    'oi',
    'integer',
    'units',
    'Open interest at its last tick.',
    ({ bar }) => known(bar.openInterest),
    'no packet carried open interest',
  ),
  column('ticks', 'integer', 'ticks', 'Ticks that it is made of.', ({ bar }) => bar.ticks),
  column(
    'partial',
    'boolean',
    '',
    '`true` where not all of its time was watched (a start, a reconnect, a drain), or some of its volume may be of the time before.',
    ({ bar }) => (bar.partial ? true : null),
    'the bar is whole',
  ),
];

/** The `columns` object of a batch; columns that are `null` in every row are left out. */
export function encodeBars(bars: readonly ClosedBar[]): string {
  const columns: Record<string, unknown[]> = {};
  for (const { name, value } of barColumns) {
    const cells = bars.map(value);
    if (cells.some((cell) => cell !== null)) columns[name] = cells;
  }
  return ascii(JSON.stringify(columns));
}

/** The newest bar of each instrument and interval, under `EXCHANGE:TRADINGSYMBOL@INTERVAL`. */
export function latestBars(bars: readonly ClosedBar[]): LatestValue[] {
  const newest = new Map<string, ClosedBar>();
  for (const closed of bars) newest.set(`${closed.record.name}@${closed.interval}`, closed);
  return [...newest].map(([instrument, closed]) => {
    const row: Record<string, unknown> = {};
    for (const { name, value } of barColumns) {
      const cell = value(closed);
      if (cell !== null) row[name] = cell;
    }
    return { instrument, time: closed.bar.start * 1000, json: ascii(JSON.stringify(row)) };
  });
}

/** Payloads are ASCII. */
function ascii(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
