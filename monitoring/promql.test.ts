import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { allMetrics, documentedNames } from '../cli/metrics-reference.ts';
import { asked, dashboards, panelsOf } from './dashboards/index.ts';
import { labelsIn, namesIn } from './promql.ts';
import { promtoolComplaint } from './promtool.testing.ts';
import { alertingRules, allAlerts, recorded } from './rules.ts';

/** Every expression of rules and dashboards against the metrics that exist. */
const page = readFileSync(new URL('../docs/reference/metrics.md', import.meta.url), 'utf8');
const documented = new Set(documentedNames(page));
/** As series: a histogram is three. */
const known = new Set([
  ...documented,
  ...allMetrics
    .filter(({ type }) => type === 'histogram')
    .flatMap(({ name }) => ['_bucket', '_sum', '_count'].map((suffix) => name + suffix)),
  ...recorded.keys(),
]);
/** Labels that the project's metrics have, that Prometheus gives to targets, and that rules give. */
const labels = new Set([
  ...allMetrics.flatMap((definition) => Object.keys(definition.labels)),
  ...['namespace', 'job', 'pod', 'instance', 'le', 'slo', 'alertname', 'alertstate'],
]);

const expressions: readonly (readonly [string, string])[] = [
  ...allAlerts.flatMap((alert) => alertingRules(alert).map(({ expr }) => [alert.name, expr] as const)),
  ...recorded,
  ...Object.values(dashboards).flatMap((dashboard) =>
    panelsOf(dashboard).flatMap(({ title, queries }) =>
      queries.map(({ expr }) => [`${dashboard.title}: ${title}`, asked(expr, '5m')] as const),
    ),
  ),
];

describe('PromQL', () => {
  it('is read into names and labels', () => {
    const expr =
      'sum by (namespace, le) (rate(ticker_a_bucket{shard=~"x", le!="1"}[5m])) / on (slo) group_left () namespace_slo:ticker_b:ratio_5m and ticker_c == 1 or vector(0)';
    expect(namesIn(expr)).toEqual(['ticker_a_bucket', 'namespace_slo:ticker_b:ratio_5m', 'ticker_c']);
    expect(labelsIn(expr)).toEqual(['le', 'namespace', 'shard', 'slo']);
  });

  it('parses, every expression of it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ticker-promql-'));
    const file = join(folder, 'all.yaml');
    const rules = expressions.map(([, expr], index) => ({ record: `expression:${index}`, expr }));
    try {
      writeFileSync(file, stringify({ groups: [{ name: 'all', rules }] }, { lineWidth: 0 }));
      expect(promtoolComplaint(['check', 'rules', '--lint=none', file])).toBe('');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it.each(expressions)('%s: asks for metrics and labels that exist, and for no instrument', (_, expr) => {
    expect(namesIn(expr).filter((name) => !known.has(name))).toEqual([]);
    expect(labelsIn(expr).filter((label) => !labels.has(label))).toEqual([]);
    expect(labelsIn(expr).filter((label) => /instrument|token|symbol/.test(label))).toEqual([]);
    // A name that is written wrongly enough is not found at all.
    expect(namesIn(expr).length > 0 || /^vector\(|\bALERTS\b|\bup\b/.test(expr)).toBe(true);
  });
});
