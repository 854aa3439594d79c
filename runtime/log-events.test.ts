import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { logEvents } from './log-events.ts';

const root = join(import.meta.dirname, '..');

test('every code of the catalogue is logged somewhere', () => {
  const files = globSync('{cli,cluster,operator,runtime,ticker}/**/*.ts', { cwd: root });
  const sources = files.filter((file) => !/\.test\.ts$|log-events\.ts$/.test(file));
  const text = sources.map((file) => readFileSync(join(root, file), 'utf8')).join('\n');
  // A template names those of a state or a reason: `slice.${state}`.
  const templates = new Set([...text.matchAll(/event: `([a-z]+)\.\$\{/g)].map(([, start]) => start));
  const used = (code: string): boolean => text.includes(`'${code}'`) || templates.has(code.split('.')[0]);
  expect(Object.keys(logEvents).filter((code) => !used(code))).toEqual([]);
});

test('codes are in order, and say what happened', () => {
  const codes = Object.keys(logEvents);
  expect(codes).toEqual([...codes].sort((a, b) => a.toLowerCase().localeCompare(b.toLowerCase())));
  for (const meaning of Object.values(logEvents)) expect(meaning).toMatch(/^[A-Z`].*\.$/);
});
