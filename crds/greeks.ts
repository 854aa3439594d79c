import { z } from 'zod';
import { described, timeOfDay, timeZone, timeZoneRule } from './schema.ts';

const greeksFields = z.object({
  model: described(
    z.enum(['blackScholesMerton', 'black76']).default('blackScholesMerton'),
    'Black-76 takes the underlying to be a future.',
  ),
  rate: described(z.number().min(-0.5).max(1).default(0.065), 'Risk-free rate, continuously compounded, a year.'),
  dividendYield: described(
    z.number().min(-0.5).max(1).default(0),
    'Continuous dividend yield a year; not used by Black-76.',
  ),
  dayCount: described(z.enum(['act365', 'act360']).default('act365'), 'Year of the time to expiry.'),
  expiryTime: described(timeOfDay.default('15:30'), 'Time of day at which the options expire.'),
  timezone: described(timeZone.default('Asia/Kolkata'), 'Time zone of `expiryTime`.', {
    cel: [timeZoneRule],
  }),
  when: described(
    z.enum(['tick', 'batch']).optional(),
    'Which ticks get them: each one (`tick`, the default), or only the last of each instrument in a batch, computed when the batch is sealed (`batch`); the others then have none.',
    { examples: ['batch'] },
  ),
});
export const greeks = described(greeksFields, 'How implied volatility and Greeks are computed.', {
  cel: [
    {
      rule: "self.model != 'black76' || self.dividendYield == 0.0",
      message: 'Black-76 knows no dividend yield; leave dividendYield out, or write model: blackScholesMerton',
      fieldPath: '.dividendYield',
    },
  ],
});

export type GreeksSpec = z.infer<typeof greeks>;
