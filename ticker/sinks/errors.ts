import { defineError } from '../../runtime/errors.ts';

export const sinkUnavailable = defineError(
  'SINK_UNAVAILABLE',
  'retryable',
  'Check that Redis runs and that its address and password are right; ticks are kept, up to the bound, and sent when it is back.',
);

export const badRedisUrl = defineError(
  'SINK_BAD_REDIS_URL',
  'terminal',
  'Write redis://[user:password@]host[:port][/database], or redis+cluster://host[:port],host[:port]…; rediss for TLS; percent-encode special characters.',
);
