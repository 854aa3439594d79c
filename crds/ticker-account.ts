import { z } from 'zod';
import {
  calendarDate,
  closingTime,
  conditions,
  count,
  described,
  dnsLabel,
  dnsSubdomain,
  exchange,
  type KubeObject,
  timeOfDay,
  timeZone,
  timeZoneRule,
} from './schema.ts';

/**
 * A base address. No user, password or query: whatever follows `?` would end up in logs, and logins are in Secrets only.
 *
 * @param schemes e.g. `https?`
 */
const url = (schemes: string, example: string) =>
  z
    .string()
    .min(8)
    .max(512)
    .regex(
      new RegExp(
        `^(${schemes})://(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)(:[0-9]{1,5})?(/[A-Za-z0-9._~%/-]*)?$`,
      ),
      `is no address: write ${example}, without user, password, \`?\` or \`#\``,
    );

const weekday = z.enum(['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']);
const exchanges = described(
  z.array(exchange).min(1).max(16).optional(),
  'Exchanges that this holds for; all of them when absent.',
  { listType: 'set', examples: [['NSE', 'NFO']] },
);

const closesAfterOpen = {
  rule: 'self.open < self.close',
  message: 'a session closes after it opens; write two for one that crosses midnight, the first until "24:00"',
};

const sessions = z.object({
  timezone: described(timeZone, 'Time zone of every time and date below.', {
    examples: ['Asia/Kolkata'],
    cel: [timeZoneRule],
  }),
  hours: described(
    z
      .array(
        described(
          z.object({
            exchanges,
            days: described(z.array(weekday).min(1).max(7), 'Days of the week.', {
              listType: 'set',
              examples: [['Mon', 'Tue', 'Wed', 'Thu', 'Fri']],
            }),
            open: described(timeOfDay, 'Start of the session.', { examples: ['09:00'] }),
            close: described(closingTime, 'End of the session; `24:00` is the end of the day.', {
              examples: ['15:40'],
            }),
          }),
          'A session on days of the week.',
          { cel: [closesAfterOpen] },
        ),
      )
      .min(1)
      .max(32),
    'Regular sessions. Those that touch are one for the connection; bars begin anew with each. An exchange that none is for is streamed around the clock.',
  ),
  holidays: described(
    z
      .array(
        z.object({
          date: described(calendarDate, 'The day.', { examples: ['2026-11-08'] }),
          name: described(z.string().max(80).optional(), 'What it is called.', { examples: ['Diwali'] }),
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
        described(
          z.object({
            date: described(calendarDate, 'The day.', { examples: ['2026-11-08'] }),
            name: described(z.string().max(80).optional(), 'What it is called.', { examples: ['Muhurat trading'] }),
            open: described(timeOfDay, 'Start of the session.', { examples: ['18:00'] }),
            close: described(closingTime, 'End of the session; `24:00` is the end of the day.', {
              examples: ['19:00'],
            }),
            exchanges,
          }),
          'A session on one day.',
          { cel: [closesAfterOpen] },
        ),
      )
      .max(64)
      .optional(),
    'Sessions on single days, beside the regular ones or in place of those that a holiday takes away, such as Muhurat trading.',
  ),
});

export const tickerAccountSpec = z.object({
  provider: described(
    z
      .string()
      .min(1)
      .max(31)
      .regex(/^[a-z][a-z0-9-]*$/, 'is no provider: write its name in lower case, such as kite'),
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
        rest: described(
          url('https?', 'http://HOST:PORT or https://HOST[:PORT][/PATH]').optional(),
          'Base address of the REST API.',
          {
            examples: ['http://kite-simulator:8080'],
          },
        ),
        websocket: described(
          url('wss?', 'ws://HOST:PORT or wss://HOST[:PORT][/PATH]').optional(),
          'Address of the WebSocket feed.',
          {
            examples: ['ws://kite-simulator:8080/ws'],
          },
        ),
      })
      .optional(),
    "Addresses to use instead of the provider's own, e.g. of a simulated broker.",
    {
      cel: [
        {
          rule: 'has(self.rest) == has(self.websocket)',
          message: 'write both endpoint.rest and endpoint.websocket, or neither',
        },
      ],
    },
  ),
  limits: described(
    z
      .object({
        connections: described(z.int().min(1).max(32).optional(), 'Concurrent WebSocket connections.', {
          examples: [3],
        }),
        instrumentsPerConnection: described(z.int().min(1).max(10_000).optional(), 'Instruments on one connection.', {
          examples: [3000],
        }),
        instruments: described(z.int().min(1).max(100_000).optional(), 'Instruments on all connections together.', {
          examples: [9000],
        }),
      })
      .optional(),
    "What this login may use, where it differs from the provider's usual limits (for `kite` 3 connections of 3,000 instruments).",
    {
      cel: [
        {
          rule: '!has(self.instruments) || !has(self.connections) || !has(self.instrumentsPerConnection) || self.instruments <= self.connections * self.instrumentsPerConnection',
          message:
            'limits.instruments is more than connections × instrumentsPerConnection, which never lets that many through; lower it or leave it out',
          fieldPath: '.instruments',
        },
      ],
    },
  ),
  sessions: described(
    sessions.optional(),
    'The trading calendar: data, never code. A shard connects shortly before a session and rests after it. Around the clock when absent.',
    {
      examples: [
        {
          timezone: 'Asia/Kolkata',
          hours: [
            { exchanges: ['NSE', 'NFO'], days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'], open: '09:15', close: '15:30' },
          ],
        },
      ],
    },
  ),
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
  observedGeneration: described(z.int().min(0).optional(), 'The generation of the spec that this status speaks of.', {
    examples: [3],
  }),
  conditions: conditions.optional(),
  shard: described(z.string().max(63).optional(), 'The shard that serves this account.', { examples: ['ticker-0'] }),
  slices: described(count.optional(), 'Slices (connections) that this account serves.', { examples: [3] }),
  instruments: described(count.optional(), 'Instruments placed on this account.', { examples: [3] }),
  capacity: described(count.optional(), 'Instruments that this account can stream.', { examples: [3] }),
});

export type TickerAccountSpec = z.infer<typeof tickerAccountSpec>;
export type TickerAccountStatus = z.infer<typeof tickerAccountStatus>;
export interface TickerAccount extends KubeObject {
  kind: 'TickerAccount';
  spec: TickerAccountSpec;
  status?: TickerAccountStatus;
}
