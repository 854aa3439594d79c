import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { allMetrics, documentedNames, metricSections, metricsReference } from './metrics-reference.ts';

const page = readFileSync(new URL('../docs/reference/metrics.md', import.meta.url), 'utf8');

test("docs/reference/metrics.md is what the tables say (else run 'make generate')", () => {
  expect(page).toBe(metricsReference());
});

test('names are unique and by the conventions of Prometheus', () => {
  expect(new Set(allMetrics.map(({ name }) => name)).size).toBe(allMetrics.length);
  expect(documentedNames(page)).toEqual(expect.arrayContaining(allMetrics.map(({ name }) => name)));
  for (const { name, type, unit, help } of allMetrics) {
    expect(name).toMatch(/^ticker(_[a-z]+)+$/);
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
    if (unit === 'seconds' || unit === 'bytes') expect(name.replace(/_total$/, ''), name).toMatch(/_(seconds|bytes)$/);
    expect(help, name).toMatch(/^[A-Z1].*\.$/);
  }
});

test('histograms have ascending buckets, and nothing is labelled by instrument, slice or set', () => {
  for (const { name, type, labels, buckets } of allMetrics) {
    expect(buckets !== undefined, name).toBe(type === 'histogram');
    expect(buckets, name).toEqual(buckets === undefined ? undefined : [...new Set(buckets)].sort((a, b) => a - b));
    for (const label of Object.keys(labels)) expect(label, name).not.toMatch(/instrument|token|symbol|slice|set/);
  }
});

test('the data plane has at least 25 metrics, and every part has some', () => {
  const [accounts, sink] = metricSections;
  expect((accounts?.metrics.length ?? 0) + (sink?.metrics.length ?? 0)).toBeGreaterThanOrEqual(25);
  for (const { metrics } of metricSections) expect(metrics.length).toBeGreaterThan(0);
});
