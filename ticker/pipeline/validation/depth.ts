import { depthLevels, type TickColumns } from '../../tick-columns.ts';

/** Whether priced levels from `at` on are not strictly rising (`direction` 1) or falling (−1). */
export function unsorted(prices: Float64Array, at: number, direction: 1 | -1): boolean {
  let before = 0;
  for (let level = at; level < at + depthLevels; level++) {
    const price = prices[level]!;
    if (price === 0) continue;
    if (before !== 0 && (price - before) * direction <= 0) return true;
    before = price;
  }
  return false;
}

/** Whether the best bid is above the best ask after trading began. */
export function crossed(ticks: TickColumns, row: number): boolean {
  const bid = ticks.bidPrice[row * depthLevels]!;
  const ask = ticks.askPrice[row * depthLevels]!;
  return bid > ask && ask > 0 && ticks.volume[row]! > 0;
}

export function negativeQuantity(quantities: Int32Array, at: number): boolean {
  for (let level = at; level < at + depthLevels; level++) if (quantities[level]! < 0) return true;
  return false;
}

/** Whether each level has orders exactly where it has a quantity. */
export function consistentOrders(quantities: Int32Array, orders: Uint16Array, at: number): boolean {
  for (let level = at; level < at + depthLevels; level++)
    if ((quantities[level] !== 0) !== (orders[level] !== 0)) return false;
  return true;
}
