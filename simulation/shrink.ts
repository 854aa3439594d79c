import { type SimulationOptions, type SimulationResult, simulate } from './simulate.ts';

/** What is left of a run that failed. */
export interface Shrunk {
  /** The fewest strikes found that still bring the violation about. */
  readonly strikes: readonly number[];
  readonly violation: string;
  /** Runs that it took. */
  readonly runs: number;
}

/** Runs that shrinking may take. */
const mostRuns = 120;

/**
 * Leaves out strikes of a failing run as long as it fails in the same way: delta debugging (Zeller and Hildebrandt,
 * "Simplifying and Isolating Failure-Inducing Input", 2002). Undefined where the run does not fail.
 */
export async function shrink(
  options: SimulationOptions,
  run: (options: SimulationOptions) => Promise<Pick<SimulationResult, 'strikes' | 'violations'>> = simulate,
): Promise<Shrunk | undefined> {
  const whole = await run({ ...options, stopAtFirst: true });
  const first = whole.violations[0];
  if (first === undefined) return undefined;
  let violation = first;
  let runs = 1;
  /** Whether it still fails with these alone. */
  const fails = async (strikes: readonly number[]): Promise<boolean> => {
    runs++;
    const { violations } = await run({ ...options, strikes: new Set(strikes), stopAtFirst: true });
    const same = violations.find((each) => kindOf(each) === kindOf(first));
    if (same !== undefined) violation = same;
    return same !== undefined;
  };
  let strikes = whole.strikes.map(({ id }) => id);
  let parts = 2;
  while (strikes.length > 0 && runs < mostRuns) {
    const smaller = await oneFewer(strikes, Math.min(parts, strikes.length), (rest) =>
      runs < mostRuns ? fails(rest) : Promise.resolve(false),
    );
    if (smaller !== undefined) {
      strikes = smaller;
      parts = Math.max(2, parts - 1);
    } else if (parts >= strikes.length) break;
    else parts *= 2;
  }
  return { strikes, violation, runs };
}

/** The strikes without one of so many parts, where it still fails then. */
async function oneFewer(
  strikes: number[],
  parts: number,
  fails: (rest: number[]) => Promise<boolean>,
): Promise<number[] | undefined> {
  const size = Math.ceil(strikes.length / parts);
  for (let start = 0; start < strikes.length; start += size) {
    const rest = strikes.filter((_, index) => index < start || index >= start + size);
    if (await fails(rest)) return rest;
  }
  return undefined;
}

/** A violation without its time, names and numbers. */
function kindOf(violation: string): string {
  return violation
    .replace(/^at [\d.]+ s: /, '')
    .replace(/[^ ]*[\d/][^ ]*/g, '#')
    .slice(0, 80);
}
