import { defineError } from '../../../runtime/errors.ts';

export const mockSettingInvalid = defineError(
  'MOCK_SETTING_INVALID',
  'terminal',
  "Correct the key in the Secret, or take it out: the provider's usual value is used then.",
);
export const mockInstrumentUnknown = defineError(
  'MOCK_INSTRUMENT_UNKNOWN',
  'terminal',
  'Take the instrument from the current instrument master; it may have expired.',
);
