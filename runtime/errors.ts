/** Whether trying the same thing again may succeed without anybody changing anything. */
export type Persistence = 'retryable' | 'terminal';

/** One entry of the catalogue of errors: what `docs/reference/errors.md` is generated from. */
export interface ErrorDefinition {
  /** Stable, e.g. `KITE_TOKEN_REFUSED`; part of the public interface. */
  readonly code: string;
  readonly persistence: Persistence;
  /** What a person does about it, as one sentence. */
  readonly remedy: string;
}

/** An error that a person or a program can act on. Its message never contains a credential. */
export class CodedError extends Error {
  readonly code: string;
  readonly persistence: Persistence;
  readonly remedy: string;

  constructor(definition: ErrorDefinition, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'CodedError';
    this.code = definition.code;
    this.persistence = definition.persistence;
    this.remedy = definition.remedy;
  }
}

const catalogue = new Map<string, ErrorDefinition>();

/** Every error that the loaded parts define, in order of code. */
export function errorCatalogue(): ErrorDefinition[] {
  return [...catalogue.values()].sort((a, b) => (a.code < b.code ? -1 : 1));
}

/**
 * Defines a coded error and returns its constructor function.
 *
 * @example
 * const tokenRefused = defineError('KITE_TOKEN_REFUSED', 'terminal', 'Log in again and update the Secret.');
 * throw tokenRefused('account default/a: the broker answered 403');
 */
export function defineError(
  code: string,
  persistence: Persistence,
  remedy: string,
): (message: string, options?: { cause?: unknown }) => CodedError {
  if (catalogue.has(code)) throw new Error(`error code ${code} is defined twice`);
  const definition: ErrorDefinition = { code, persistence, remedy };
  catalogue.set(code, definition);
  return (message, options) => new CodedError(definition, message, options);
}

/** True for a coded error of this code. */
export function hasCode(error: unknown, code: string): error is CodedError {
  return error instanceof CodedError && error.code === code;
}

/** The message of anything that was thrown, with the remedy where there is one. */
export function describeError(error: unknown): string {
  if (error instanceof CodedError) return `${error.message} (${error.code}). ${error.remedy}`;
  return error instanceof Error ? error.message : String(error);
}
