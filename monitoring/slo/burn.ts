import { type Alert, always, openElseWarn } from '../alerts/definition.ts';
import type { Slo } from './slos.ts';

/** Windows that errors are recorded for. */
export const windows = ['5m', '30m', '1h', '2h', '6h', '1d', '3d', '30d'] as const;
export type Window = (typeof windows)[number];

/** The window that an error budget is for. */
export const budgetWindow: Window = '30d';

interface Burn {
  readonly long: Window;
  /** A twelfth of it: the alert ends soon after the errors do. */
  readonly short: Window;
  /** Times the rate that spends the budget in exactly 30 days. */
  readonly factor: number;
}

/**
 * Windows and factors of the Site Reliability Workbook, chapter 5. Its shares of a budget (2 % within 1 h, 5 % within 6 h,
 * 10 % within 1 and 3 days) are those of a service without closing hours; where a market is open for a fifth of the time, an
 * hour's errors spend five times that share, for the budget too counts the open time alone.
 */
const fast: readonly Burn[] = [
  { long: '1h', short: '5m', factor: 14.4 },
  { long: '6h', short: '30m', factor: 6 },
];
const slow: readonly Burn[] = [
  { long: '1d', short: '2h', factor: 3 },
  { long: '3d', short: '6h', factor: 1 },
];

export function errors(slo: Slo['name'], window: Window): string {
  return `namespace_slo:ticker_errors:ratio_${window}{slo="${slo}"}`;
}

function burning({ name, objective }: Slo, burns: readonly Burn[]): string {
  const budget = Number((1 - objective).toPrecision(6));
  return burns
    .map(({ long, short, factor }) => {
      const most = Number((factor * budget).toPrecision(6));
      return `(${errors(name, long)} > ${most} and ${errors(name, short)} > ${most})`;
    })
    .join(' or ');
}

/** Two alerts of an objective: errors that would end the budget within days, and those that would within weeks. */
export function burnAlerts(slo: Slo): readonly Alert[] {
  const { title } = slo;
  return [
    {
      name: `Ticker${title}BudgetBurn`,
      severity: 'critical',
      hours: openElseWarn,
      for: '2m',
      expr: burning(slo, fast),
      summary: `The error budget for ${slo.name} of {{ $labels.namespace }} is being spent fast.`,
      description: `${slo.promise} {{ $value | humanizePercentage }} fails; ${percent(1 - slo.objective)} may.`,
    },
    {
      name: `Ticker${title}BudgetErosion`,
      severity: 'warning',
      hours: always,
      for: '15m',
      expr: burning(slo, slow),
      summary: `The error budget for ${slo.name} of {{ $labels.namespace }} will not last for the month.`,
      description: `${slo.promise} {{ $value | humanizePercentage }} fails; ${percent(1 - slo.objective)} may.`,
    },
  ];
}

/** `0.001` → `0.1 %` */
export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(4))} %`;
}
