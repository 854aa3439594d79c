import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger, LogThreshold } from '../../runtime/log.ts';
import { LogLevelControl } from './log-level.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'log-level-'));
});
afterEach(() => rm(folder, { recursive: true }));

function start(level: 'info' | 'error') {
  const lines: { event: string; level: string }[] = [];
  const threshold = new LogThreshold(level);
  const log = createLogger(threshold, { write: (line) => void lines.push(JSON.parse(line)) });
  return { lines, threshold, log, control: new LogLevelControl(threshold, log), path: join(folder, 'level') };
}

test('the file is followed, by loggers that were made before it changed too', async () => {
  const { lines, log, control, path } = start('info');
  const child = log.child({ slice: 's' });
  await writeFile(path, 'debug\n');
  await control.read(path);
  child.debug({ event: 'slice.live' }, 'now seen');
  await writeFile(path, 'error');
  await control.read(path);
  child.warn({ event: 'slice.live' }, 'no longer seen');
  expect(lines.map(({ event }) => event)).toEqual(['log.level', 'slice.live', 'log.level']);
});

test('what is no level, and a file that is not there, change nothing and are said once', async () => {
  const { lines, threshold, control, path } = start('info');
  await control.read(path);
  await control.read(path);
  await writeFile(path, 'loud');
  await control.read(path);
  expect(threshold.level).toBe('info');
  expect(lines.map(({ event }) => event)).toEqual(['log.levelNotKnown', 'log.levelNotKnown']);
});

test('the switch goes to debug and back to what the file says by then', async () => {
  const { threshold, control, path } = start('error');
  control.toggle();
  expect(threshold.level).toBe('debug');
  await writeFile(path, 'warn');
  await control.read(path);
  expect(threshold.level).toBe('debug');
  control.toggle();
  expect(threshold.level).toBe('warn');
});
