import type { Mode } from '../../../crds/index.ts';

/**
 * Tokens in one request. The broker documents no bound; this keeps a message below 6 kB, and 3,000 instruments in 12
 * messages.
 */
export const tokensPerMessage = 500;

/**
 * Requests that subscribe those of `tokens` which are not `subscribed`, and give all of them their mode. The broker's
 * own default mode is documented nowhere, so the mode is always said, right after the subscribe request that it is for.
 */
export function subscribeMessages(
  tokens: readonly number[],
  mode: Mode,
  subscribed: { has(token: number): boolean },
): string[] {
  return chunksOf(tokens).flatMap((chunk) => {
    const added = chunk.filter((token) => !subscribed.has(token));
    const setMode = JSON.stringify({ a: 'mode', v: [mode, chunk] });
    return added.length === 0 ? [setMode] : [JSON.stringify({ a: 'subscribe', v: added }), setMode];
  });
}

export function unsubscribeMessages(tokens: readonly number[]): string[] {
  return chunksOf(tokens).map((chunk) => JSON.stringify({ a: 'unsubscribe', v: chunk }));
}

function chunksOf(tokens: readonly number[]): (readonly number[])[] {
  const chunks: (readonly number[])[] = [];
  for (let from = 0; from < tokens.length; from += tokensPerMessage) {
    chunks.push(tokens.slice(from, from + tokensPerMessage));
  }
  return chunks;
}
