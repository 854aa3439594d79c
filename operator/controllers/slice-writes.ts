import type { PatchOperation } from '../../cluster/cluster.ts';
import { nextLabel, type ShardIdentity, type SubscriptionSlice, sliceFinalizer } from '../../crds/index.ts';
import { type Decision, namingOf } from '../handover/decide.ts';
import { shardKey } from '../planner/assign-shards.ts';
import type { Plan } from '../planner/types.ts';
import { idOf, sliceId } from './names.ts';
import { accountOf, countInstruments } from './placed.ts';
import { pruneOperations } from './prune.ts';
import { sameValue } from './same-value.ts';
import { isLive, refusedWith, type Shards } from './shards.ts';
import type { SliceMaker } from './slice-maker.ts';
import { renamed } from './slice-object.ts';

/** One write that brings the slices nearer to the plan. */
export type SliceWrite =
  | {
      readonly kind: 'apply';
      readonly object: SubscriptionSlice;
      readonly existing: SubscriptionSlice | undefined;
      /** Called when it has succeeded. */
      readonly written?: (() => void) | undefined;
    }
  | { readonly kind: 'delete'; readonly existing: SubscriptionSlice }
  | { readonly kind: 'release'; readonly existing: SubscriptionSlice }
  | { readonly kind: 'prune'; readonly existing: SubscriptionSlice; readonly operations: readonly PatchOperation[] };

/**
 * The writes that turn the slices into the plan; none where nothing differs. Those that gain instruments come first and
 * deletions last, so that what moves is subscribed before it is given up.
 */
export function sliceWrites(plan: Plan, slices: readonly SubscriptionSlice[], maker: SliceMaker): SliceWrite[] {
  const existing = new Map(slices.map((slice) => [idOf(slice), slice]));
  const applies: { write: SliceWrite; gain: number }[] = [];
  const wanted = new Set<string>();
  const apply = (object: SubscriptionSlice, current: SubscriptionSlice, decision: Decision | undefined): void => {
    if (isAppliedAlready(object, current)) return;
    const gain = countInstruments(object).total - countInstruments(current).total;
    const written = decision === undefined ? undefined : () => maker.wrote(current, decision);
    applies.push({ write: { kind: 'apply', object: guarded(object, current), existing: current, written }, gain });
  };
  for (const planned of plan.slices) {
    const id = sliceId(planned.account, planned.connection);
    const current = existing.get(id);
    wanted.add(id);
    if (current === undefined) {
      const naming = { owner: planned.owner, next: undefined, epoch: 1, handover: undefined };
      const object = maker.build(planned, naming, undefined);
      const gain = countInstruments(object).total;
      applies.push({ write: { kind: 'apply', object, existing: undefined }, gain });
      continue;
    }
    // The former one is still ending: its name is free once its stream has ended.
    if (current.metadata.deletionTimestamp !== undefined) continue;
    const decision = maker.decisions.get(id);
    const naming = decision?.naming ?? namingOf(current);
    const frozen = decision?.frozen === true;
    apply(frozen ? renamed(current, naming) : maker.build(planned, naming, current), current, decision);
  }
  const deletes: SliceWrite[] = [];
  for (const [id, slice] of existing) {
    if (wanted.has(id) || slice.metadata.deletionTimestamp !== undefined) continue;
    const decision = maker.decisions.get(id);
    const kept = maker.keep(slice, id, decision?.naming ?? namingOf(slice));
    if (kept === undefined) deletes.push({ kind: 'delete', existing: slice });
    else apply(kept, slice, decision);
  }
  applies.sort((a, b) => b.gain - a.gain);
  return [...applies.map(({ write }) => write), ...deletes];
}

/** The writes that keep the slices' statuses within their bound. */
export function pruneWrites(slices: readonly SubscriptionSlice[], shards: Shards): SliceWrite[] {
  return slices.flatMap((slice): SliceWrite[] => {
    const operations = pruneOperations(slice, shards);
    return operations.length === 0 ? [] : [{ kind: 'prune', existing: slice, operations }];
  });
}

/** How long a slice that is being deleted waits for an owner that is gone (milliseconds). */
export const endDeadline = 10_000;

/**
 * What to do about a slice that waits for its stream to be ended: name the owner anew if the sink refused it; hand it to
 * a ready shard if its owner has been gone for {@link endDeadline}; without any, or if nobody ever served it, let it go.
 *
 * @param goneFor milliseconds for which its owner has not been live
 */
export function endingWrite(slice: SubscriptionSlice, shards: Shards, goneFor: number): SliceWrite | undefined {
  if (slice.metadata.finalizers?.includes(sliceFinalizer) !== true) return undefined;
  const { owner, epoch } = slice.spec;
  if (owner === undefined) return { kind: 'release', existing: slice };
  const beaten = refusedWith(slice);
  if (isLive(shards, owner)) {
    return beaten === undefined ? undefined : handOver(slice, owner, Math.max(epoch, beaten.epoch) + 1);
  }
  if (goneFor < endDeadline) return undefined;
  const ready = [...shards.values()].filter(({ state }) => state === 'ready');
  const [heir] = ready.sort((a, b) => (shardKey(a.identity) < shardKey(b.identity) ? -1 : 1));
  if (heir === undefined) return { kind: 'release', existing: slice };
  return handOver(slice, heir.identity, Math.max(epoch, beaten?.epoch ?? 0) + 1);
}

function handOver(slice: SubscriptionSlice, owner: ShardIdentity, epoch: number): SliceWrite {
  const object = renamed(slice, { owner, next: undefined, epoch, handover: undefined });
  return { kind: 'apply', object: guarded(object, slice), existing: slice };
}

/** Owner and epoch are written only over the version that was decided on. */
function guarded(object: SubscriptionSlice, current: SubscriptionSlice): SubscriptionSlice {
  const { uid, resourceVersion } = current.metadata;
  return {
    ...object,
    metadata: {
      ...object.metadata,
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
  };
}

const applied = new WeakMap<SubscriptionSlice, WeakSet<SubscriptionSlice>>();

/** Objects never change: that one says nothing new is remembered. */
function isAppliedAlready(object: SubscriptionSlice, current: SubscriptionSlice): boolean {
  if (applied.get(object)?.has(current) === true) return true;
  if (!isApplied(object, current)) return false;
  const known = applied.get(object) ?? new WeakSet();
  applied.set(object, known.add(current));
  return true;
}

function isApplied(object: SubscriptionSlice, current: SubscriptionSlice): boolean {
  const { labels = {}, finalizers = [] } = object.metadata;
  return (
    Object.entries(labels).every(([label, value]) => current.metadata.labels?.[label] === value) &&
    current.metadata.labels?.[nextLabel] === labels[nextLabel] &&
    finalizers.every((finalizer) => current.metadata.finalizers?.includes(finalizer) === true) &&
    sameValue(object.spec, current.spec)
  );
}

/** Slices by the account that they belong to, in order of connection. */
export function slicesByAccount(slices: readonly SubscriptionSlice[]): ReadonlyMap<string, SubscriptionSlice[]> {
  const byAccount = new Map<string, SubscriptionSlice[]>();
  for (const slice of slices) {
    const id = accountOf(slice);
    const list = byAccount.get(id);
    if (list === undefined) byAccount.set(id, [slice]);
    else list.push(slice);
  }
  for (const list of byAccount.values()) list.sort((a, b) => a.spec.connection - b.spec.connection);
  return byAccount;
}
