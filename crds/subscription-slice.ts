import { z } from 'zod';
import { instrumentSetSpec } from './instrument-set.ts';
import { calendarDate, count, described, dnsLabel, dnsSubdomain, exchange, type KubeObject, mode } from './schema.ts';
import { tickerAccountSpec } from './ticker-account.ts';

/** A shard and the UID of its pod: two pods of one name are two shards (PROTOCOL 1). */
const shardIdentity = z.object({
  shard: described(dnsLabel, 'Name of the shard (the pod).', { examples: ['ticker-0'] }),
  uid: described(z.string().min(1).max(64), 'UID of its pod.', { examples: ['6c2f6d1e-6f0b-4a3b-9a57-0c3c4b1f0a11'] }),
});

const token = z.object({
  epoch: described(z.int().min(0), 'Counts changes of owner; raised by the operator.', { examples: [4] }),
  claim: described(z.int().min(0), 'Counts claims; raised by the sink.', { examples: [1] }),
});

/** A set that this slice delivers to, with all that a shard needs to know of it. */
const sliceSet = z.object({
  namespace: described(dnsLabel, 'Namespace of the set.', { examples: ['default'] }),
  name: described(dnsSubdomain, 'Name of the set.', { examples: ['nifty-weekly'] }),
  uid: described(z.string().min(1).max(64), 'UID of the set; its Redis keys carry it.', {
    examples: ['2b1d0a34-8f5e-4bb5-9d58-6f2f1f6f9f01'],
  }),
  channel: described(z.string().min(1).max(256), 'The full name of the channel.', {
    examples: ['ticks:default:nifty-weekly'],
  }),
  greeks: instrumentSetSpec.shape.greeks,
  validation: instrumentSetSpec.shape.validation,
  bars: instrumentSetSpec.shape.bars,
  delivery: instrumentSetSpec.shape.delivery,
});

/** Instruments of one slice that share everything but token, symbol, strike and type. */
const instrumentGroup = z.object({
  exchange: described(exchange, 'Exchange of every instrument of the group.', { examples: ['NFO'] }),
  mode: described(mode, 'The richest mode that any set asks for.'),
  sets: described(
    z.array(z.int().min(0).max(1023)).max(1024),
    'Indexes into `sets`; empty for an underlying that is streamed only for Greeks.',
    { examples: [[0, 2]] },
  ),
  expiry: described(calendarDate.optional(), "Expiry of the group's options.", { examples: ['2026-01-29'] }),
  underlying: described(
    z.int().min(1).max(4_294_967_295).optional(),
    "Instrument token of the options' underlying, streamed on the same account.",
    { examples: [256265] },
  ),
  instruments: described(
    z
      .array(
        z.object({
          token: described(z.int().min(1).max(4_294_967_295), "The provider's instrument token.", {
            examples: [12345602],
          }),
          symbol: described(z.string().min(1).max(60), 'Tradingsymbol.', { examples: ['NIFTY26JAN24500CE'] }),
          strike: described(z.number().min(0).max(100_000_000).optional(), 'Strike price in rupees.', {
            examples: [24500],
          }),
          type: described(z.enum(['CE', 'PE']).optional(), 'Call or put.'),
        }),
      )
      .max(10_000),
    'The instruments.',
  ),
});

const sliceFields = z.object({
  account: described(dnsSubdomain.max(63), 'Name of the TickerAccount, in this namespace.', {
    examples: ['demo-a'],
    cel: [
      { rule: 'self == oldSelf', message: 'a slice stays with its account; write another slice for the other account' },
    ],
  }),
  connection: described(z.int().min(0).max(31), "Which of the account's connections.", {
    examples: [0],
    cel: [
      {
        rule: 'self == oldSelf',
        message: 'a slice stays with its connection; write another slice for the other connection',
      },
    ],
  }),
  login: described(
    z.object({
      provider: tickerAccountSpec.shape.provider,
      credentials: tickerAccountSpec.shape.credentials,
      endpoint: tickerAccountSpec.shape.endpoint,
    }),
    "How to log in: the account's own fields, so that a shard needs to read nothing but its slices and their Secrets.",
  ),
  sessions: described(
    tickerAccountSpec.shape.sessions,
    "The account's trading calendar, as far as it is about the exchanges of this slice. Around the clock when absent.",
    { examples: [{ timezone: 'Asia/Kolkata', hours: [{ days: ['Mon'], open: '09:15', close: '15:30' }] }] },
  ),
  suspended: described(
    z.boolean().default(false),
    'The account is suspended: close the connection and stream nothing.',
  ),
  epoch: described(z.int().min(1), 'Rises with each change of owner.', {
    examples: [4],
    cel: [
      {
        rule: 'self >= oldSelf',
        message: 'an epoch never falls; write the epoch that is there, or a higher one with another owner',
      },
    ],
  }),
  owner: described(shardIdentity.optional(), 'The shard that serves this slice; absent while there is none to name.'),
  next: described(
    shardIdentity.optional(),
    'A successor that warms up: it connects and holds what the sink lacks, and publishes nothing until it is the owner.',
  ),
  handover: described(
    z.enum(['closeFirst']).optional(),
    'How a former owner leaves. `closeFirst`: it closes its connection as soon as it sees another named, for the account has none to spare. When absent it goes on until the sink refuses it.',
    { examples: ['closeFirst'] },
  ),
  joining: described(
    z.array(z.int().min(1).max(4_294_967_295)).max(10_000).optional(),
    'Tokens of instruments that another slice still streams as well: batches with rows of them are marked `overlap`.',
    { examples: [[256265]] },
  ),
  sets: described(z.array(sliceSet).max(1024), 'Sets that this slice delivers to.'),
  groups: described(z.array(instrumentGroup).max(10_000), 'What to stream.'),
});

export const subscriptionSliceSpec = described(sliceFields, 'Who serves the connection, and what it streams.', {
  cel: [
    {
      // An owner that was taken away is fenced too, by the epoch that the next one is named with.
      rule: '!has(self.owner) || (has(oldSelf.owner) && self.owner.shard == oldSelf.owner.shard && self.owner.uid == oldSelf.owner.uid) || self.epoch > oldSelf.epoch',
      message: 'another owner needs a higher epoch; raise spec.epoch in the same write',
      fieldPath: '.epoch',
    },
    {
      rule: '!has(self.next) || !has(self.owner) || self.next.shard != self.owner.shard || self.next.uid != self.owner.uid',
      message: 'the successor is the owner already; leave spec.next out, or name another shard',
      fieldPath: '.next',
    },
  ],
});

/** `reason` of a slice that is streamed while the sink cannot be reached: what comes is kept, and delivered to nobody yet. */
export const sinkUnavailableReason = 'SINK_UNAVAILABLE';

/** What one shard says of a slice. */
export const sliceShardStatus = z.object({
  shard: described(dnsLabel, 'Who says so.', { examples: ['ticker-0'] }),
  uid: described(z.string().min(1).max(64), 'UID of its pod.', { examples: ['6c2f6d1e-6f0b-4a3b-9a57-0c3c4b1f0a11'] }),
  observedGeneration: described(z.int().min(0), 'The generation of the slice that it has acted on.', {
    examples: [12],
  }),
  phase: described(
    z.enum(['Connecting', 'Warming', 'Warm', 'Streaming', 'Refused', 'Draining', 'Failed', 'Suspended', 'Resting']),
    '`Warming`: the successor (`spec.next`), not ready yet. `Warm`: the successor holds all that the sink lacks of `observedGeneration`. `Streaming`: connected, claimed, subscriptions confirmed. `Refused`: the sink knows a newer claim. `Failed`: see `reason`. `Resting`: no session; claimed, without a connection.',
  ),
  streaming: described(
    z.int().min(0).optional(),
    'The newest generation of the slice all of whose instruments have a confirmed subscription here.',
    { examples: [12] },
  ),
  token: described(token.optional(), 'The token under which it publishes.'),
  beatenBy: described(token.optional(), 'The newer token that the sink refused it with.'),
  subscribed: described(count, 'Instruments whose subscription was sent on the open connection.', { examples: [42] }),
  ticking: described(count.optional(), 'Instruments that have ticked since they were subscribed.', { examples: [42] }),
  reason: described(z.string().max(80).optional(), 'Code of what is wrong now.', { examples: ['KITE_TOKEN_REFUSED'] }),
  message: described(z.string().max(1024).optional(), 'What is wrong now and what to do about it.', {
    examples: ['the broker refused the access token; log in again and update the Secret'],
  }),
  account: described(
    z
      .object({
        credentials: described(
          z.enum(['Valid', 'Refused', 'Missing', 'Unknown']),
          'What the provider said of the login.',
        ),
        connected: described(z.boolean(), "Whether the account's connection is open."),
        instrumentsLoaded: described(count.optional(), 'Rows of the instrument master that it serves.', {
          examples: [95000],
        }),
      })
      .optional(),
    "What it knows of the account; said by the first slice's owner.",
  ),
});

export const subscriptionSliceStatus = z.object({
  shards: described(
    z.array(sliceShardStatus).max(8).optional(),
    'One entry for each shard that serves, served or is to serve this slice. A shard is a name and the UID of a pod.',
    {
      listType: 'map',
      listMapKeys: ['shard', 'uid'],
    },
  ),
});

export type ShardIdentity = z.infer<typeof shardIdentity>;
export type Token = z.infer<typeof token>;
export type SliceSet = z.infer<typeof sliceSet>;
export type InstrumentGroup = z.infer<typeof instrumentGroup>;
export type SliceShardStatus = z.infer<typeof sliceShardStatus>;
export type SubscriptionSliceSpec = z.infer<typeof subscriptionSliceSpec>;
export type SubscriptionSliceStatus = z.infer<typeof subscriptionSliceStatus>;
export interface SubscriptionSlice extends KubeObject {
  kind: 'SubscriptionSlice';
  spec: SubscriptionSliceSpec;
  status?: SubscriptionSliceStatus;
}

/** Label of a slice that names its owner's shard: what a shard's watch selects by. */
export const ownerLabel = 'ticker-operator.io/owner';
/** Label of a slice that names the shard of its successor, while it has one. */
export const nextLabel = 'ticker-operator.io/next';
/** Label of a slice that names its account. */
export const accountLabel = 'ticker-operator.io/account';
/** Finalizer that a slice keeps until its stream has been ended at the sink (PROTOCOL 7). */
export const sliceFinalizer = 'ticker-operator.io/end-stream';
