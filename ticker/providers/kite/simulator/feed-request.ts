import type { Mode } from '../../../../crds/index.ts';

export type FeedRequest =
  | { readonly action: 'subscribe' | 'unsubscribe'; readonly tokens: readonly number[] }
  | { readonly action: 'mode'; readonly mode: Mode; readonly tokens: readonly number[] };

const modes: readonly string[] = ['ltp', 'quote', 'full'];

/**
 * Reads `{"a":"subscribe","v":[408065]}` and its like; `undefined` where it is none. Tokens that are not JSON numbers
 * are left out in silence, as the broker does: a client that sends strings gets heartbeats only.
 */
export function parseRequest(text: string): FeedRequest | undefined {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof message !== 'object' || message === null || !('a' in message) || !('v' in message)) return undefined;
  const { a, v } = message;
  if (!Array.isArray(v)) return undefined;
  if (a === 'subscribe' || a === 'unsubscribe') return { action: a, tokens: numbers(v) };
  const [mode, tokens] = v;
  if (a !== 'mode' || !isMode(mode) || !Array.isArray(tokens)) return undefined;
  return { action: 'mode', mode, tokens: numbers(tokens) };
}

function isMode(value: unknown): value is Mode {
  return typeof value === 'string' && modes.includes(value);
}

function numbers(values: readonly unknown[]): number[] {
  return values.filter((value): value is number => typeof value === 'number');
}
