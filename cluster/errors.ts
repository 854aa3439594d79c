import { defineError } from '../runtime/errors.ts';

/** 401: the token expired or was never valid. A new one may be there the next time. */
export const unauthorized = defineError(
  'CLUSTER_UNAUTHORIZED',
  'retryable',
  'Check the credentials of the kubeconfig or of the service account; they are read anew each time.',
);
/** 403: RBAC, a quota, or a namespace that is being deleted. A Role may be on its way. */
export const forbidden = defineError(
  'CLUSTER_FORBIDDEN',
  'retryable',
  'Let a Role allow the verb and the resource that the message names, or raise the quota; it is tried again.',
);
/** 404 */
export const notFound = defineError(
  'CLUSTER_NOT_FOUND',
  'terminal',
  'Check the name and the namespace; it may have been deleted.',
);
/** 409: somebody else wrote in between, or owns a field. */
export const conflict = defineError('CLUSTER_CONFLICT', 'retryable', 'Read the object again and decide anew.');
/** 409 AlreadyExists */
export const alreadyExists = defineError(
  'CLUSTER_ALREADY_EXISTS',
  'terminal',
  'Choose another name, or change the object that is there.',
);
/** 422, or 400 */
export const invalid = defineError('CLUSTER_INVALID', 'terminal', 'Change the fields that the message names.');
/** 410: the version is too old to watch or page from. */
export const expired = defineError('CLUSTER_EXPIRED', 'retryable', 'List again and watch from there.');
/** 5xx, 429, a broken connection. */
export const unavailable = defineError(
  'CLUSTER_UNAVAILABLE',
  'retryable',
  'The API server cannot be reached; it is tried again.',
);
