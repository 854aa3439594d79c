import { defineError } from '../../runtime/errors.ts';

/** The shard answered with an error, or not at all. */
export const shardUnavailable = defineError(
  'MARKET_DATA_UNAVAILABLE',
  'retryable',
  'The shard is asked again, or another one; its own log says more.',
);
export const marketDataRefused = defineError(
  'MARKET_DATA_REFUSED',
  'retryable',
  'Give operator and shards the same --market-data-token-file; the file is read anew each minute.',
);
export const badQuestion = defineError(
  'MARKET_DATA_BAD_REQUEST',
  'terminal',
  'GET /v1/instruments?shard=NAME/UID&account=NAMESPACE/NAME, or /v1/spot with &tokens=1,2,3 too.',
);
