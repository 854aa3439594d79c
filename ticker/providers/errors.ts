import { defineError } from '../../runtime/errors.ts';

export const credentialsRefused = defineError(
  'PROVIDER_CREDENTIALS_REFUSED',
  'terminal',
  'Log in again at the broker and put the new token into the Secret; streaming goes on by itself once it changes.',
);
export const credentialsMissing = defineError(
  'PROVIDER_CREDENTIALS_MISSING',
  'terminal',
  'Create the Secret that the account names, with the keys that its provider wants.',
);
export const connectionLimit = defineError(
  'PROVIDER_CONNECTION_LIMIT',
  'retryable',
  'Close the other program that uses this login, or lower spec.limits.connections; it is tried again with backoff.',
);
export const rateLimited = defineError('PROVIDER_RATE_LIMITED', 'retryable', 'It is tried again more slowly.');
export const unreachable = defineError(
  'PROVIDER_UNREACHABLE',
  'retryable',
  'Check the endpoint and the network; it is tried again with backoff.',
);
export const connectionLost = defineError(
  'PROVIDER_CONNECTION_LOST',
  'retryable',
  'It is opened again and every subscription is restored.',
);
export const connectionSilent = defineError(
  'PROVIDER_CONNECTION_SILENT',
  'retryable',
  'The connection was open but nothing arrived, not even a heartbeat; it is opened again.',
);
export const malformedFrame = defineError(
  'PROVIDER_MALFORMED_FRAME',
  'retryable',
  'The rest of the frame is dropped and counted; report it if it recurs.',
);
export const badResponse = defineError(
  'PROVIDER_BAD_RESPONSE',
  'retryable',
  'The broker answered something unexpected; it is tried again.',
);
export const unknownProvider = defineError(
  'PROVIDER_UNKNOWN',
  'terminal',
  'Set spec.provider to one of the providers that the message lists.',
);
