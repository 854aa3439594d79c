import { hashText } from './hash.ts';
import type { MarketInstrument, Universe } from './universe.ts';

/** Low byte of an instrument token, by segment; all of an exchange's contracts share one. */
const segmentByte: Readonly<Record<string, number>> = {
  NSE: 1,
  NFO: 2,
  CDS: 3,
  BSE: 4,
  BFO: 5,
  BCD: 6,
  MCX: 7,
  MCXSX: 8,
  INDICES: 9,
};

/** Exchange numbers stay below this, so that tokens are positive as signed 32-bit integers too. */
const exchangeTokenLimit = 2 ** 23;

/** An instrument before it has its token; `exchangeToken` where the exchange's number is known. */
export type Draft = Omit<MarketInstrument, 'token' | 'exchangeToken'> & { readonly exchangeToken?: number };

/**
 * Gives each draft its token: (exchange number × 256) + segment, as Kite does. A number that is not known is made from
 * the symbol, so that it is the same on every day; `previous` tokens are kept whatever else comes.
 */
export function withTokens(drafts: readonly Draft[], previous: Universe | undefined): MarketInstrument[] {
  const taken = new Set<number>();
  const fixed = new Map<Draft, number>();
  for (const draft of drafts) {
    const known = previous?.byName.get(`${draft.exchange}:${draft.symbol}`)?.exchangeToken ?? draft.exchangeToken;
    if (known === undefined) continue;
    fixed.set(draft, known);
    taken.add(tokenOf(draft, known));
  }
  return drafts.map((draft) => {
    const exchangeToken = fixed.get(draft) ?? freeNumber(draft, taken);
    return { ...draft, exchangeToken, token: tokenOf(draft, exchangeToken) };
  });
}

function freeNumber(draft: Draft, taken: Set<number>): number {
  let number = hashText(`${draft.exchange}:${draft.symbol}`) % exchangeTokenLimit;
  while (number === 0 || taken.has(tokenOf(draft, number))) number = (number + 1) % exchangeTokenLimit;
  taken.add(tokenOf(draft, number));
  return number;
}

function tokenOf(draft: Draft, exchangeToken: number): number {
  const low = segmentByte[draft.segment] ?? segmentByte[draft.exchange];
  if (low === undefined) throw new Error(`no token segment for ${draft.exchange} (${draft.segment})`);
  return exchangeToken * 256 + low;
}
