import { defineError } from '../../../runtime/errors.ts';

export const spoolUnwritable = defineError(
  'SPOOL_UNWRITABLE',
  'retryable',
  'Free space on the volume of the spool, or make its directory writable; until then ticks are kept in memory, up to the bound.',
);
export const spoolUnreadable = defineError(
  'SPOOL_UNREADABLE',
  'retryable',
  'Check the volume of the spool; what cannot be read back is dropped and counted, and readers are told.',
);
