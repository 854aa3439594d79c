import type { ErrorDefinition } from '../runtime/errors.ts';
import { table } from './reference.ts';

const meanings = {
  retryable: 'tried again by itself',
  terminal: 'needs a change by somebody',
} as const;

/**
 * The reference page of coded errors, in Markdown. Ends with a newline.
 *
 * @param catalogue `errorCatalogue()`, once every part that defines errors has been imported
 */
export function errorReference(catalogue: readonly ErrorDefinition[]): string {
  const rows = catalogue.map(({ code, persistence, remedy }) => [`\`${code}\``, meanings[persistence], remedy]);
  const intro =
    'Every error that is logged, printed or told in a condition carries one of these codes. Codes are stable; messages are not.';
  return `# Errors\n\n${intro}\n\n${table(['code', 'what happens next', 'what to do'], rows)}\n`;
}
