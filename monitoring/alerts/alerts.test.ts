import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { type Moment, promtoolComplaint, promtoolTest, type World } from '../promtool.testing.ts';
import { alertingRules, allAlerts, ruleFiles } from '../rules.ts';
import { type AlertCase, alertCases } from './cases.testing.ts';
import type { Alert } from './definition.ts';
import { closed, openWorld } from './world.testing.ts';

/** Each alert against the rule files that are installed, evaluated by promtool: firing, not firing, and in a closed market. */
const root = join(import.meta.dirname, '..', '..');
const files = [...ruleFiles().keys()].map((path) => join(root, path));

/** When everything has been as it is for longer than any alert waits. */
const settled = 35;
const firing = (name: string): string => `ALERTS{alertname="${name}",alertstate="firing"}`;

function labelText(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  return `{${parts.join(', ')}}`;
}

/** What {@link firing} gives where the alert fires with this severity; of no severity, nothing. */
function expected(alert: Alert, labels: AlertCase['labels'], severity: string | undefined): Moment['expect'] {
  if (severity === undefined) return { [firing(alert.name)]: [] };
  const all = { __name__: 'ALERTS', alertname: alert.name, alertstate: 'firing', severity, ...labels };
  const { __name__: name, ...rest } = all;
  return { [firing(alert.name)]: [{ labels: `${name}${labelText(rest)}`, value: 1 }] };
}

/** Minutes. */
function waits({ for: time }: Alert): number {
  return time.endsWith('s') ? Number.parseInt(time, 10) / 60 : Number.parseInt(time, 10);
}

function severityWhenClosed({ hours, severity }: Alert): string | undefined {
  return hours.when === 'always' ? severity : hours.otherwise;
}

function momentsOf(alert: Alert, { fires, labels, quiet, silentWhenClosed }: AlertCase): Moment[] {
  const at = `${settled}m`;
  const moment = (what: string, world: World, severity: string | undefined, when = at): Moment => {
    return { what, world, at: when, expect: expected(alert, labels, severity) };
  };
  const isOn = alert.severity === 'none';
  return [
    moment('fires', { ...openWorld, ...fires }, alert.severity),
    moment('does not, just not enough', { ...openWorld, ...quiet }, isOn ? 'none' : undefined),
    moment(
      'in a closed market',
      { ...openWorld, ...closed, ...fires },
      silentWhenClosed ? undefined : severityWhenClosed(alert),
    ),
    ...(waits(alert) < 1
      ? []
      : [moment('does not yet', { ...openWorld, ...fires }, undefined, `${waits(alert) * 60 - 30}s`)]),
  ];
}

describe('alerts, by promtool', () => {
  it('have cases, each', () => {
    expect(Object.keys(alertCases).sort()).toEqual(allAlerts.map(({ name }) => name).sort());
  });

  it.each(allAlerts.map((alert) => [alert.name, alert] as const))('%s', (name, alert) => {
    const found = alertCases[name];
    if (found === undefined) throw new Error(`no case for ${name}`);
    expect(promtoolTest(files, momentsOf(alert, found))).toBe('');
  });

  it('are quiet, but for the watchdog, where all is well: in an open market, a closed one, and one that opens', () => {
    const watchdog = 'ALERTS{alertname="TickerWatchdog", alertstate="firing", severity="none"}';
    const expect_ = { 'ALERTS{alertstate="firing"}': [{ labels: watchdog, value: 1 }] };
    const opens = Object.fromEntries(
      Object.entries(closed).map(([key, values]) => [key, `${values.split(/[+x]/)[0]}x20 ${openWorld[key]}`]),
    );
    const moments = [
      { what: 'open', world: openWorld, at: '40m', expect: expect_ },
      { what: 'closed', world: { ...openWorld, ...closed }, at: '40m', expect: expect_ },
      { what: 'opens', world: { ...openWorld, ...opens }, at: '24m', expect: expect_ },
      { what: 'has been open', world: { ...openWorld, ...opens }, at: '40m', expect: expect_ },
    ];
    expect(promtoolTest(files, moments)).toBe('');
  });
});

test('every rule is one that Prometheus takes, with nothing to warn of', () => {
  expect(promtoolComplaint(['check', 'rules', '--lint=all', '--lint-fatal', ...files])).toBe('');
});

test('at least 18 alerts; whoever is woken, is woken by something that does not come of a closed market', () => {
  expect(allAlerts.length).toBeGreaterThanOrEqual(18);
  expect(new Set(allAlerts.map(({ name }) => name)).size).toBe(allAlerts.length);
  // Nobody knows the hours where there is no data.
  const whenever = allAlerts.filter(({ severity, hours }) => severity === 'critical' && hours.when === 'always');
  expect(whenever.map(({ name }) => name)).toEqual(['TickerNoData']);
});

test('what an alert says uses labels that it has, and says it in a sentence', () => {
  for (const alert of allAlerts) {
    const { summary, description, name } = alert;
    const used = [...`${summary}${description}`.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
    const has = Object.keys(alertCases[name]?.labels ?? {});
    expect(
      used.filter((label) => !has.includes(label)),
      name,
    ).toEqual([]);
    expect(summary, name).toMatch(/^.{20,140}[.]$/s);
    expect(alertingRules(alert).length, name).toBeGreaterThan(0);
  }
});
