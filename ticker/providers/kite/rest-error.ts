import type { CodedError } from '../../../runtime/errors.ts';
import { badResponse, credentialsRefused, rateLimited, unreachable } from '../errors.ts';
import { permissionDenied } from './errors.ts';
import { safeText } from './redact.ts';

/** What came of a request that failed. */
export interface Failure {
  /** What was asked for, for the message: `account default/a: last prices`. */
  readonly request: string;
  /** HTTP status; undefined where there was no answer. */
  readonly status: number | undefined;
  /** Whatever the official client rejected with or returned. */
  readonly thrown: unknown;
  readonly secrets: readonly string[];
}

/**
 * The coded error for a failed request. Sources: https://kite.trade/docs/connect/v3/exceptions/; the status decides
 * where the answer names no exception, as a proxy's does not.
 *
 * What was thrown is never kept as the cause: the official client can reject with the whole request, headers and token
 * included.
 */
export function restError(failure: Failure): CodedError {
  const { request, status } = failure;
  const { type, message } = readException(failure.thrown);
  const answer = status === undefined ? 'no answer' : `HTTP ${status}`;
  const text = safeText(message, failure.secrets);
  const said = `${request}: ${answer}${type === '' ? '' : ` ${safeText(type, failure.secrets)}`}${text === '' ? '' : `: ${text}`}`;
  if (type === 'TokenException') return credentialsRefused(said);
  if (type === 'PermissionException') return permissionDenied(said);
  if (status === 429) return rateLimited(said);
  if (status === 401 || status === 403) return credentialsRefused(said);
  if (status === undefined || status >= 500) return unreachable(said);
  return badResponse(said);
}

/** `error_type` and `message` of Kite's error JSON, or of an `Error`. */
function readException(thrown: unknown): { type: string; message: string } {
  if (typeof thrown !== 'object' || thrown === null) return { type: '', message: '' };
  const type = 'error_type' in thrown && typeof thrown.error_type === 'string' ? thrown.error_type : '';
  const message = 'message' in thrown && typeof thrown.message === 'string' ? thrown.message : '';
  return { type, message };
}
