/** Prices, both inclusive, between which the strike at the money stays what it is. */
export interface Band {
  readonly low: number;
  readonly high: number;
}

/**
 * The strike at the money: the nearest to the price (of two equally near ones the lower). While there is a `former` one,
 * it stays until the price is `hysteresis` strike distances beyond the midpoint to the next strike, so that a price on
 * the edge does not make the chain flutter.
 *
 * @param strikes ascending, not empty
 */
export function atTheMoney(
  strikes: readonly number[],
  price: number,
  hysteresis: number,
  former?: number | undefined,
): { readonly centre: number; readonly band: Band } {
  if (former !== undefined) {
    const index = strikes.indexOf(former);
    if (index >= 0) {
      const band = bandOf(strikes, index, hysteresis);
      if (price >= band.low && price <= band.high) return { centre: former, band };
    }
  }
  let low = 0;
  let high = strikes.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((strikes[middle]! + strikes[middle + 1]!) / 2 >= price) high = middle;
    else low = middle + 1;
  }
  return { centre: strikes[low]!, band: bandOf(strikes, low, hysteresis) };
}

function bandOf(strikes: readonly number[], index: number, hysteresis: number): Band {
  const at = strikes[index]!;
  const below = strikes[index - 1];
  const above = strikes[index + 1];
  return {
    low: below === undefined ? Number.NEGATIVE_INFINITY : (at + below) / 2 - hysteresis * (at - below),
    high: above === undefined ? Number.POSITIVE_INFINITY : (at + above) / 2 + hysteresis * (above - at),
  };
}
