import { accountSession } from '../promql.ts';
import { percent } from '../slo/burn.ts';
import { type Slo, slos, staleAccounts } from '../slo/slos.ts';
import { type DashboardSpec, metric, type PanelSpec, perSecond } from './spec.ts';

function panelsOf({ name, title, objective, promise }: Slo): PanelSpec[] {
  const slo = `slo="${name}"`;
  const alert = `Ticker${title}BudgetBurn`;
  const errors = (window: string): string => metric(`namespace_slo:ticker_errors:ratio_${window}`, slo);
  return [
    {
      title: `${title}: budget left`,
      description: `${promise} ${percent(1 - objective)} may fail within 30 days; this much of that is left.`,
      kind: 'stat',
      unit: 'percentunit',
      queries: [{ expr: metric('namespace_slo:ticker_budget_left:ratio_30d', slo), legend: '{{namespace}}' }],
      thresholds: { yellow: 0.25, red: 0, down: true },
      alert,
    },
    {
      title: `${title}: kept`,
      description: `Share that was good within 30 days; ${percent(objective)} is promised.`,
      kind: 'stat',
      unit: 'percentunit',
      queries: [{ expr: `1 - ${errors('30d')}`, legend: '{{namespace}}' }],
      thresholds: { red: objective, down: true },
      alert,
    },
    {
      title: `${title}: burn rate`,
      description:
        'How many times as fast as allowed the budget is spent. Somebody is woken at 14.4 within the hour, or at 6 within six.',
      kind: 'graph',
      unit: 'short',
      queries: ['5m', '1h', '6h', '1d'].map((window) => ({
        expr: `${errors(window)} / on (slo) group_left () (1 - slo:ticker_objective:ratio{${slo}})`,
        legend: `{{namespace}} ${window}`,
      })),
      thresholds: { yellow: 6, red: 14.4 },
      alert,
    },
    {
      title: `${title}: budget over time`,
      description: 'What is left of 30 days.',
      kind: 'graph',
      unit: 'percentunit',
      queries: [{ expr: metric('namespace_slo:ticker_budget_left:ratio_30d', slo), legend: '{{namespace}}' }],
      thresholds: { yellow: 0.25, red: 0, down: true },
      alert: `Ticker${title}BudgetErosion`,
    },
  ];
}

const behind: readonly PanelSpec[] = [
  {
    title: 'Accounts without fresh ticks',
    description: '1 while the newest tick is older than promised, or nobody serves the account.',
    kind: 'timeline',
    unit: 'short',
    queries: [{ expr: metric(staleAccounts), legend: '{{account}}' }],
    alert: 'TickerFreshnessBudgetBurn',
  },
  {
    title: 'Market open',
    description: 'Only what happens meanwhile counts for freshness.',
    kind: 'timeline',
    unit: 'short',
    queries: [{ expr: metric(accountSession), legend: '{{account}}' }],
  },
  ...slos.map(
    ({ name, title }): PanelSpec => ({
      title: `${title}: failed, of all`,
      description: 'What the objective is counted from.',
      kind: 'graph',
      unit: name === 'freshness' ? 'short' : perSecond(name === 'latency' ? 'batches' : 'ticks'),
      queries: [
        { expr: metric('namespace_slo:ticker_bad:sum', `slo="${name}"`), legend: '{{namespace}} failed' },
        { expr: metric('namespace_slo:ticker_all:sum', `slo="${name}"`), legend: '{{namespace}} all' },
      ],
    }),
  ),
];

export const objectives: DashboardSpec = {
  uid: 'ticker-objectives',
  title: 'Ticks: objectives',
  description: 'Freshness, completeness and latency: what is promised, and how much may still fail.',
  variables: [],
  rows: [
    ...slos.map((slo) => ({ title: `${slo.title}: ${slo.promise}`, panels: panelsOf(slo) })),
    { title: 'Behind it', panels: behind },
  ],
};
