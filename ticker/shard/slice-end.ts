import type { Cluster, ObjectName } from '../../cluster/cluster.ts';
import { subscriptionSlices } from '../../cluster/resources.ts';
import { type SubscriptionSlice, sliceFinalizer } from '../../crds/index.ts';
import { type BackoffPolicy, backoffDelay } from '../../runtime/backoff.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import { describeError, hasCode } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';

/** Lets a deleted slice go once its stream has ended. Rejects with a coded error where it must be tried again. */
export async function removeFinalizer(cluster: Cluster, name: ObjectName, uid: string, shard: string): Promise<void> {
  try {
    const slice = await cluster.get<SubscriptionSlice>(subscriptionSlices, name);
    const at = slice.metadata.finalizers?.indexOf(sliceFinalizer) ?? -1;
    if (slice.metadata.uid !== uid || at < 0) return;
    const path = `/metadata/finalizers/${at}`;
    await cluster.patch(
      subscriptionSlices,
      name,
      [
        // Somebody may have changed the list since it was read.
        { op: 'test', path: '/metadata/uid', value: uid },
        { op: 'test', path, value: sliceFinalizer },
        { op: 'remove', path },
      ],
      { fieldManager: `ticker-shard/${shard}` },
    );
  } catch (error) {
    if (!hasCode(error, 'CLUSTER_NOT_FOUND')) throw error;
  }
}

const retry: BackoffPolicy = { first: 200, most: 10_000 };

export interface ReleaseOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly name: ObjectName;
  readonly uid: string;
  readonly shard: string;
  readonly done: () => void;
}

/** Supervised task: {@link removeFinalizer}, until it succeeds. */
export async function releaseSlice(options: ReleaseOptions, signal: AbortSignal): Promise<void> {
  const { cluster, clock, random, log, name, uid, shard, done } = options;
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      await removeFinalizer(cluster, name, uid, shard);
      done();
      return;
    } catch (error) {
      log.warn({ event: 'finalizer.failed', slice: name.name, error: describeError(error) }, 'trying again');
      await sleep(clock, backoffDelay(retry, attempt, random), signal);
    }
  }
}
