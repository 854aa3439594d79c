import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';

const program = `
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cleanUpAtTheEnd, leaves, leavesFolder } from ${JSON.stringify(new URL('leftovers.ts', import.meta.url))};
const folder = mkdtempSync(join(tmpdir(), 'leftovers-'));
leavesFolder(folder);
leaves(async () => {
  await delay(200);
  console.log('cleaned up');
});
leaves(() => Promise.reject(new Error('it cannot be')));
cleanUpAtTheEnd();
console.log(folder);
await delay(60_000);
`;

test('ended by a signal, be it twice, it cleans up all that it can and ends as ended by that signal', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  await once(child.stdout, 'data');
  const folder = output.trim();
  expect(existsSync(folder)).toBe(true);
  const ended = once(child, 'close');
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGTERM'), 50);
  expect(await ended).toEqual([143, null]);
  expect(output).toContain('cleaned up');
  expect(existsSync(folder)).toBe(false);
});
