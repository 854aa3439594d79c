import { defineError } from '../../../runtime/errors.ts';

export const permissionDenied = defineError(
  'KITE_PERMISSION_DENIED',
  'terminal',
  'Have the API subscription at the broker extended to this kind of request (historical data is one of its own).',
);
export const historyTooLong = defineError(
  'KITE_HISTORY_TOO_LONG',
  'terminal',
  'Ask for a shorter range or a longer interval.',
);
export const tooManyInstruments = defineError(
  'KITE_TOO_MANY_INSTRUMENTS',
  'terminal',
  'Lower spec.limits.instrumentsPerConnection of the account to what the broker allows on one connection.',
);
