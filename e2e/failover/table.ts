import type { Account } from './accounting.ts';
import type { Case } from './case.ts';

/** What the repetitions of a case gave. */
export interface Outcome extends Pick<Case, 'name' | 'goal'> {
  readonly accounts: readonly Account[];
  /** Why repetitions could not be measured. */
  readonly failures: readonly string[];
}

interface Row {
  readonly case: string;
  readonly runs: number;
  readonly failed: number;
  readonly min: number;
  readonly median: number;
  readonly max: number;
  readonly moving: string;
  readonly between: number;
  readonly calm: number;
  readonly goal: string;
  readonly met: 'yes' | 'no' | '-';
  readonly made: number;
  readonly live: number;
  readonly overlap: number;
  readonly stream: number;
  readonly late: number;
  readonly gap: number;
  readonly untold: number;
  readonly repeated: number;
  readonly stale: number;
}

/** A table for people: gaps in milliseconds, then where the ticks went. */
export function table(outcomes: readonly Outcome[]): string {
  const rows = rowsOf(outcomes);
  const names = Object.keys(rows[0] ?? {}) as (keyof Row)[];
  const lines = [names.map(String), ...rows.map((row) => names.map((name) => String(row[name])))];
  const widths = names.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n');
}

/** The same as one line for programs. */
export function json(outcomes: readonly Outcome[]): string {
  return JSON.stringify({ failover: rowsOf(outcomes) });
}

function rowsOf(outcomes: readonly Outcome[]): Row[] {
  const undisturbed = outcomes.find(({ name }) => name === 'undisturbed');
  const quiet =
    undisturbed === undefined ? undefined : Math.max(...undisturbed.accounts.map(({ longestGap }) => longestGap));
  return outcomes.map(({ name, goal, accounts, failures }) => {
    const gaps = sorted(accounts.map(({ longestGap }) => longestGap));
    const sum = (field: 'made' | 'live' | 'overlap' | 'stream' | 'late' | 'gap' | 'untold' | 'repeated' | 'stale') =>
      accounts.reduce((total, each) => total + each[field], 0);
    const most = goal === 'none' ? quiet : goal === 'told' ? undefined : goal;
    return {
      case: name,
      runs: accounts.length,
      failed: failures.length,
      min: gaps[0] ?? 0,
      median: gaps[gaps.length >> 1] ?? 0,
      max: gaps.at(-1) ?? 0,
      moving: range(accounts.map((each) => each.moving)),
      between: Math.max(0, ...accounts.map((each) => each.between)),
      calm: Math.max(0, ...accounts.map((each) => each.calm)),
      goal: goal === 'none' ? `${quiet ?? '?'}` : String(goal),
      met: most === undefined || gaps.length === 0 ? '-' : (gaps.at(-1) ?? 0) <= most ? 'yes' : 'no',
      made: sum('made'),
      live: sum('live'),
      overlap: sum('overlap'),
      stream: sum('stream'),
      late: sum('late'),
      gap: sum('gap'),
      untold: sum('untold'),
      repeated: sum('repeated'),
      stale: sum('stale'),
    };
  });
}

/** `min/median/max`, or `-` where nothing moved. */
function range(values: readonly number[]): string {
  const gaps = sorted(values.filter((value) => value > 0));
  return gaps.length === 0 ? '-' : [gaps[0], gaps[gaps.length >> 1], gaps.at(-1)].join('/');
}

function sorted(values: readonly number[]): number[] {
  return values.map(Math.round).sort((a, b) => a - b);
}
