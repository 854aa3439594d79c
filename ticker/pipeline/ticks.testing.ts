import type { SliceSet, SubscriptionSliceSpec } from '../../crds/index.ts';
import { depthLevels, Packet, TickColumns } from '../tick-columns.ts';

/** 2026-01-05T04:30:00Z, 10:00 in Kolkata, in microseconds. */
export const tenOClock = Date.UTC(2026, 0, 5, 4, 30) * 1000;
export const second = 1_000_000;

/** A row by the names of {@link TickColumns}; what it leaves out is a quiet market around `lastPrice`. */
export interface TickRow {
  token: number;
  packet: Packet;
  lastPrice: number;
  receiveTime?: number;
  exchangeTime?: number;
  lastTradeTime?: number;
  lastQuantity?: number;
  averagePrice?: number;
  volume?: number;
  buyQuantity?: number;
  sellQuantity?: number;
  open?: number;
  high?: number;
  low?: number;
  close?: number;
  openInterest?: number;
  openInterestHigh?: number;
  openInterestLow?: number;
  bidPrice?: number[];
  bidQuantity?: number[];
  bidOrders?: number[];
  askPrice?: number[];
  askQuantity?: number[];
  askOrders?: number[];
}

export function appendRow(to: TickColumns, row: TickRow, receivedAt: number): void {
  const at = to.length++;
  const price = row.lastPrice;
  to.packet[at] = row.packet;
  to.token[at] = row.token;
  to.slot[at] = -1;
  to.lastPrice[at] = price;
  to.receiveTime[at] = row.receiveTime ?? receivedAt;
  const full = row.packet === Packet.full;
  const timed = full || row.packet === Packet.indexFull;
  to.exchangeTime[at] = timed ? (row.exchangeTime ?? receivedAt) : 0;
  to.lastTradeTime[at] = full ? (row.lastTradeTime ?? to.exchangeTime[at]!) : 0;
  to.lastQuantity[at] = row.lastQuantity ?? 10;
  to.averagePrice[at] = row.averagePrice ?? price;
  to.volume[at] = row.volume ?? 1000;
  to.buyQuantity[at] = row.buyQuantity ?? 500;
  to.sellQuantity[at] = row.sellQuantity ?? 400;
  to.open[at] = row.open ?? price;
  to.high[at] = row.high ?? price * 1.01;
  to.low[at] = row.low ?? price * 0.99;
  to.close[at] = row.close ?? price;
  to.openInterest[at] = row.openInterest ?? 200;
  to.openInterestHigh[at] = row.openInterestHigh ?? 300;
  to.openInterestLow[at] = row.openInterestLow ?? 100;
  for (let level = 0; level < depthLevels; level++) {
    const index = at * depthLevels + level;
    to.bidPrice[index] = row.bidPrice?.[level] ?? price - 0.05 * (level + 1);
    to.bidQuantity[index] = row.bidQuantity?.[level] ?? 100;
    to.bidOrders[index] = row.bidOrders?.[level] ?? 2;
    to.askPrice[index] = row.askPrice?.[level] ?? price + 0.05 * (level + 1);
    to.askQuantity[index] = row.askQuantity?.[level] ?? 100;
    to.askOrders[index] = row.askOrders?.[level] ?? 2;
  }
}

/** Columns that hold the rows, as a decoder would have filled them. */
export function ticksOf(rows: readonly TickRow[], receivedAt = tenOClock): TickColumns {
  const ticks = new TickColumns(Math.max(1, rows.length));
  for (const row of rows) appendRow(ticks, row, receivedAt);
  return ticks;
}

/** A connection whose frames are lists of rows: frame `n` is the bytes `[n]`. */
export class RowConnection {
  readonly #frames: (readonly TickRow[])[] = [];

  /** The frame for these rows. */
  frameOf(rows: readonly TickRow[]): Uint8Array {
    this.#frames.push(rows);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, this.#frames.length - 1);
    return bytes;
  }

  decode(frame: Uint8Array, offset: number, receivedAt: number, into: TickColumns): number {
    const rows = this.#frames[new DataView(frame.buffer).getUint32(0)]!;
    let at = offset;
    while (at < rows.length && !into.full) appendRow(into, rows[at++]!, receivedAt);
    return at < rows.length ? at : -1;
  }
}

/** A set with the defaults of its schema. */
export function sliceSet(name: string, changes: Partial<SliceSet> = {}): SliceSet {
  return {
    namespace: 'default',
    name,
    uid: `uid-${name}`,
    channel: `ticks:default:${name}`,
    validation: { action: 'enforce' },
    delivery: {
      format: 'json',
      pubsub: true,
      sharded: false,
      latest: true,
      window: 100,
      maxTicks: 1000,
      conflate: false,
    },
    ...changes,
  };
}

export const kolkata = {
  model: 'blackScholesMerton',
  rate: 0.065,
  dividendYield: 0,
  dayCount: 'act365',
  expiryTime: '15:30',
  timezone: 'Asia/Kolkata',
} as const;

export function sliceSpec(
  sets: SubscriptionSliceSpec['sets'],
  groups: SubscriptionSliceSpec['groups'],
): SubscriptionSliceSpec {
  return {
    account: 'a',
    connection: 0,
    login: { provider: 'kite' },
    suspended: false,
    epoch: 1,
    sets,
    groups,
  };
}
