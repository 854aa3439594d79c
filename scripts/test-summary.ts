import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Prints the closing line of a test run from vitest's JSON report; fails where a test failed, was skipped, or none ran. */
const report = z
  .object({
    success: z.boolean(),
    numPassedTests: z.int(),
    numFailedTests: z.int(),
    numPendingTests: z.int(),
    numTodoTests: z.int(),
    numFailedTestSuites: z.int(),
  })
  .parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')));

const skipped = report.numPendingTests + report.numTodoTests;
if (skipped > 0) console.error(`test: ${skipped} tests were skipped; a test is never skipped`);
if (!report.success && report.numFailedTests === 0) console.error('test: a test file could not be run');
console.log(`tests: ${report.numPassedTests} passed, ${report.numFailedTests} failed`);
process.exit(report.success && skipped === 0 && report.numPassedTests > 0 ? 0 : 1);
