import type { Cluster, ObjectName } from '../../cluster/cluster.ts';
import { subscriptionSlices } from '../../cluster/resources.ts';
import { type SubscriptionSlice, sliceFinalizer } from '../../crds/index.ts';
import { hasCode } from '../../runtime/errors.ts';

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
