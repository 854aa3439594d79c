import { z } from 'zod';
import {
  calendarDate,
  conditions,
  described,
  dnsLabel,
  dnsSubdomain,
  type KubeObject,
  timeOfDay,
  timeZone,
} from './schema.ts';

const url = (schemes: string) =>
  z
    .string()
    .max(512)
    .regex(new RegExp(`^(${schemes})://[^\\s/?#]+([/?#]\\S*)?$`));

const weekday = z.enum(['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']);
const exchanges = described(
  z
    .array(z.string().regex(/^[A-Z][A-Z0-9]{1,9}$/))
    .max(16)
    .optional(),
  'Exchanges that this holds for; all of them when absent.',
  { listType: 'set', examples: [['NSE', 'NFO']] },
);

const sessions = z.object({
  timezone: described(timeZone, 'Time zone of every time and date below.', { examples: ['Asia/Kolkata'] }),
  hours: described(
    z
      .array(
        z.object({
          exchanges,
          days: described(z.array(weekday).min(1).max(7), 'Days of the week.', { listType: 'set' }),
          open: described(timeOfDay, 'Start of the session.', { examples: ['09:00'] }),
          close: described(timeOfDay, 'End of the session.', { examples: ['15:40'] }),
        }),
      )
      .min(1)
      .max(32),
    'Regular sessions.',
  ),
  holidays: described(
    z
      .array(
        z.object({
          date: described(calendarDate, 'The day.'),
          name: described(z.string().max(80).optional(), 'What it is called.'),
          exchanges,
        }),
      )
      .max(366)
      .optional(),
    'Days without a regular session.',
  ),
  special: described(
    z
      .array(
        z.object({
          date: described(calendarDate, 'The day.'),
          name: described(z.string().max(80).optional(), 'What it is called.'),
          open: described(timeOfDay, 'Start of the session.'),
          close: described(timeOfDay, 'End of the session.'),
          exchanges,
        }),
      )
      .max(64)
      .optional(),
    'Sessions on days that have no regular one, such as Muhurat trading.',
  ),
});

export const tickerAccountSpec = z.object({
  provider: described(
    z
      .string()
      .min(1)
      .max(31)
      .regex(/^[a-z][a-z0-9-]*$/),
    'The broker or exchange API that this login is for.',
    {
      examples: ['kite'],
      cel: [
        {
          rule: 'self == oldSelf',
          message: 'provider cannot be changed; create another TickerAccount for the other provider',
        },
      ],
    },
  ),
  credentials: described(
    z
      .object({
        secretName: described(dnsSubdomain, "Name of a Secret in the account's namespace.", {
          examples: ['kite-primary'],
        }),
      })
      .optional(),
    'Where the login is. Which keys the Secret must have is up to the provider; `kite` wants `apiKey` and `accessToken`.',
  ),
  endpoint: described(
    z
      .object({
        rest: described(url('https?').optional(), 'Base address of the REST API.', {
          examples: ['http://kite-simulator:8080'],
        }),
        websocket: described(url('wss?').optional(), 'Address of the WebSocket feed.', {
          examples: ['ws://kite-simulator:8080/ws'],
        }),
      })
      .optional(),
    "Addresses to use instead of the provider's own, e.g. of a simulated broker.",
  ),
  limits: described(
    z
      .object({
        connections: described(z.int().min(1).max(32).optional(), 'Concurrent WebSocket connections.'),
        instrumentsPerConnection: described(z.int().min(1).max(10_000).optional(), 'Instruments on one connection.'),
        instruments: described(z.int().min(1).max(100_000).optional(), 'Instruments on all connections together.'),
      })
      .optional(),
    "What this login may use, where it differs from the provider's usual limits (for `kite` 3 connections of 3,000 instruments).",
  ),
  sessions: described(sessions.optional(), 'The trading calendar: data, never code.', {
    unavailable: {
      reason: 'trading sessions are not supported yet; remove spec.sessions (ticks are streamed around the clock)',
    },
  }),
  allowedNamespaces: described(
    z.array(dnsLabel).max(64).optional(),
    "Namespaces besides the account's own whose InstrumentSets may use it.",
    { listType: 'set', examples: [['research']] },
  ),
  suspended: described(
    z.boolean().default(false),
    'Close every connection of this account and stream nothing on it until this is false again.',
  ),
});

export const tickerAccountStatus = z.object({
  observedGeneration: described(z.int().min(0).optional(), 'The generation of the spec that this status speaks of.'),
  conditions: conditions.optional(),
  shard: described(z.string().max(63).optional(), 'The shard that serves this account.'),
  slices: described(z.int().min(0).optional(), 'Slices (connections) that this account serves.'),
  instruments: described(z.int().min(0).optional(), 'Instruments placed on this account.'),
  capacity: described(z.int().min(0).optional(), 'Instruments that this account can stream.'),
});

export type TickerAccountSpec = z.infer<typeof tickerAccountSpec>;
export type TickerAccountStatus = z.infer<typeof tickerAccountStatus>;
export interface TickerAccount extends KubeObject {
  kind: 'TickerAccount';
  spec: TickerAccountSpec;
  status?: TickerAccountStatus;
}
