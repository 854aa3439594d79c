import type { Secret } from '../cluster/resources.ts';
import {
  apiVersion,
  ownerLabel,
  type ShardIdentity,
  type SliceSet,
  type SubscriptionSlice,
  sliceFinalizer,
} from '../crds/index.ts';

/** What a slice of a bench is made of; the rest is the same in each. */
export interface BenchSlice {
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string;
  readonly account: string;
  readonly connection?: number;
  /** `host:port` */
  readonly broker: string;
  readonly owner: ShardIdentity;
  /** Its only set. */
  readonly set: string;
  readonly channel: string;
  readonly greeks?: boolean;
  readonly delivery?: Partial<SliceSet['delivery']>;
}

const greeks: NonNullable<SliceSet['greeks']> = {
  model: 'blackScholesMerton',
  rate: 0.065,
  dividendYield: 0,
  dayCount: 'act365',
  expiryTime: '15:30',
  timezone: 'Asia/Kolkata',
};

/** A slice that its owner streams at once, as an operator would have written it, but for its instruments. */
export function sliceObject(slice: BenchSlice): SubscriptionSlice {
  const { namespace, name, uid, account, connection = 0, broker, owner, set, channel } = slice;
  return {
    apiVersion,
    kind: 'SubscriptionSlice',
    metadata: {
      namespace,
      name,
      ...(uid === undefined ? {} : { uid }),
      labels: { [ownerLabel]: owner.shard },
      finalizers: [sliceFinalizer],
    },
    spec: {
      account,
      connection,
      login: {
        provider: 'kite',
        credentials: { secretName: 'login' },
        endpoint: { rest: `http://${broker}`, websocket: `ws://${broker}` },
      },
      suspended: false,
      epoch: 1,
      owner,
      sets: [
        {
          namespace,
          name: set,
          uid: set,
          channel,
          validation: { action: 'enforce' },
          ...(slice.greeks === true && { greeks }),
          delivery: {
            format: 'json',
            pubsub: true,
            sharded: false,
            latest: false,
            window: 100,
            maxTicks: 1000,
            conflate: false,
            ...slice.delivery,
          },
        },
      ],
      groups: [],
    },
  };
}

/** The Secret that {@link sliceObject} names; a bench's broker takes every login. */
export function loginSecret(namespace: string): Secret {
  const anything = Buffer.from('bench').toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: 'login' },
    data: { apiKey: anything, accessToken: anything },
  };
}
