import { distance } from 'fastest-levenshtein';

/** The candidate that was most likely meant, or `undefined` where none is near. Case does not count. */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  const wanted = text.slice(0, 100).toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const d = distance(wanted, candidate.toLowerCase());
    if (d < bestDistance && d < candidate.length) {
      best = candidate;
      bestDistance = d;
    }
  }
  return best;
}
