import { readdirSync, readFileSync } from 'node:fs';
import { tableFromIPC } from 'apache-arrow';
import { describe, expect, test } from 'vitest';
import { deliveryVersion } from '../../delivery.ts';
import { columns } from './columns.ts';
import { fixtureFolder, fixturePayload, fixtures } from './fixtures.testing.ts';
import type { Batch } from './read.ts';
import { parsePayload } from './read-arrow.ts';

const folder = fixtureFolder(deliveryVersion);
const read = (file: string): Batch => {
  const bytes = readFileSync(new URL(file, folder));
  return parsePayload(file.endsWith('.json') ? bytes.toString() : bytes);
};

describe(`what was written in version ${deliveryVersion}`, () => {
  test('is there for every fixture, in both formats', () => {
    const files = fixtures.flatMap(({ name }) => [`${name}.arrow`, `${name}.json`]);
    expect(readdirSync(folder).sort()).toEqual(files.sort());
  });

  test.each(fixtures.map((fixture) => [fixture.name, fixture] as const))(
    'is still read, and still written: %s',
    (name, fixture) => {
      const [json, arrow] = [read(`${name}.json`), read(`${name}.arrow`)];
      expect(arrow).toEqual(json);
      // Within a version fields and columns are only added.
      for (const format of ['json', 'arrow'] as const) {
        const today = parsePayload(fixturePayload(fixture, format));
        expect(today.header).toMatchObject(json.header);
        expect(today.columns).toMatchObject(json.columns);
      }
    },
  );

  test('no column has changed its type in Arrow', () => {
    for (const { name } of fixtures) {
      const types = (bytes: Uint8Array): Map<string, string> =>
        new Map(tableFromIPC(bytes).schema.fields.map((field) => [field.name, String(field)]));
      const before = types(readFileSync(new URL(`${name}.arrow`, folder)));
      const today = types(fixturePayload(fixtures.find((each) => each.name === name)!, 'arrow') as Uint8Array);
      for (const [column, type] of before) expect(today.get(column), column).toBe(type);
    }
  });

  test('between them the fixtures have every column, and say what they said', () => {
    const { header, columns: all } = read('every-column.json');
    expect(Object.keys(all)).toEqual(columns.map(({ name }) => name));
    expect(header).toMatchObject({ v: 1, set: 'default/nifty', epoch: 3, seq: 7, count: 6, late: true, end: true });
    expect(header.gap).toEqual({ from: 1767587395000000, to: 1767587400000000, why: 'spool', ticks: 12 });
    expect(all['last_price']).toEqual([152.35, 152.35, 24500.05, null, 1481.5, 1481.5]);
    expect(all['exchange_time']).toEqual([1767587400000000, 1767501000000000, 1767587400123456, null, null, null]);
    expect(all['volume']).toEqual([4294967296, 1000, null, null, 1000, null]);
    expect(all['ask_orders']?.[0]).toEqual([65535, 4, 3, 2, 0]);
    expect(all['theta']).toEqual([-12.5, null, null, null, null, null]);
    expect(all['cached']).toEqual([null, true, null, null, null, null]);
  });
});
