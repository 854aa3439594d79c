import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
/** Parts whose time and randomness are passed in. */
const parts = ['crds', 'cluster', 'operator', 'ticker'];
/** What reads a global clock, sets a global timer or draws global randomness. */
const globals =
  /\b(Date\.now|new Date\(\s*\)|performance\.(now|timeOrigin)|setTimeout|setInterval|setImmediate|Math\.random|randomUUID|randomBytes|randomInt|getRandomValues|AbortSignal\.timeout|process\.hrtime)\b|(?<![.\w])Date\(\)|node:timers/;
/** The socket's own shell, which waits for one turn of the event loop: no time, and nothing that a simulation runs. */
const socketShell =
  /^ticker\/providers\/kite\/connection\.ts:\d+: setImmediate\(\(\) => this\.#paused \|\| socket\.resume\(\)\);$/;
/** Sources that run in a browser, where there is nothing to pass in. */
const inBrowser = /ticker\/gateway\/page\//;

const notProduction = new Set(['node_modules', 'contract']);

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return notProduction.has(entry.name) ? [] : sources(path);
    const production = /\.ts$/.test(entry.name) && !/\.(test|testing|contract|corpus)\.ts$/.test(entry.name);
    return production && !inBrowser.test(path) ? [path] : [];
  });
}

/** Code without comments and without what stands in quotes. */
function codeOf(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g, (quoted) => (/node:/.test(quoted) ? quoted : "''"))
    .replace(/\/\/.*$/gm, '');
}

function uses(path: string): string[] {
  return codeOf(readFileSync(path, 'utf8'))
    .split('\n')
    .flatMap((line, index) => (globals.test(line) ? [`${relative(root, path)}:${index + 1}: ${line.trim()}`] : []));
}

test('production code has no clock, timer or randomness but those that are passed in', () => {
  const files = parts.flatMap((part) => sources(join(root, part)));
  expect(files.length).toBeGreaterThan(150);
  expect(files.flatMap(uses).filter((use) => !socketShell.test(use))).toEqual([]);
});

test('the search sees each of them, and neither comments nor texts', () => {
  const seen = (code: string): boolean => globals.test(codeOf(code));
  for (const code of [
    'const now = Date.now();',
    'new Date()',
    'performance.now()',
    'setTimeout(act, 5)',
    'setImmediate(act)',
    'Math.random()',
    'crypto.randomUUID()',
    'AbortSignal.timeout(5)',
    "import { setTimeout } from 'node:timers/promises';",
  ]) {
    expect(seen(code), code).toBe(true);
  }
  for (const code of [
    'new Date(now)',
    '// Date.now()',
    '/* setTimeout */',
    "'Math.random()'",
    'clock.setTimer(5, act)',
  ]) {
    expect(seen(code), code).toBe(false);
  }
});
