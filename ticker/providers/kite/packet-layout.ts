/**
 * Bytes of each kind of packet. Source: https://kite.trade/docs/connect/v3/websocket/, and the official client where the two
 * differ (quantities and prices are signed 32-bit).
 */
export const packetBytes = { ltp: 8, indexQuote: 28, indexFull: 32, quote: 44, full: 184 } as const;

/** The largest frame that the format can express, in bytes: every packet a full one. */
export const maxFrameBytes = 2 + 0xffff * (2 + packetBytes.full);

const currencyNse = 3;
const currencyBse = 6;

/** Paise, or the finer unit of a currency segment, in a rupee. The segment is the token's low byte. */
export function priceDivisor(token: number): number {
  const segment = token & 0xff;
  return segment === currencyNse ? 10_000_000 : segment === currencyBse ? 10_000 : 100;
}

export const microsPerSecond = 1_000_000;
