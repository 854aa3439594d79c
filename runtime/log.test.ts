import { expect, test } from 'vitest';
import { CodedError, defineError, describeError, errorCatalogue, hasCode } from './errors.ts';
import { createLogger, LogLines, redactedKeys } from './log.ts';

test('never writes the value of a credential, however it is nested', () => {
  const lines: string[] = [];
  const log = createLogger('info', { write: (line) => void lines.push(line) });
  for (const key of redactedKeys) {
    log.info(
      { event: 'task.failed', [key]: 'hunter2', login: { [key]: 'hunter2', deep: { [key]: 'hunter2' } } },
      'hello',
    );
  }
  expect(lines).toHaveLength(redactedKeys.length);
  expect(lines.join('')).not.toContain('hunter2');
  expect(JSON.parse(lines[0]!)).toMatchObject({ level: 'info', event: 'task.failed', msg: 'hello' });
});

test('an error says its code and what to do', () => {
  const tooLate = defineError('TEST_TOO_LATE', 'terminal', 'Come earlier.');
  const error = tooLate('it is noon', { cause: new Error('clock') });
  expect(error).toBeInstanceOf(CodedError);
  expect(hasCode(error, 'TEST_TOO_LATE')).toBe(true);
  expect(describeError(error)).toBe('it is noon (TEST_TOO_LATE). Come earlier.');
  expect(errorCatalogue().map((entry) => entry.code)).toContain('TEST_TOO_LATE');
  expect(() => defineError('TEST_TOO_LATE', 'terminal', 'Again.')).toThrow(/twice/);
});

test('lines are counted by level, those of child loggers too; what is not logged is not counted', () => {
  const counts = new LogLines();
  const log = createLogger('info', { write: () => undefined }, counts);
  log.warn({ event: 'task.failed' }, 'one');
  log.child({ slice: 's' }).warn({ event: 'slice.live' }, 'two');
  log.error({ event: 'task.failed' }, 'three');
  log.debug({ event: 'task.failed' }, 'not logged');
  expect([counts.count('warn'), counts.count('error'), counts.count('debug')]).toEqual([2, 1, 0]);
});
