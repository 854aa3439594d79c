import { distance } from 'fastest-levenshtein';

/**
 * The names nearest to `wanted` by edit distance (Levenshtein), at most `most` of them and none further than a third of
 * its length. Of equally near ones those with the longer common beginning come first: people mistype ends more often.
 */
export function nearestNames(wanted: string, names: Iterable<string>, most = 3): string[] {
  const limit = Math.max(2, Math.ceil((wanted.length + 2) / 3));
  const best: { name: string; score: number }[] = [];
  let worst = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const prefix = Math.min(4, commonPrefix(wanted, name));
    const least = Math.abs(name.length - wanted.length);
    if (least > limit || least - prefix / 2 > worst) continue;
    const edits = distance(wanted, name);
    const score = edits - prefix / 2;
    if (edits > limit || score > worst) continue;
    best.push({ name, score });
    best.sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : 1));
    if (best.length > most) best.length = most;
    if (best.length === most) worst = best[most - 1]!.score;
  }
  return best.map(({ name }) => name);
}

function commonPrefix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}
