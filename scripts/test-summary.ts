import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';

/** Names the failed tests of vitest's JSON report once more and prints the closing line; fails where one failed, was skipped, or none ran. */
const report = z
  .object({
    success: z.boolean(),
    numPassedTests: z.int(),
    numFailedTests: z.int(),
    numPendingTests: z.int(),
    numTodoTests: z.int(),
    numFailedTestSuites: z.int(),
    testResults: z.array(
      z.object({
        name: z.string(),
        status: z.string(),
        message: z.string(),
        assertionResults: z.array(
          z.object({ status: z.string(), fullName: z.string(), failureMessages: z.array(z.string()).nullish() }),
        ),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')));

/** The start of a message without its stack, on one line: the whole of it stands further up. */
function brief(message: string): string {
  const [start = ''] = stripVTControlCharacters(message).split('\n    at ');
  return start.trim().replace(/\s+/g, ' ').slice(0, 400);
}

for (const file of report.testResults) {
  const path = relative(process.cwd(), file.name);
  const failed = file.assertionResults.filter((result) => result.status === 'failed');
  for (const test of failed)
    console.error(`failed: ${path}: ${test.fullName}: ${brief(test.failureMessages?.[0] ?? '')}`);
  if (file.status === 'failed' && failed.length === 0)
    console.error(
      `failed: ${path}: ${brief(file.message) || 'outside its tests, e.g. in beforeAll; it is said further up'}`,
    );
}

const skipped = report.numPendingTests + report.numTodoTests;
if (skipped > 0) console.error(`test: ${skipped} tests were skipped; a test is never skipped`);
if (!report.success && report.numFailedTests === 0) console.error('test: a test file could not be run');
console.log(`tests: ${report.numPassedTests} passed, ${report.numFailedTests} failed`);
process.exit(report.success && skipped === 0 && report.numPassedTests > 0 ? 0 : 1);
