import { stringify } from 'yaml';
import type { Alert } from './alerts/definition.ts';
import { alertGroups } from './alerts/index.ts';
import { accountSession, namespaceSession } from './promql.ts';
import { runbookUrl } from './runbook.ts';
import { budgetWindow, burnAlerts, windows } from './slo/burn.ts';
import { slos, staleAccounts, staleAccountsExpr } from './slo/slos.ts';

/** Prometheus' rule files, from the tables of alerts and objectives. */

interface RecordingRule {
  readonly record: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

interface AlertingRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string };
}

interface Group {
  readonly name: string;
  readonly rules: readonly (RecordingRule | AlertingRule)[];
}

/** Every alert, those of the objectives too. */
export const allAlerts: readonly Alert[] = [...Object.values(alertGroups).flat(), ...slos.flatMap(burnAlerts)];

/** An alert as one rule, or as two: what wakes somebody during a session waits until morning outside of it. */
export function alertingRules(alert: Alert): AlertingRule[] {
  const { name, severity, hours, expr, summary, description } = alert;
  const rule = (level: string, expression: string): AlertingRule => ({
    alert: name,
    expr: expression,
    ...(alert.for === '0m' ? {} : { for: alert.for }),
    labels: { severity: level },
    annotations: { summary, description, runbook_url: runbookUrl(name) },
  });
  if (hours.when === 'always') return [rule(severity, expr)];
  const { of, otherwise } = hours;
  const on = of === 'account' ? 'namespace, account' : 'namespace';
  const session = of === 'account' ? accountSession : namespaceSession;
  const rules = [rule(severity, `(${expr}) unless on (${on}) ${session} == 0`)];
  if (otherwise !== undefined) rules.push(rule(otherwise, `(${expr}) and on (${on}) ${session} == 0`));
  return rules;
}

const sessions: Group = {
  name: 'ticker-sessions',
  rules: [
    {
      record: accountSession,
      expr: 'max by (namespace, account) (ticker_operator_account_session_open) or max by (namespace, account) (ticker_session_open)',
    },
    { record: namespaceSession, expr: `max by (namespace) (${accountSession})` },
  ],
};

/** All windows are sums over the same two series, so that each moment weighs as much as happened in it. */
const objectives: Group = {
  name: 'ticker-objectives',
  rules: [
    { record: staleAccounts, expr: staleAccountsExpr },
    ...slos.flatMap(({ name, bad, all, objective }) => [
      { record: 'namespace_slo:ticker_bad:sum', expr: bad, labels: { slo: name } },
      { record: 'namespace_slo:ticker_all:sum', expr: all, labels: { slo: name } },
      { record: 'slo:ticker_objective:ratio', expr: `vector(${objective})`, labels: { slo: name } },
    ]),
    ...windows.map((window) => ({
      record: `namespace_slo:ticker_errors:ratio_${window}`,
      expr: `sum_over_time(namespace_slo:ticker_bad:sum[${window}]) / (sum_over_time(namespace_slo:ticker_all:sum[${window}]) > 0)`,
    })),
    {
      record: `namespace_slo:ticker_budget_left:ratio_${budgetWindow}`,
      expr: `1 - namespace_slo:ticker_errors:ratio_${budgetWindow} / on (slo) group_left () (1 - slo:ticker_objective:ratio)`,
    },
  ],
};

/** File name → groups. */
const files: Readonly<Record<string, readonly Group[]>> = {
  'recording.yaml': [sessions, objectives],
  'alerts.yaml': Object.entries(alertGroups).map(([name, alerts]) => ({ name, rules: alerts.flatMap(alertingRules) })),
  'budgets.yaml': [{ name: 'ticker-budgets', rules: slos.flatMap(burnAlerts).flatMap(alertingRules) }],
};

/** Name of a series that a rule records → its expression. */
export const recorded: ReadonlyMap<string, string> = new Map(
  [sessions, objectives].flatMap(({ rules }) =>
    rules.flatMap((rule) => ('record' in rule ? [[rule.record, rule.expr] as const] : [])),
  ),
);

const heading = "# Generated from monitoring/ by 'make generate'; not a template of helm.\n";

/** Path from the root of the repository → text. */
export function ruleFiles(): Map<string, string> {
  return new Map(
    Object.entries(files).map(([name, groups]) => [
      `helm/ticker-operator/files/rules/${name}`,
      heading + stringify({ groups }, { lineWidth: 0 }),
    ]),
  );
}
