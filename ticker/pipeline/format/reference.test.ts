import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { columns } from './columns.ts';
import { referencePage, renderReference } from './reference.ts';

test('docs/reference/delivery.md is what the tables say (else run `node ticker/pipeline/format/reference.ts`)', () => {
  expect(readFileSync(referencePage, 'utf8')).toBe(renderReference());
});

test('column names are unique and in snake_case', () => {
  expect(new Set(columns.map(({ name }) => name)).size).toBe(columns.length);
  for (const { name } of columns) expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/);
});
