import { apiVersion, type ShardIdentity, type SliceShardStatus, type SubscriptionSlice } from '../../crds/index.ts';
import { shardKey } from '../planner/assign-shards.ts';
import type { PlannerShard } from '../planner/types.ts';
import type { Situation } from './decide.ts';
import { nothingSeen } from './memory.ts';

export function pod(shard: string, uid = `${shard}-uid`): ShardIdentity {
  return { shard, uid };
}

/** Shards by state, e.g. `shardsOf({ a: 'ready', b: 'draining' })`. */
export function shardsOf(states: Readonly<Record<string, PlannerShard['state']>>): Map<string, PlannerShard> {
  return new Map(
    Object.entries(states).map(([name, state]) => [shardKey(pod(name)), { identity: pod(name), state } as const]),
  );
}

/** What a shard says of a slice; by default that it streams under the token of epoch 1. */
export function says(shard: string, extra: Partial<SliceShardStatus> = {}): SliceShardStatus {
  const { uid } = pod(shard);
  return {
    shard,
    uid,
    observedGeneration: 1,
    phase: 'Streaming',
    subscribed: 1,
    token: { epoch: 1, claim: 1 },
    ...extra,
  };
}

/** A slice of one instrument that `a` owns and has claimed. */
export function sliceOf(
  spec: Partial<SubscriptionSlice['spec']> = {},
  reports: readonly SliceShardStatus[] = [says('a')],
  generation = 1,
): SubscriptionSlice {
  const connection = spec.connection ?? 0;
  return {
    apiVersion,
    kind: 'SubscriptionSlice',
    metadata: { name: `acct-c${connection}`, namespace: 'desk', uid: `slice-${connection}`, generation },
    spec: {
      account: 'acct',
      connection,
      login: { provider: 'kite' },
      suspended: false,
      epoch: 1,
      owner: pod('a'),
      sets: [],
      groups: [],
      ...spec,
    },
    status: { shards: [...reports] },
  };
}

/** `a` owns a slice, `b` is ready too; the account has a connection to spare. */
export function situation(change: Partial<Situation> = {}): Situation {
  const shards = change.shards ?? shardsOf({ a: 'ready', b: 'ready' });
  const ready = [...shards.values()].filter(({ state }) => state === 'ready').map(({ identity }) => identity);
  return {
    slice: sliceOf(),
    wanted: pod('a'),
    shards,
    candidates: ready,
    spare: 1,
    busy: false,
    excused: false,
    memory: nothingSeen,
    now: 1_000,
    liveSince: 0,
    ...change,
  };
}
