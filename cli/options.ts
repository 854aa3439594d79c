import { defineError } from '../runtime/errors.ts';

export const badOption = defineError('CLI_BAD_OPTION', 'terminal', "See the command's --help.");

/** A whole number from `least` to `most`, or a coded error that names the option. */
export function wholeNumber(text: string, option: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < least || value > most) {
    throw badOption(`${option} wants a whole number from ${least} to ${most}, not '${text}'`);
  }
  return value;
}

/** One of `choices`, or a coded error that names them. */
export function oneOf<T extends string>(text: string, option: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw badOption(`${option} wants one of ${choices.join(', ')}, not '${text}'`);
  return found;
}

/** `NAME` or `NAMESPACE/NAME`. */
export function namespacedName(text: string): { namespace: string; name: string } {
  const [first, second, more] = text.split('/');
  if (first === undefined || first === '' || second === '' || more !== undefined) {
    throw badOption(`'${text}' is no set: write NAME or NAMESPACE/NAME`);
  }
  return second === undefined ? { namespace: 'default', name: first } : { namespace: first, name: second };
}
