/** Share by which a ratio may miss its goal before `CHECK=1` fails: neighbours on the machine move it by so much. */
export const noiseMargin = 0.25;

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What was measured besides. */
  readonly detail?: string;
  /** At least, or at most, this; absent where it only informs. */
  readonly goal?: { readonly kind: 'atLeast' | 'atMost' | 'exactly'; readonly value: number };
  /** Compared by `CHECK=1`: ratios to peers of the same run and counts, never figures of one machine. */
  readonly checked?: true;
}

export function met({ goal, value }: Figure, margin = 0): boolean {
  if (goal === undefined) return true;
  if (goal.kind === 'exactly') return value === goal.value;
  return goal.kind === 'atLeast' ? value >= goal.value * (1 - margin) : value <= goal.value;
}

/** Checked figures that miss their goal by more than the margin. */
export function misses(figures: readonly Figure[]): Figure[] {
  return figures.filter((figure) => figure.checked && !met(figure, noiseMargin));
}

export function renderTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.name,
    `${compact(figure.value)} ${figure.unit}`.trim(),
    goalText(figure),
    figure.goal === undefined ? '' : met(figure) ? 'met' : 'missed',
    figure.detail ?? '',
  ]);
  const all = [['what', 'measured', 'goal', '', 'besides'], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(all[0]!), rule, ...rows.map(line)].join('\n');
}

function goalText({ goal, unit }: Figure): string {
  if (goal === undefined) return '';
  const sign = { atLeast: '≥', atMost: '≤', exactly: '=' }[goal.kind];
  return `${sign} ${compact(goal.value)} ${unit}`.trim();
}

export function compact(value: number): string {
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(1);
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}
