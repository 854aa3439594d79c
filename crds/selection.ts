import { z } from 'zod';
import { type CelRule, calendarDate, described, exchange, instrumentName } from './schema.ts';

const optionType = z.enum(['CE', 'PE']);

const eitherExpiries: CelRule = {
  rule: 'has(self.nearest) != has(self.dates)',
  message: 'write either expiries.nearest or expiries.dates, not both and not neither',
};

/** Which expiries of a chain: the nearest ones by count, or dates. */
const expiries = z.object({
  nearest: described(z.int().min(1).max(12).optional(), 'This many expiries from today on, the nearest first.', {
    examples: [2],
  }),
  dates: described(z.array(calendarDate).min(1).max(12).optional(), 'Exactly these expiries.', {
    listType: 'set',
    examples: [['2026-12-31']],
  }),
});

export const optionChain = z.object({
  underlying: described(instrumentName, 'The instrument whose live price says where the money is.', {
    examples: ['NSE:NIFTY 50'],
  }),
  name: described(
    z.string().min(1).max(40).optional(),
    "The underlying's name in the instrument master (column `name`); the tradingsymbol when absent.",
    { examples: ['NIFTY'] },
  ),
  exchange: described(exchange.default('NFO'), 'The exchange that lists the options.'),
  expiries: described(expiries.default({ nearest: 1 }), 'Which expiries.', {
    cel: [eitherExpiries],
    examples: [{ nearest: 1 }],
  }),
  strikes: described(
    z.object({
      aroundMoney: described(z.int().min(0).max(200), 'N of ATM±N: strikes on each side of the one at the money.', {
        examples: [10],
      }),
      hysteresis: described(
        z.number().min(0).max(5).default(0.25),
        'How far beyond the midpoint between two strikes the price must go before the chain moves with it, as a share of the distance between strikes.',
      ),
    }),
    'Which strikes.',
    { examples: [{ aroundMoney: 10 }] },
  ),
  types: described(z.array(optionType).min(1).max(2).default(['CE', 'PE']), 'Calls, puts or both.', {
    listType: 'set',
  }),
});

const selectorFields = z.object({
  exchange: described(exchange, 'Exchange that lists the instruments.', { examples: ['NSE'] }),
  segment: described(z.string().min(1).max(20).optional(), 'Segment of the instrument master.', {
    examples: ['NFO-FUT'],
  }),
  name: described(z.string().min(1).max(40).optional(), 'Name of the company or underlying.', {
    examples: ['BANKNIFTY'],
  }),
  types: described(
    z
      .array(z.enum(['EQ', 'FUT', 'CE', 'PE', 'INDEX']))
      .min(1)
      .max(5)
      .optional(),
    'Instrument types.',
    { listType: 'set', examples: [['FUT']] },
  ),
  symbol: described(
    z
      .string()
      .min(1)
      .max(60)
      .regex(/^[A-Z0-9 &._*-]+$/, 'is no pattern of a tradingsymbol: write capitals, digits and `*`, such as NIFTY*FUT')
      .optional(),
    'Pattern of the tradingsymbol; `*` stands for anything.',
    { examples: ['NIFTY*FUT'] },
  ),
  expiries: described(expiries.optional(), 'Which expiries; all when absent.', {
    cel: [eitherExpiries],
    examples: [{ nearest: 1 }],
  }),
  limit: described(
    z.int().min(1).max(10_000).default(500),
    'The most instruments this selector may match; a match of more is refused as a whole, with a condition.',
  ),
});

export const instrumentSelector = described(
  selectorFields,
  'Rows of the instrument master that match all of its fields.',
  {
    cel: [
      {
        rule: "!has(self.expiries) || !has(self.types) || !self.types.exists(t, t in ['EQ', 'INDEX'])",
        message:
          'EQ and INDEX have no expiry, so that expiries and these types together match nothing; remove expiries, or take EQ and INDEX out of types and give them a selector of their own',
        fieldPath: '.expiries',
      },
    ],
    examples: [{ exchange: 'NFO', name: 'BANKNIFTY', types: ['FUT'] }],
  },
);

export type OptionChain = z.infer<typeof optionChain>;
export type InstrumentSelector = z.infer<typeof instrumentSelector>;
