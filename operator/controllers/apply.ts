import type { Cluster, PatchOperation, Resource } from '../../cluster/cluster.ts';
import { instrumentSets, subscriptionSlices, tickerAccounts } from '../../cluster/resources.ts';
import {
  type InstrumentSet,
  type KubeObject,
  type ShardIdentity,
  type SubscriptionSlice,
  sliceFinalizer,
  type TickerAccount,
} from '../../crds/index.ts';
import { CodedError, describeError, hasCode } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import { sameShard, shardKey } from '../planner/assign-shards.ts';
import { fieldManager, idOf } from './names.ts';
import type { Overlay } from './overlay.ts';
import type { SliceWrite } from './slice-writes.ts';
import { type StatusWrite, subjectOf } from './statuses.ts';

/** Writes in flight at once. */
const concurrency = 8;

export interface Overlays {
  readonly accounts: Overlay<TickerAccount>;
  readonly sets: Overlay<InstrumentSet>;
  readonly slices: Overlay<SubscriptionSlice>;
}

/** What became of some writes. */
export interface Outcome {
  readonly written: number;
  /** Somebody else wrote first: to be decided anew on what the watch shows then. */
  readonly conflicts: number;
  /** First error of each write that failed otherwise. */
  readonly failures: readonly { readonly what: string; readonly error: unknown }[];
}

/** Puts decisions into the cluster, and remembers them until the watch shows them. */
export class Applier {
  readonly #cluster: Cluster;
  readonly #overlays: Overlays;
  readonly #log: Logger;

  constructor(cluster: Cluster, overlays: Overlays, log: Logger) {
    this.#cluster = cluster;
    this.#overlays = overlays;
    this.#log = log;
  }

  slices(writes: readonly SliceWrite[]): Promise<Outcome> {
    return this.#all(
      writes,
      (write) => `slice ${idOf(write.kind === 'apply' ? write.object : write.existing)}`,
      (write) => this.#slice(write),
    );
  }

  /** @param said what the status says is known to others now, or may be: its answer was lost */
  statuses(writes: readonly StatusWrite[], said: (write: StatusWrite) => void): Promise<Outcome> {
    return this.#all(writes, subjectOf, (write) => this.#status(write, said));
  }

  async #slice(write: SliceWrite): Promise<void> {
    const { slices } = this.#overlays;
    try {
      if (write.kind === 'apply') {
        const written = await this.#cluster.apply(subscriptionSlices, write.object, { fieldManager });
        slices.wrote(written);
        write.written?.();
        this.#tell(write.existing, written);
      } else if (write.kind === 'delete') {
        await this.#delete(write.existing);
      } else if (write.kind === 'prune') {
        await this.#prune(write.existing, write.operations);
      } else {
        await this.#release(write.existing);
      }
    } catch (error) {
      // A lost answer says nothing against what was written before it.
      if (hasCode(error, 'CLUSTER_NOT_FOUND') && write.existing !== undefined) slices.removed(write.existing);
      else if (hasCode(error, 'CLUSTER_CONFLICT')) await this.#look(subscriptionSlices, write.existing, slices);
      if (hasCode(error, 'CLUSTER_NOT_FOUND')) return;
      throw error;
    }
  }

  /** Somebody else wrote, and the watch has not shown it: it may be silent, and what is decided next needs it. */
  async #look<T extends KubeObject>(resource: Resource, known: T | undefined, overlay: Overlay<T>): Promise<void> {
    if (known === undefined) return;
    const { name, namespace = '' } = known.metadata;
    try {
      overlay.wrote(await this.#cluster.get<T>(resource, { name, namespace }));
    } catch (error) {
      if (hasCode(error, 'CLUSTER_NOT_FOUND')) overlay.removed(known);
      else overlay.forget(idOf(known));
    }
  }

  async #delete(slice: SubscriptionSlice): Promise<void> {
    const { name, namespace = '', uid } = slice.metadata;
    await this.#cluster.delete(subscriptionSlices, { name, namespace }, uid === undefined ? {} : { uid });
    this.#log.info({ event: 'slice.deleted', slice: idOf(slice) }, 'deleted; its stream is being ended');
    // The finalizer holds it: until the watch says so, it is taken as marked by us.
    const marked = slice.metadata.finalizers?.includes(sliceFinalizer) === true;
    if (!marked) this.#overlays.slices.removed(slice);
  }

  async #prune(slice: SubscriptionSlice, operations: readonly PatchOperation[]): Promise<void> {
    const { name, namespace = '' } = slice.metadata;
    const options = { fieldManager, subresource: 'status' } as const;
    try {
      const pruned = await this.#cluster.patch<SubscriptionSlice>(
        subscriptionSlices,
        { name, namespace },
        [...sameObject(slice), ...operations],
        options,
      );
      this.#overlays.slices.wrote(pruned);
    } catch (error) {
      // A `test` failed: a shard wrote meanwhile, and what it wrote is looked at next.
      if (!hasCode(error, 'CLUSTER_INVALID')) throw error;
    }
  }

  async #release(slice: SubscriptionSlice): Promise<void> {
    const { name, namespace = '' } = slice.metadata;
    const finalizers = slice.metadata.finalizers ?? [];
    const index = finalizers.indexOf(sliceFinalizer);
    if (index < 0) return;
    const path = `/metadata/finalizers/${index}`;
    try {
      await this.#cluster.patch(
        subscriptionSlices,
        { name, namespace },
        [...sameObject(slice), { op: 'test', path, value: sliceFinalizer }, { op: 'remove', path }],
        { fieldManager },
      );
    } catch (error) {
      if (!hasCode(error, 'CLUSTER_INVALID')) throw error;
      await this.#look(subscriptionSlices, slice, this.#overlays.slices);
      return;
    }
    this.#overlays.slices.removed(slice);
    this.#log.warn({ event: 'slice.released', slice: idOf(slice) }, 'let go: no shard is left to end its stream');
  }

  #tell(before: SubscriptionSlice | undefined, after: SubscriptionSlice): void {
    const { owner, next, epoch, handover } = after.spec;
    const slice = idOf(after);
    if (next !== undefined && !sameShard(next, before?.spec.next)) {
      this.#log.info({ event: 'slice.next', slice, owner: nameOf(owner), next: nameOf(next) }, 'a successor warms up');
    }
    if (before?.spec.epoch === epoch) return;
    const former = nameOf(before?.spec.owner);
    this.#log.info({ event: 'slice.named', slice, owner: nameOf(owner), former, epoch, handover }, 'owner named');
  }

  async #status(write: StatusWrite, said: (write: StatusWrite) => void): Promise<void> {
    const { accounts, sets } = this.#overlays;
    try {
      if (write.kind === 'account') await this.#statusOf(tickerAccounts, write.object, accounts);
      else await this.#statusOf(instrumentSets, write.object, sets);
    } catch (error) {
      // After a conflict it is decided anew, and said then.
      if (!hasCode(error, 'CLUSTER_CONFLICT')) said(write);
      throw error;
    }
    said(write);
  }

  async #statusOf<T extends KubeObject>(resource: Resource, object: T, overlay: Overlay<T>): Promise<void> {
    const { name, namespace = '', resourceVersion } = object.metadata;
    // What was created anew under the name since is another object, of which nothing is known yet; a uid would not be looked at.
    const metadata = { name, namespace, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
    try {
      overlay.wrote(await this.#cluster.applyStatus(resource, { ...object, metadata }, { fieldManager }));
    } catch (error) {
      if (hasCode(error, 'CLUSTER_NOT_FOUND')) {
        overlay.removed(object);
        return;
      }
      if (hasCode(error, 'CLUSTER_CONFLICT')) await this.#look(resource, object, overlay);
      throw error;
    }
  }

  async #all<T>(
    writes: readonly T[],
    nameOf: (write: T) => string,
    perform: (write: T) => Promise<void>,
  ): Promise<Outcome> {
    let next = 0;
    let written = 0;
    let conflicts = 0;
    const failures: { what: string; error: unknown }[] = [];
    const work = async (): Promise<void> => {
      while (next < writes.length) {
        const write = writes[next++]!;
        try {
          await perform(write);
          written++;
        } catch (error) {
          if (hasCode(error, 'CLUSTER_CONFLICT')) conflicts++;
          else failures.push({ what: nameOf(write), error });
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, writes.length) }, work));
    for (const { what, error } of failures) {
      const level = error instanceof CodedError && error.persistence === 'terminal' ? 'error' : 'warn';
      this.#log[level]({ event: 'write.failed', what, error }, `${what}: ${describeError(error)}`);
    }
    return { written, conflicts, failures };
  }
}

/** What was created anew under the name since is not what was decided on. */
function sameObject({ metadata: { uid } }: SubscriptionSlice): PatchOperation[] {
  return uid === undefined ? [] : [{ op: 'test', path: '/metadata/uid', value: uid }];
}

function nameOf(shard: ShardIdentity | undefined): string | undefined {
  return shard === undefined ? undefined : shardKey(shard);
}
