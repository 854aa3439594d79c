import { z } from 'zod';
import {
  type CelRule,
  calendarDate,
  conditions,
  count,
  described,
  dnsSubdomain,
  exchange,
  instrumentName,
  type KubeObject,
  mode,
  timeOfDay,
  timeZone,
  timeZoneRule,
} from './schema.ts';
import { validationRules } from './validation-rules.ts';

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
});
const greeks = described(greeksFields, 'How implied volatility and Greeks are computed.', {
  cel: [
    {
      rule: "self.model != 'black76' || self.dividendYield == 0.0",
      message: 'Black-76 knows no dividend yield; leave dividendYield out, or write model: blackScholesMerton',
      fieldPath: '.dividendYield',
    },
  ],
});

/** What happens to a tick that breaks a rule. */
export const ruleAction = z.enum(['enforce', 'report', 'off']);

const deliveryFields = z.object({
  channel: described(
    z
      .string()
      .min(1)
      .max(120)
      .regex(
        /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/,
        'is no channel: write letters, digits, `.`, `_` and `-`, a letter or digit first (the namespace is added by itself)',
      )
      .optional(),
    "Name of the channel, within the namespace; the set's own name when absent.",
    { examples: ['nifty-weekly'] },
  ),
  format: described(z.enum(['json', 'arrow']).default('json'), 'How a batch is encoded.', {
    unavailable: { reason: 'delivery.format: arrow is not supported yet; use json', except: 'json' },
  }),
  pubsub: described(z.boolean().default(true), "Publish batches on the set's channel."),
  sharded: described(z.boolean().default(false), 'Use one sharded channel a slice (Redis Cluster).', {
    unavailable: { reason: 'delivery.sharded is not supported yet; leave it false', except: false },
  }),
  stream: described(
    z
      .object({
        maxLength: described(
          z.int().min(100).max(10_000_000).default(10_000),
          'Batches kept, about; older ones are trimmed.',
        ),
      })
      .optional(),
    'Keep batches in a Redis Stream for each slice, so that a reader can resume by id. Off when absent.',
  ),
  latest: described(z.boolean().default(true), 'Keep the newest row of each instrument in a hash.'),
  window: described(
    z.int().min(0).max(10_000).default(100),
    'Milliseconds that a batch is gathered for; 0 sends the ticks of each frame at once.',
  ),
  maxTicks: described(
    z.int().min(1).max(10_000).default(1000),
    'Ticks after which a batch is sent before its window ends.',
  ),
  conflate: described(z.boolean().default(false), 'Keep only the newest tick of an instrument in a batch.', {
    unavailable: { reason: 'delivery.conflate is not supported yet; leave it false', except: false },
  }),
});
const delivery = described(deliveryFields, 'Where and how batches arrive.', {
  cel: [
    {
      rule: 'self.pubsub || self.latest || has(self.stream)',
      message:
        'pubsub and latest are off and there is no stream, so that nothing would be delivered; turn one of them on',
    },
  ],
});

const setFields = z.object({
  instruments: described(z.array(instrumentName).max(10_000).optional(), 'Instruments by name.', {
    listType: 'set',
    examples: [['NSE:RELIANCE', 'NSE:INFY']],
  }),
  selectors: described(
    z.array(instrumentSelector).max(32).optional(),
    "Instruments by their rows in the provider's instrument master.",
    { examples: [[{ exchange: 'NFO', name: 'BANKNIFTY', types: ['FUT'] }]] },
  ),
  optionChains: described(
    z.array(optionChain).max(64).optional(),
    'Options around the money, following the live price.',
    { examples: [[{ underlying: 'NSE:NIFTY 50', name: 'NIFTY', strikes: { aroundMoney: 10 } }]] },
  ),
  mode: described(mode.default('quote'), 'What to stream of each instrument.'),
  greeks: described(greeks.optional(), 'Compute implied volatility and Greeks of each option tick. Off when absent.', {
    examples: [{ rate: 0.065 }],
  }),
  validation: described(
    z
      .object({
        action: described(
          ruleAction.default('enforce'),
          'What happens to a tick that breaks a rule: `enforce` quarantines and counts it, `report` counts it, `off` does not look.',
        ),
        rules: described(z.record(z.string().max(40), ruleAction).optional(), 'Exceptions by rule.', {
          maxProperties: 32,
          cel: [
            {
              rule: `self.all(rule, rule in [${validationRules.map((name) => `'${name}'`).join(', ')}])`,
              message: `no such rule; the rules are ${validationRules.join(', ')}`,
            },
          ],
          examples: [{ depthCrossed: 'report' }],
        }),
      })
      .default({ action: 'enforce' }),
    'Rules that each tick must keep before it is published.',
  ),
  bars: described(
    z
      .object({
        intervals: described(
          z
            .array(z.enum(['1m', '3m', '5m', '10m', '15m', '30m', '1h', '1d']))
            .min(1)
            .max(8),
          'Lengths of the bars.',
          { listType: 'set', examples: [['1m', '5m']] },
        ),
      })
      .optional(),
    'OHLCV bars built from ticks.',
    { unavailable: { reason: 'bars are not supported yet; remove spec.bars' } },
  ),
  backfill: described(
    z
      .object({ days: described(z.int().min(0).max(60).default(0), 'Days of history to fetch at the start.') })
      .optional(),
    "Fill gaps from the provider's history.",
    { unavailable: { reason: 'backfill is not supported yet; remove spec.backfill' } },
  ),
  delivery: described(delivery.prefault({}), 'Where and how batches arrive.', {
    examples: [{ channel: 'nifty-weekly' }],
  }),
  redundancy: described(z.int().min(1).max(3).default(1), 'On how many accounts each instrument is streamed.', {
    unavailable: { reason: 'redundancy above 1 is not supported yet; leave it 1', except: 1 },
  }),
  accountSelector: described(
    z
      .object({
        matchLabels: described(
          z.record(z.string().max(317), z.string().max(63)).optional(),
          'Labels that an account must have.',
          { maxProperties: 16, examples: [{ desk: 'demo' }] },
        ),
        names: described(z.array(dnsSubdomain).min(1).max(64).optional(), 'Accounts by name (of this namespace).', {
          listType: 'set',
          examples: [['demo-a']],
        }),
      })
      .optional(),
    'Which of the usable accounts may stream this set; all when absent.',
  ),
});

export const instrumentSetSpec = described(setFields, 'What to stream and how.', {
  cel: [
    {
      rule: '(has(self.instruments) && size(self.instruments) > 0) || (has(self.selectors) && size(self.selectors) > 0) || (has(self.optionChains) && size(self.optionChains) > 0)',
      message: 'the set names nothing to stream; write at least one entry in instruments, selectors or optionChains',
    },
  ],
});

export const instrumentSetStatus = z.object({
  observedGeneration: described(z.int().min(0).optional(), 'The generation of the spec that this status speaks of.', {
    examples: [3],
  }),
  conditions: conditions.optional(),
  channel: described(z.string().max(256).optional(), 'The full name of the channel that batches are published on.', {
    examples: ['ticks:default:nifty-weekly'],
  }),
  requested: described(count.optional(), 'Instruments that the spec names, selects or chains, found or not.', {
    examples: [42],
  }),
  resolved: described(count.optional(), 'Instruments found in the instrument master.', { examples: [42] }),
  scheduled: described(count.optional(), 'Instruments placed on an account.', { examples: [42] }),
  streaming: described(count.optional(), 'Instruments whose subscription the shard that owns them has confirmed.', {
    examples: [42],
  }),
  slices: described(count.optional(), 'Slices that serve this set.', { examples: [42] }),
  problems: described(
    z
      .array(
        z.object({
          instrument: described(z.string().max(80), 'What it is about.', { examples: ['NSE:RELIENCE'] }),
          reason: described(z.string().max(80), 'One CamelCase word.', { examples: ['UnknownSymbol'] }),
          message: described(z.string().max(400), 'What is wrong and what to do.', {
            examples: ['no such symbol; did you mean NSE:RELIANCE?'],
          }),
        }),
      )
      .max(20)
      .optional(),
    'A sample of what could not be resolved or scheduled, 20 at most.',
  ),
});

export type OptionChain = z.infer<typeof optionChain>;
export type InstrumentSelector = z.infer<typeof instrumentSelector>;
export type GreeksSpec = z.infer<typeof greeks>;
export type RuleAction = z.infer<typeof ruleAction>;
export type DeliverySpec = z.infer<typeof delivery>;
export type InstrumentSetSpec = z.infer<typeof instrumentSetSpec>;
export type InstrumentSetStatus = z.infer<typeof instrumentSetStatus>;
export interface InstrumentSet extends KubeObject {
  kind: 'InstrumentSet';
  spec: InstrumentSetSpec;
  status?: InstrumentSetStatus;
}
