/** Something of a set that could not be resolved. */
export interface Problem {
  /** What it is about, e.g. `NSE:RELIANC` or `spec.selectors[0]`. */
  readonly instrument: string;
  /** One CamelCase word. */
  readonly reason: string;
  /** What is wrong and what to do. */
  readonly message: string;
}

/** Problems that a set's status shows. */
export const shownProblems = 20;

/** `; did you mean NSE:RELIANCE?`, or nothing. */
export function didYouMean(suggestions: readonly string[]): string {
  if (suggestions.length === 0) return '';
  const last = suggestions[suggestions.length - 1]!;
  const others = suggestions.slice(0, -1);
  return `; did you mean ${others.length === 0 ? last : `${others.join(', ')} or ${last}`}?`;
}
