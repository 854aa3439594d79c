import { Packet, type TickColumns } from '../tick-columns.ts';

/** Exchange time of a row, or its receive time where it has none; microseconds. What "newest" goes by. */
export function rowTime(ticks: TickColumns, row: number): number {
  const packet = ticks.packet[row]!;
  const timed = packet === Packet.full || packet === Packet.indexFull;
  const exchange = timed ? ticks.exchangeTime[row]! : 0;
  return exchange === 0 ? ticks.receiveTime[row]! : exchange;
}
