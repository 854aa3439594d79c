import { defineError } from '../../runtime/errors.ts';

export const streamStalled = defineError(
  'SHARD_STREAM_STALLED',
  'retryable',
  'The connection was open, but the broker sent nothing, not even for a renewed subscription; it is opened again.',
);
export const notServed = defineError(
  'SHARD_ACCOUNT_NOT_SERVED',
  'retryable',
  'Ask the shard that owns the account; ownership changes while accounts move.',
);
export const loginPending = defineError(
  'SHARD_LOGIN_PENDING',
  'retryable',
  "The account's login is not proven yet; ask again shortly.",
);
export const tooManyTokens = defineError(
  'SHARD_TOO_MANY_TOKENS',
  'terminal',
  'Ask for fewer instruments in one request.',
);
export const circuitOpen = defineError(
  'SINK_CIRCUIT_OPEN',
  'retryable',
  'Check that Redis runs and answers; it is probed, ticks are kept, up to the bound, and sent when it is back.',
);
