import { Packet, type TickColumns } from '../../tick-columns.ts';

/** What a packet is called in a batch. */
export const packetNames: Readonly<Record<Packet, string>> = {
  [Packet.ltp]: 'ltp',
  [Packet.quote]: 'quote',
  [Packet.full]: 'full',
  [Packet.indexQuote]: 'index_quote',
  [Packet.indexFull]: 'index_full',
};

/** Names of the numeric columns with one number a row, and of those with one for each level of depth. */
type ScalarSource = Exclude<
  {
    [K in keyof TickColumns]: TickColumns[K] extends Float64Array | Int32Array ? K : never;
  }[keyof TickColumns],
  'slot' | 'bidPrice' | 'bidQuantity' | 'askPrice' | 'askQuantity'
>;
type LevelSource = 'bidPrice' | 'bidQuantity' | 'bidOrders' | 'askPrice' | 'askQuantity' | 'askOrders';

interface Common {
  readonly name: string;
  readonly type: 'integer' | 'number' | 'string' | 'boolean' | 'integer[5]' | 'number[5]';
  readonly unit: string;
  readonly description: string;
  /** Packets that carry it; `null` in rows of the others. */
  readonly packets: readonly Packet[];
  /** Made from others (the Greeks): there only where `RowBatch.enriched` says so. */
  readonly computed?: true;
  /** When it is `null` although the packet carries it. */
  readonly nullWhen?: string;
}
/**
 * How numbers are written as text: `integer` and `price` (usually whole hundredths) exactly, `decimal` (what is computed)
 * rounded to 12 decimals.
 */
export type NumberFormat = 'integer' | 'price' | 'decimal';

/** A column of a batch. */
export type Column = Common &
  (
    | { readonly kind: 'token' | 'symbol' | 'packet' | 'cached' }
    /** Written where it is finite and, for `zeroIsNone`, not 0. */
    | {
        readonly kind: 'scalar';
        readonly source: ScalarSource;
        readonly zeroIsNone: boolean;
        readonly format: NumberFormat;
      }
    | { readonly kind: 'levels'; readonly source: LevelSource; readonly format: 'integer' | 'price' }
  );

const every = Object.values(Packet);
const priced = [Packet.quote, Packet.full, Packet.indexQuote, Packet.indexFull];
const quoted = [Packet.quote, Packet.full];
const timed = [Packet.full, Packet.indexFull];
const full = [Packet.full];

const rupees = 'rupees';
const micros = 'µs since the Unix epoch, UTC';

function scalar(
  name: string,
  source: ScalarSource,
  type: 'integer' | 'number',
  unit: string,
  packets: readonly Packet[],
  description: string,
): Column {
  const format = type === 'integer' ? 'integer' : 'price';
  return { kind: 'scalar', name, source, type, unit, packets, description, zeroIsNone: false, format };
}

function none(column: Column & { kind: 'scalar' }, nullWhen: string): Column {
  return { ...column, zeroIsNone: true, nullWhen };
}

function time(name: string, source: ScalarSource, packets: readonly Packet[], description: string): Column {
  const column = scalar(name, source, 'integer', micros, packets, description);
  return none(column as Column & { kind: 'scalar' }, 'the broker gives none');
}

function levels(
  name: string,
  source: LevelSource,
  type: 'integer[5]' | 'number[5]',
  unit: string,
  what: string,
): Column {
  const description = `${what} of each level of depth, best first; 0 where there is no level.`;
  const format = type === 'integer[5]' ? 'integer' : 'price';
  return { kind: 'levels', name, source, type, unit, packets: full, description, format };
}

function greek(name: string, source: ScalarSource, unit: string, description: string): Column {
  const column = scalar(name, source, 'number', unit, every, description) as Column & { kind: 'scalar' };
  return {
    ...column,
    format: 'decimal',
    computed: true,
    nullWhen:
      'not an option, the set wants none (or only of the last tick in a batch), or no volatility explains the price',
  };
}

/**
 * Every column of a batch, in the order in which it is written. Within a version of the delivery contract columns are
 * only added. A column that is `null` in every row of a batch is left out of it.
 */
export const columns: readonly Column[] = [
  {
    kind: 'token',
    name: 'token',
    type: 'integer',
    unit: '',
    packets: every,
    description: "The provider's instrument token.",
  },
  {
    kind: 'symbol',
    name: 'symbol',
    type: 'string',
    unit: '',
    packets: every,
    description: 'The instrument, `EXCHANGE:TRADINGSYMBOL`.',
  },
  {
    kind: 'packet',
    name: 'packet',
    type: 'string',
    unit: '',
    packets: every,
    description: `What the broker sent: ${Object.values(packetNames)
      .map((name) => `\`${name}\``)
      .join(', ')}.`,
  },
  {
    kind: 'cached',
    name: 'cached',
    type: 'boolean',
    unit: '',
    packets: every,
    nullWhen: 'the row is live',
    description:
      "`true` where the row may be the broker's cached last value, not a live tick: its exchange time is more than 60 s before the subscription, it is the first after a subscription and carries no exchange time, or its exchange has no session at its time (exchange time, else receive time).",
  },
  none(
    scalar('last_price', 'lastPrice', 'number', rupees, every, 'Last traded price.') as Column & { kind: 'scalar' },
    'it has not traded yet',
  ),
  time('exchange_time', 'exchangeTime', timed, 'When the exchange made this tick.'),
  scalar('receive_time', 'receiveTime', 'integer', micros, every, 'When the frame was received.'),
  time('last_trade_time', 'lastTradeTime', full, 'When the last trade was.'),
  scalar('last_quantity', 'lastQuantity', 'integer', 'units', quoted, 'Quantity of the last trade.'),
  scalar('average_price', 'averagePrice', 'number', rupees, quoted, "Volume-weighted average of the day's trades."),
  scalar('volume', 'volume', 'integer', 'units', quoted, 'Traded in the day so far.'),
  scalar('buy_quantity', 'buyQuantity', 'integer', 'units', quoted, 'Total of open buy orders.'),
  scalar('sell_quantity', 'sellQuantity', 'integer', 'units', quoted, 'Total of open sell orders.'),
  scalar('open', 'open', 'number', rupees, priced, 'Of the day; 0 before the first trade.'),
  scalar('high', 'high', 'number', rupees, priced, 'Of the day; 0 before the first trade.'),
  scalar('low', 'low', 'number', rupees, priced, 'Of the day; 0 before the first trade.'),
  scalar('close', 'close', 'number', rupees, priced, 'Of the previous day.'),
  scalar('oi', 'openInterest', 'integer', 'units', full, 'Open interest; 0 where there is none.'),
  scalar('oi_day_high', 'openInterestHigh', 'integer', 'units', full, 'Highest open interest of the day.'),
  scalar('oi_day_low', 'openInterestLow', 'integer', 'units', full, 'Lowest open interest of the day.'),
  levels('bid_price', 'bidPrice', 'number[5]', rupees, 'Price'),
  levels('bid_quantity', 'bidQuantity', 'integer[5]', 'units', 'Quantity'),
  levels('bid_orders', 'bidOrders', 'integer[5]', 'orders', 'Number of orders'),
  levels('ask_price', 'askPrice', 'number[5]', rupees, 'Price'),
  levels('ask_quantity', 'askQuantity', 'integer[5]', 'units', 'Quantity'),
  levels('ask_orders', 'askOrders', 'integer[5]', 'orders', 'Number of orders'),
  greek('iv', 'impliedVolatility', 'a year, 0.2 is 20 %', 'Implied volatility of the last price.'),
  greek('delta', 'delta', 'rupees for 1 rupee', 'Price change for 1 rupee of the underlying.'),
  greek('gamma', 'gamma', 'a rupee', 'Change of delta for 1 rupee of the underlying.'),
  greek('theta', 'theta', 'rupees a calendar day', 'Price change for the passing of a day.'),
  greek('vega', 'vega', 'rupees for 0.01', 'Price change for one volatility point (0.01).'),
  greek('rho', 'rho', 'rupees for 0.01', 'Price change for one percentage point of rate (0.01).'),
];

/** What a column is in format `arrow`, by the names of pyarrow. A list has {@link depthLevels} items. */
export type ArrowType =
  | 'uint16'
  | 'uint32'
  | 'int32'
  | 'int64'
  | 'double'
  | 'bool'
  | 'timestamp[us, UTC]'
  | 'dictionary<int32, string>'
  | 'dictionary<int8, string>';

/** The type of a column's values, and whether each is a list of them. */
export function arrowType(column: Column): { readonly type: ArrowType; readonly list: boolean } {
  switch (column.kind) {
    case 'token':
      return { type: 'uint32', list: false };
    case 'symbol':
      return { type: 'dictionary<int32, string>', list: false };
    case 'packet':
      return { type: 'dictionary<int8, string>', list: false };
    case 'cached':
      return { type: 'bool', list: false };
    case 'scalar':
      if (column.unit === micros) return { type: 'timestamp[us, UTC]', list: false };
      if (column.source === 'lastQuantity') return { type: 'int32', list: false };
      return { type: column.type === 'integer' ? 'int64' : 'double', list: false };
    case 'levels':
      if (column.source === 'bidOrders' || column.source === 'askOrders') return { type: 'uint16', list: true };
      return { type: column.type === 'integer[5]' ? 'int32' : 'double', list: true };
  }
}

/** Bit `packet` of a column's mask is set where that packet carries it. */
export function packetMask(packets: readonly Packet[]): number {
  return packets.reduce((mask, packet) => mask | (1 << packet), 0);
}
