/**
 * Compares two resourceVersions of one kind: below 0, 0 or above 0 as `a` is older, equal or newer. They are decimal
 * integers of any length (KEP-5504, "Comparable Resource Version"); anything else compares as `NaN`.
 */
export function compareVersions(a: string, b: string): number {
  if (!isVersion(a) || !isVersion(b)) return Number.NaN;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

function isVersion(text: string): boolean {
  return /^(0|[1-9][0-9]*)$/.test(text);
}

/** The newer of two versions; the second where they cannot be compared. */
export function newerVersion(a: string, b: string): string {
  return compareVersions(a, b) > 0 ? a : b;
}
