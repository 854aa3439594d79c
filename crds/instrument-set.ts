import { z } from 'zod';
import { delivery } from './delivery.ts';
import { greeks } from './greeks.ts';
import {
  conditions,
  count,
  described,
  dnsSubdomain,
  instrumentName,
  type KubeObject,
  mode,
  timeZone,
  timeZoneRule,
} from './schema.ts';
import { instrumentSelector, optionChain } from './selection.ts';
import { validationRules } from './validation-rules.ts';

/** What happens to a tick that breaks a rule. */
export const ruleAction = z.enum(['enforce', 'report', 'off']);

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
        timezone: described(
          timeZone.default('Asia/Kolkata'),
          "Bars begin at its midnight where the account has no `sessions`; else at each session's open.",
          { cel: [timeZoneRule] },
        ),
      })
      .optional(),
    'OHLCV bars with open interest, built from ticks and delivered beside them on the channel `<channel>:bars`.',
    { examples: [{ intervals: ['1m', '5m'] }] },
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

export type RuleAction = z.infer<typeof ruleAction>;
export type InstrumentSetSpec = z.infer<typeof instrumentSetSpec>;
export type InstrumentSetStatus = z.infer<typeof instrumentSetStatus>;
export interface InstrumentSet extends KubeObject {
  kind: 'InstrumentSet';
  spec: InstrumentSetSpec;
  status?: InstrumentSetStatus;
}
