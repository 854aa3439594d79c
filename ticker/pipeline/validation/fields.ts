import { depthLevels, Packet, type TickColumns } from '../../tick-columns.ts';

/** Whether any number that the row's packet carries is not finite. */
export function anyNotFinite(ticks: TickColumns, row: number): boolean {
  const packet = ticks.packet[row]!;
  // A sum is finite only where every term is: prices and quantities are far from the largest double.
  let sum = ticks.lastPrice[row]!;
  if (packet !== Packet.ltp) sum += ticks.open[row]! + ticks.high[row]! + ticks.low[row]! + ticks.close[row]!;
  if (packet === Packet.quote || packet === Packet.full)
    sum +=
      ticks.lastQuantity[row]! +
      ticks.averagePrice[row]! +
      ticks.volume[row]! +
      ticks.buyQuantity[row]! +
      ticks.sellQuantity[row]!;
  if (packet === Packet.full || packet === Packet.indexFull) sum += ticks.exchangeTime[row]!;
  if (packet === Packet.full) {
    sum += ticks.lastTradeTime[row]! + ticks.openInterest[row]!;
    sum += ticks.openInterestHigh[row]! + ticks.openInterestLow[row]!;
    for (let level = row * depthLevels; level < (row + 1) * depthLevels; level++)
      sum += ticks.bidPrice[level]! + ticks.bidQuantity[level]! + ticks.askPrice[level]! + ticks.askQuantity[level]!;
  }
  return !Number.isFinite(sum);
}

/** Whether any price but the last that the row's packet carries is below 0. */
export function negativePrice(ticks: TickColumns, row: number): boolean {
  if (ticks.open[row]! < 0 || ticks.high[row]! < 0 || ticks.low[row]! < 0 || ticks.close[row]! < 0) return true;
  const packet = ticks.packet[row]!;
  if (packet !== Packet.quote && packet !== Packet.full) return false;
  if (ticks.averagePrice[row]! < 0) return true;
  if (packet === Packet.quote) return false;
  for (let level = row * depthLevels; level < (row + 1) * depthLevels; level++)
    if (ticks.bidPrice[level]! < 0 || ticks.askPrice[level]! < 0) return true;
  return false;
}
