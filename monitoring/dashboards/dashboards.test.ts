import { describe, expect, it, test } from 'vitest';
import { z } from 'zod';
import { allAlerts } from '../rules.ts';
import { runbookUrl } from '../runbook.ts';
import { dashboardFiles, dashboards, panelsOf } from './index.ts';

/** The generated JSON, read as Grafana does. */
const target = z.looseObject({ expr: z.string(), legendFormat: z.string(), refId: z.string() });
const panel = z.looseObject({
  type: z.string(),
  title: z.string(),
  description: z.string().default(''),
  gridPos: z.object({ h: z.int(), w: z.int(), x: z.int(), y: z.int() }),
  targets: z.array(target).default([]),
  links: z.array(z.looseObject({ url: z.string() })).default([]),
  datasource: z.looseObject({ uid: z.string() }).optional(),
  fieldConfig: z
    .looseObject({ defaults: z.looseObject({ unit: z.string().optional(), thresholds: z.unknown().optional() }) })
    .optional(),
});
const dashboard = z.looseObject({
  uid: z.string(),
  title: z.string(),
  panels: z.array(panel),
  templating: z.object({ list: z.array(z.looseObject({ name: z.string(), type: z.string() })) }),
});

const files = [...dashboardFiles()].map(([path, text]) => [path, dashboard.parse(JSON.parse(text))] as const);
const shown = files.map(([path, { panels }]) => [path, panels.filter(({ type }) => type !== 'row')] as const);

test('at least 24 panels on three pages, with uids of their own', () => {
  expect(files.length).toBe(3);
  expect(shown.flatMap(([, panels]) => panels).length).toBeGreaterThanOrEqual(24);
  expect(new Set(files.map(([, { uid }]) => uid)).size).toBe(3);
});

describe.each(shown)('%s', (path, panels) => {
  it('has variables for the data source and what it is about', () => {
    const names = files.find(([name]) => name === path)?.[1].templating.list.map(({ name }) => name);
    const own = path.includes('account-and-shard') ? ['account', 'shard'] : [];
    expect(names).toEqual(['datasource', 'namespace', ...own]);
  });

  it('has panels that say what they show, in a unit, with thresholds, by the data source that is chosen', () => {
    for (const { title, description, fieldConfig, datasource, targets } of panels) {
      expect(description, title).toMatch(/^.{5,}\.$/s);
      expect(fieldConfig?.defaults.unit, title).toBeTruthy();
      expect(fieldConfig?.defaults.thresholds, title).toBeDefined();
      expect(datasource?.uid, title).toBe('$datasource');
      expect(targets.length, title).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
    }
  });

  it('has panels that lie beside each other, on no other', () => {
    const cells = new Set<string>();
    for (const { title, gridPos } of panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(cells.has(`${x} ${y}`), title).toBe(false);
          cells.add(`${x} ${y}`);
        }
      }
    }
  });

  it('links to sections of the runbook about alerts that there are', () => {
    const urls = panels.flatMap(({ links }) => links.map(({ url }) => url));
    expect(urls.length).toBeGreaterThan(5);
    const known = new Set(allAlerts.map(({ name }) => runbookUrl(name)));
    expect(urls.filter((url) => !known.has(url))).toEqual([]);
  });
});

test('no two panels of a page have the same title', () => {
  for (const spec of Object.values(dashboards)) {
    const titles = panelsOf(spec).map(({ title }) => title);
    expect(new Set(titles).size, spec.title).toBe(titles.length);
  }
});
