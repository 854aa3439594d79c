import type { ShardIdentity, SubscriptionSlice, Token } from '../crds/index.ts';
import type { OwnershipEvent, OwnershipTrace } from '../specification/trace.ts';

/** Events of one slice that are recorded: TLC looks for everything that may have happened unseen between them. */
const mostEvents = 20;
/** Pods that own it, or are to. */
const mostShards = 4;

interface Recording {
  readonly owner: string;
  readonly events: OwnershipEvent[];
  /** The epoch that counts as the first. */
  readonly base: number;
  epoch: number;
  readonly shards: Set<string>;
  readonly sent: Set<string>;
  /** What follows is not recorded. */
  closed: boolean;
}

/**
 * Records what happens to the ownership of each slice in the words of the specification, from its first owner on: until
 * something happens that the specification does not speak of (the sink forgets, a slice rests or ends, one owner is named
 * twice running), or enough has been seen.
 */
export class OwnershipRecorder {
  readonly #recordings = new Map<string, Recording>();
  readonly #dead = new Set<string>();

  /** One trace a slice. */
  get traces(): OwnershipTrace[] {
    return [...this.#recordings.values()].map(({ owner, events }) => ({ owner, events }));
  }

  /** A slice as it was before, and as it was written. */
  changed(before: SubscriptionSlice | undefined, slice: SubscriptionSlice): void {
    const { uid = '', deletionTimestamp } = slice.metadata;
    const { owner, next, epoch, suspended } = slice.spec;
    if (owner === undefined) return;
    const recording = this.#recordings.get(uid) ?? this.#begin(uid, owner, epoch);
    if (suspended || deletionTimestamp !== undefined) recording.closed = true;
    if (before?.spec.owner === undefined) return;
    const former = before.spec;
    if (epoch !== recording.epoch) {
      if (epoch !== recording.epoch + 1 || nameOf(former.owner) === nameOf(owner)) recording.closed = true;
      recording.epoch = epoch;
      const warm = nameOf(former.next) === nameOf(owner) && isWarm(before, owner);
      this.#add(recording, owner, {
        kind: warm ? 'promote' : 'takeOver',
        shard: nameOf(owner),
        epoch: epoch - recording.base,
      });
      if (next !== undefined) recording.closed = true;
    } else if (nameOf(next) !== nameOf(former.next)) {
      if (former.next !== undefined) this.#add(recording, owner, { kind: 'cancel' });
      if (next !== undefined) this.#add(recording, next, { kind: 'prepare', shard: nameOf(next) });
    }
  }

  claimed(shard: ShardIdentity, sliceUid: string, token: Token): void {
    this.#token('claim', shard, sliceUid, token);
  }

  /** A call was accepted live. Only the first one under a token is recorded. */
  sent(shard: ShardIdentity, sliceUid: string, token: Token): void {
    const recording = this.#recordings.get(sliceUid);
    const key = `${token.epoch}-${token.claim}`;
    if (recording === undefined || recording.sent.has(key)) return;
    recording.sent.add(key);
    this.#token('send', shard, sliceUid, token);
  }

  crashed(shard: ShardIdentity): void {
    this.#dead.add(nameOf(shard));
    this.#process('crash', shard);
  }

  /** A process of that pod starts: again, or the first one. */
  started(shard: ShardIdentity): void {
    if (this.#dead.delete(nameOf(shard))) this.#process('restart', shard);
  }

  /** The sink has lost what it knew. */
  forgot(): void {
    for (const recording of this.#recordings.values()) recording.closed = true;
  }

  #begin(uid: string, owner: ShardIdentity, epoch: number): Recording {
    const shards = new Set([nameOf(owner)]);
    const recording = { owner: nameOf(owner), events: [], base: epoch - 1, epoch, shards, sent: new Set<string>() };
    const begun: Recording = { ...recording, closed: false };
    this.#recordings.set(uid, begun);
    return begun;
  }

  #token(kind: 'claim' | 'send', shard: ShardIdentity, sliceUid: string, { epoch, claim }: Token): void {
    const recording = this.#recordings.get(sliceUid);
    if (recording === undefined) return;
    this.#add(recording, shard, { kind, shard: nameOf(shard), epoch: epoch - recording.base, claim });
  }

  #process(kind: 'crash' | 'restart', shard: ShardIdentity): void {
    for (const recording of this.#recordings.values()) {
      if (recording.shards.has(nameOf(shard))) this.#add(recording, shard, { kind, shard: nameOf(shard) });
    }
  }

  #add(recording: Recording, shard: ShardIdentity, event: OwnershipEvent): void {
    const { events, shards } = recording;
    if (recording.closed) return;
    const known = shards.has(nameOf(shard));
    // One that has died before it was ever named is dead in the specification, too.
    if (events.length >= mostEvents || (!known && (shards.size >= mostShards || this.#dead.has(nameOf(shard))))) {
      recording.closed = true;
      return;
    }
    shards.add(nameOf(shard));
    events.push(event);
  }
}

function isWarm({ status, metadata }: SubscriptionSlice, shard: ShardIdentity): boolean {
  const report = status?.shards?.find((each) => nameOf(each) === nameOf(shard));
  return report?.phase === 'Warm' && report.observedGeneration === metadata.generation;
}

/** A pod, by name and UID, is a shard of the specification. */
function nameOf(shard: ShardIdentity | undefined): string {
  return shard === undefined ? '' : `${shard.shard}/${shard.uid}`;
}
