import type { Token } from '../../crds/index.ts';

/** Negative where `a` is older than `b`, 0 where they are the same, positive where it is newer. */
export function compareTokens(a: Token, b: Token): number {
  return a.epoch - b.epoch || a.claim - b.claim;
}

/** A token as the sinks' streams and logs write it: `epoch-claim`. */
export function formatToken(token: Token): string {
  return `${token.epoch}-${token.claim}`;
}
