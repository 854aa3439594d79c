import { defineError } from '../../../../runtime/errors.ts';

export const portInUse = defineError(
  'SIMULATOR_PORT_IN_USE',
  'terminal',
  'Stop what listens there, or choose another port (0 takes any free one).',
);
export const badFault = defineError(
  'SIMULATOR_BAD_FAULT',
  'terminal',
  'GET /simulator/faults lists what can be ordered.',
);
export const badLogin = defineError(
  'SIMULATOR_BAD_LOGIN',
  'terminal',
  'Give each login its own API key, and a secret and a token of letters, digits, dots, dashes and underscores.',
);
