import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { BearerTokens } from './bearer-tokens.ts';
import { createLogger } from './log.ts';
import { VirtualClock } from './virtual-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'bearer-tokens-'));
const file = join(folder, 'tokens');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a rotated token counts within a minute; while the file is bad the last ones do', async () => {
  const clock = new VirtualClock();
  const logged: string[] = [];
  const tokens = new BearerTokens(file, clock, createLogger('info', { write: (line) => void logged.push(line) }));
  writeFileSync(file, 'first-token-of-16-\r\nsecond-token-of-16\n\n');
  await tokens.load();
  expect(await tokens.first()).toBe('first-token-of-16-');
  expect([await tokens.knows('second-token-of-16'), await tokens.knows('third-token-of-16-')]).toEqual([true, false]);
  expect(await tokens.allow('Bearer first-token-of-16-')).toBe(true);
  for (const header of [undefined, '', 'Bearer', 'Bearer  first-token-of-16-', 'Basic first-token-of-16-']) {
    expect(await tokens.allow(header), header).toBe(false);
  }
  writeFileSync(file, 'third-token-of-16-');
  expect(await tokens.knows('third-token-of-16-')).toBe(false);
  await clock.advance(61_000);
  expect([await tokens.knows('third-token-of-16-'), await tokens.knows('second-token-of-16')]).toEqual([true, false]);
  writeFileSync(file, '');
  await clock.advance(61_000);
  expect(await tokens.knows('third-token-of-16-')).toBe(true);
  expect(logged.join('')).toContain('TOKEN_FILE_UNREADABLE');
  expect(logged.join('')).not.toContain('third-token');
});

test.each([
  ['', 'holds 0 tokens'],
  ['short', 'line 1'],
  ['a-token-of-16-chars\nwith spaces in between', 'line 2'],
])('%j is refused, naming what is wrong and no token', async (text, message) => {
  writeFileSync(file, text);
  const tokens = new BearerTokens(file, new VirtualClock(), createLogger('silent'));
  await expect(tokens.load()).rejects.toMatchObject({ code: 'TOKEN_FILE_UNREADABLE' });
  await expect(tokens.load()).rejects.toThrow(message);
});
