import { z } from 'zod';
import { instrumentSetSpec } from './instrument-set.ts';
import { calendarDate, described, dnsLabel, dnsSubdomain, type KubeObject, mode } from './schema.ts';
import { tickerAccountSpec } from './ticker-account.ts';

/** A shard and the UID of its pod: two pods of one name are two shards (PROTOCOL 1). */
const shardIdentity = z.object({
  shard: described(dnsLabel, 'Name of the shard (the pod).'),
  uid: described(z.string().min(1).max(64), 'UID of its pod.'),
});

const token = z.object({
  epoch: described(z.int().min(0), 'Counts changes of owner; raised by the operator.'),
  claim: described(z.int().min(0), 'Counts claims; raised by the sink.'),
});

/** A set that this slice delivers to, with all that a shard needs to know of it. */
const sliceSet = z.object({
  namespace: described(dnsLabel, 'Namespace of the set.'),
  name: described(dnsSubdomain, 'Name of the set.'),
  uid: described(z.string().min(1).max(64), 'UID of the set; its Redis keys carry it.'),
  channel: described(z.string().min(1).max(256), 'The full name of the channel.'),
  greeks: instrumentSetSpec.shape.greeks,
  validation: instrumentSetSpec.shape.validation,
  delivery: instrumentSetSpec.shape.delivery,
});

/** Instruments of one slice that share everything but token, symbol, strike and type. */
const instrumentGroup = z.object({
  exchange: described(z.string().max(10), 'Exchange of every instrument of the group.'),
  mode: described(mode, 'The richest mode that any set asks for.'),
  sets: described(
    z.array(z.int().min(0).max(1023)).max(1024),
    'Indexes into `sets`; empty for an underlying that is streamed only for Greeks.',
  ),
  expiry: described(calendarDate.optional(), "Expiry of the group's options."),
  underlying: described(
    z.int().min(1).max(4_294_967_295).optional(),
    "Instrument token of the options' underlying, streamed on the same account.",
  ),
  instruments: described(
    z
      .array(
        z.object({
          token: described(z.int().min(1).max(4_294_967_295), "The provider's instrument token."),
          symbol: described(z.string().min(1).max(60), 'Tradingsymbol.'),
          strike: described(z.number().min(0).optional(), 'Strike price in rupees.'),
          type: described(z.enum(['CE', 'PE']).optional(), 'Call or put.'),
        }),
      )
      .max(10_000),
    'The instruments.',
  ),
});

export const subscriptionSliceSpec = z.object({
  account: described(dnsSubdomain, 'Name of the TickerAccount, in this namespace.', {
    cel: [{ rule: 'self == oldSelf', message: 'a slice stays with its account' }],
  }),
  connection: described(z.int().min(0).max(31), "Which of the account's connections.", {
    cel: [{ rule: 'self == oldSelf', message: 'a slice stays with its connection' }],
  }),
  login: described(
    z.object({
      provider: tickerAccountSpec.shape.provider,
      credentials: tickerAccountSpec.shape.credentials,
      endpoint: tickerAccountSpec.shape.endpoint,
    }),
    "How to log in: the account's own fields, so that a shard needs to read nothing but its slices and their Secrets.",
  ),
  suspended: described(
    z.boolean().default(false),
    'The account is suspended: close the connection and stream nothing.',
  ),
  epoch: described(z.int().min(1), 'Rises with each change of owner.', {
    cel: [{ rule: 'self >= oldSelf', message: 'an epoch never falls' }],
  }),
  owner: described(shardIdentity.optional(), 'The shard that serves this slice; absent while there is none to name.'),
  next: described(shardIdentity.optional(), 'A successor that warms up.', {
    unavailable: { reason: 'planned moves are not supported yet; leave spec.next out' },
  }),
  sets: described(z.array(sliceSet).max(1024), 'Sets that this slice delivers to.'),
  groups: described(z.array(instrumentGroup).max(10_000), 'What to stream.'),
});

/** What one shard says of a slice. */
export const sliceShardStatus = z.object({
  shard: described(dnsLabel, 'Who says so.'),
  uid: described(z.string().min(1).max(64), 'UID of its pod.'),
  observedGeneration: described(z.int().min(0), 'The generation of the slice that it has acted on.'),
  phase: described(
    z.enum(['Connecting', 'Streaming', 'Refused', 'Draining', 'Failed', 'Suspended']),
    '`Streaming`: connected, claimed, subscriptions confirmed. `Refused`: the sink knows a newer claim. `Failed`: see `reason`.',
  ),
  token: described(token.optional(), 'The token under which it publishes.'),
  beatenBy: described(token.optional(), 'The newer token that the sink refused it with.'),
  subscribed: described(z.int().min(0), 'Instruments whose subscription was sent on the open connection.'),
  ticking: described(z.int().min(0).optional(), 'Instruments that have ticked since they were subscribed.'),
  reason: described(z.string().max(80).optional(), 'Code of what is wrong now.'),
  message: described(z.string().max(1024).optional(), 'What is wrong now and what to do about it.'),
  account: described(
    z
      .object({
        credentials: described(
          z.enum(['Valid', 'Refused', 'Missing', 'Unknown']),
          'What the provider said of the login.',
        ),
        connected: described(z.boolean(), "Whether the account's connection is open."),
        instrumentsLoaded: described(z.int().min(0).optional(), 'Rows of the instrument master that it serves.'),
      })
      .optional(),
    "What it knows of the account; said by the first slice's owner.",
  ),
});

export const subscriptionSliceStatus = z.object({
  shards: described(
    z.array(sliceShardStatus).max(8).optional(),
    'One entry for each shard that serves or served this slice.',
    {
      listType: 'map',
      listMapKeys: ['shard'],
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
/** Label of a slice that names its account. */
export const accountLabel = 'ticker-operator.io/account';
/** Finalizer that a slice keeps until its stream has been ended at the sink (PROTOCOL 7). */
export const sliceFinalizer = 'ticker-operator.io/end-stream';
