import type { CodedError } from '../../runtime/errors.ts';
import {
  alreadyExists,
  conflict,
  expired,
  forbidden,
  invalid,
  notFound,
  unauthorized,
  unavailable,
} from '../errors.ts';
import { maxMessageLength } from './limits.ts';

/** metav1.Status, as much of it as is read. */
export interface Status {
  readonly kind: 'Status';
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly name?: string;
    readonly causes?: readonly { readonly reason?: string; readonly field?: string; readonly message?: string }[];
  };
}

export interface Refusal {
  /** What was tried, e.g. `get instrumentsets default/nifty`. */
  readonly what: string;
  /** HTTP's status code, or the Status's own where it came as an event of a watch. */
  readonly code: number;
  /** Absent where the answer was no Status, as of a proxy in between. */
  readonly status?: Status;
  /** The server's own words may quote what was sent; of these objects only names of fields are passed on. */
  readonly confidential?: boolean;
}

/**
 * The coded error for an answer that is not a success. Two answers of the API server say less than they mean and are
 * translated: a 500 for a patch that does not fit the schema is `CLUSTER_INVALID`, and a 422 for a `metadata.uid` that
 * is not the object's is `CLUSTER_CONFLICT`.
 */
export function errorFromRefusal(refusal: Refusal): CodedError {
  const { code, status } = refusal;
  const message = messageOf(refusal);
  const causes = status?.details?.causes ?? [];
  if (causes.some(({ reason }) => reason === 'ResourceVersionTooLarge')) return expired(message);
  switch (code) {
    case 401:
      return unauthorized(message);
    case 403:
      return forbidden(message);
    case 404:
      // No such object has a Status with its name; no such kind has not.
      return notFound(status?.details?.name ? message : `${message}; are this project's CRDs installed?`);
    case 409:
      return status?.reason === 'AlreadyExists' ? alreadyExists(message) : conflict(message);
    case 410:
      return expired(message);
    case 422:
      return onlyUid(status) ? conflict(message) : invalid(message);
    case 500:
      return /failed to create typed patch object/.test(status?.message ?? '')
        ? invalid(message)
        : unavailable(message);
    case 408:
    case 429:
      return unavailable(message);
    default:
      return code >= 400 && code < 500 ? invalid(message) : unavailable(message);
  }
}

/** Nothing is wrong but that it is another object. */
function onlyUid(status: Status | undefined): boolean {
  const causes = status?.details?.causes ?? [];
  return causes.length > 0 && causes.every(({ field }) => field === 'metadata.uid');
}

function messageOf({ what, code, status, confidential = false }: Refusal): string {
  if (status === undefined) return `${what}: the server answered ${code}`;
  const causes = (status.details?.causes ?? []).map(({ field = '', reason = '' }) => `${field}: ${reason}`);
  const said = confidential
    ? [status.reason ?? String(code), ...causes].join('; ')
    : (status.message ?? status.reason ?? String(code));
  return `${what}: ${said.replaceAll('\n', ' ').slice(0, maxMessageLength)}`;
}

/** The Status in the text of an answer; undefined where it is none. */
export function parseStatus(body: string): Status | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isStatus(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isStatus(value: unknown): value is Status {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status';
}
