import { defineError } from '../../runtime/errors.ts';

export const sinkUnavailable = defineError(
  'SINK_UNAVAILABLE',
  'retryable',
  'Check that Redis runs and that its address and password are right; ticks are kept, up to the bound, and sent when it is back.',
);
