/**
 * Bytes of each kind of packet. Source: https://kite.trade/docs/connect/v3/websocket/, and the official client where the two
 * differ (quantities and prices are signed 32-bit).
 */
export const packetBytes = { ltp: 8, indexQuote: 28, indexFull: 32, quote: 44, full: 184 } as const;

/** The largest frame that the format can express, in bytes: every packet a full one. */
export const maxFrameBytes = 2 + 0xffff * (2 + packetBytes.full);

const currencyNse = 3;
const currencyBse = 6;

/**
 * What a price on the wire is multiplied by, in two parts: `n * share + n * rest` is the double that `n / divisor` rounds
 * to, for every 32-bit integer `n`, at a quarter of a division's cost.
 *
 * `share` has 22 bits, so that `n * share` is exact, and `rest` is what is missing of the quotient to 75 bits: the sum is off
 * by less than 2^-74 of itself before it is rounded once. A quotient by 10^k that is no double is at least 2^-54 / 5^k of
 * itself from where rounding changes, which for 10^7 is 2^-71.
 */
export interface PriceUnit {
  readonly share: number;
  readonly rest: number;
}

const shareBits = 22;

export function priceUnitOf(divisor: number): PriceUnit {
  const scale = 2 ** (shareBits - 1 - Math.floor(Math.log2(1 / divisor)));
  const share = Math.round(scale / divisor) / scale;
  return { share, rest: (1 - share * divisor) / divisor };
}

const rupees = priceUnitOf(100);
const currencyAtNse = priceUnitOf(10_000_000);
const currencyAtBse = priceUnitOf(10_000);

/** The unit of an instrument's prices: paise, or what is finer in a currency segment. The segment is the token's low byte. */
export function priceUnit(token: number): PriceUnit {
  const segment = token & 0xff;
  return segment === currencyNse ? currencyAtNse : segment === currencyBse ? currencyAtBse : rupees;
}

export const microsPerSecond = 1_000_000;
