import type { ShardIdentity, SliceShardStatus, SubscriptionSlice } from '../crds/index.ts';
import type { BatchHeader } from '../ticker/delivery.ts';
import type { Outage } from './api-network.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** What is known of the world when a slice's naming changes. */
export interface MoveWitness {
  readonly now: () => number;
  /** The process behind a name, while it lives. */
  readonly processOf: (shard: ShardIdentity) => SimulatedProcess | undefined;
  readonly operators: () => readonly SimulatedProcess[];
  /** Nothing has kept anybody from the API server for a while. */
  readonly reachable: () => boolean;
  /** When something last failed, or came right again. */
  readonly undisturbedSince: () => number;
  /** Whether a process has a connection of an account, as the broker sees it. */
  readonly connected: (process: SimulatedProcess, account: string) => boolean;
  /** The last time that the API server was away for all. */
  readonly outage: () => Outage | undefined;
  /** Milliseconds unrenewed after which a shard is suspect. */
  readonly suspectAfter: number;
  /** The longest outage, in milliseconds, that an operator may not notice. */
  readonly liveWithin: number;
  readonly violated: (what: string) => void;
}

/** Milliseconds within which nothing has happened to a process whose lease is then renewed for sure. */
const longSteady = 60_000;
/** A clock may run this many times as fast as it should. */
const fastest = 1.6;

/**
 * What must hold of moves, seen from the writes that name an owner (PROTOCOL 4 and 5): one handover of a slice at a time;
 * a successor is named when it is warm, unless the owner may be dead; nobody is taken for dead for want of renewals that
 * nobody could make.
 */
export class MoveInvariants {
  readonly #witness: MoveWitness;
  /** Slices whose newest owner has not claimed yet. */
  readonly #moving = new Map<string, { readonly former: SimulatedProcess; readonly account: string }>();
  /** The newest move of a slice to a successor that was warm. */
  readonly #seamless = new Map<string, { readonly epoch: number; readonly successor: SimulatedProcess }>();
  /** Moves of owners that lived to successors that were warm. */
  planned = 0;

  constructor(witness: MoveWitness) {
    this.#witness = witness;
  }

  /** A newly named owner has claimed: until then the former one streams, whatever it has seen. */
  claimed(process: SimulatedProcess, sliceUid: string): void {
    const move = this.#moving.get(sliceUid);
    this.#moving.delete(sliceUid);
    if (move === undefined || move.former === process || !move.former.alive || !this.#isCalm(move.former)) return;
    if (this.#witness.connected(move.former, move.account)) return;
    this.#witness.violated(`${move.former.name} has left ${move.account} before ${process.name} has claimed its slice`);
  }

  /** A reader is told of a gap: a successor that was warm, with nothing failing since, has none to tell of. */
  gap({ slice, sliceUid = '', epoch, gap }: BatchHeader): void {
    const move = this.#seamless.get(sliceUid);
    if (move?.epoch !== epoch || gap?.why !== 'newOwner' || !this.#isCalm(move.successor)) return;
    this.#witness.violated(`slice ${slice}: a planned move to ${move.successor.name} missed something`);
  }

  /** A slice as it was, and as it was written. */
  changed(before: SubscriptionSlice, slice: SubscriptionSlice): void {
    this.#preparation(before, slice);
    const { owner, next, suspended } = before.spec;
    const named = slice.spec.owner;
    if (owner === undefined || named === undefined || same(owner, named) || suspended) return;
    const report = reportOf(before, owner);
    const streams = report?.phase === 'Streaming' || report?.phase === 'Draining';
    if (!streams || report.token?.epoch !== before.spec.epoch || report.beatenBy !== undefined) return;
    const former = this.#witness.processOf(owner);
    const account = `${slice.metadata.namespace}/${slice.spec.account}`;
    // One that the broker lets in no more has nothing to hand over, whatever it last said.
    if (former === undefined || !this.#witness.connected(former, account)) return;
    if (slice.spec.handover !== 'closeFirst') {
      this.#moving.set(slice.metadata.uid ?? '', { former, account });
    }
    if (same(next, named)) this.#promotion(before, slice.spec, owner);
    else if (slice.spec.handover !== 'closeFirst') this.#takeover(slice, owner);
  }

  #preparation(before: SubscriptionSlice, { metadata, spec, status }: SubscriptionSlice): void {
    const { owner, next, epoch } = spec;
    if (next === undefined || same(next, before.spec.next) || owner === undefined) return;
    const claimed = status?.shards?.find((report) => same(report, owner))?.token?.epoch === epoch;
    if (!claimed) {
      this.#witness.violated(
        `slice ${metadata.name}: a move to ${next.shard} starts before ${owner.shard} has claimed epoch ${epoch}`,
      );
    }
  }

  #promotion(before: SubscriptionSlice, { epoch }: SubscriptionSlice['spec'], owner: ShardIdentity): void {
    const named = before.spec.next;
    if (named === undefined) return;
    const { name, generation } = before.metadata;
    const standby = reportOf(before, named);
    const warm = standby?.phase === 'Warm' && standby.observedGeneration === generation;
    const successor = this.#witness.processOf(named);
    if (warm && successor !== undefined) {
      this.planned++;
      this.#seamless.set(before.metadata.uid ?? '', { epoch, successor });
    } else if (this.#lives(owner)) {
      this.#witness.violated(
        `slice ${name}: ${named.shard} is promoted ${standby?.phase ?? 'unheard of'}, not warm, and ${owner.shard} lives`,
      );
    }
  }

  #takeover({ metadata }: SubscriptionSlice, owner: ShardIdentity): void {
    const { now, outage, suspectAfter, liveWithin, violated } = this.#witness;
    if (this.#lives(owner)) violated(`slice ${metadata.name}: ${owner.shard} lives, streams, and is taken for dead`);
    const last = outage();
    if (last === undefined || last.lasted < liveWithin * fastest || !this.#steady(owner)) return;
    const since = now() - last.until;
    if (since > suspectAfter / fastest) return;
    violated(
      `slice ${metadata.name}: ${owner.shard} is taken for dead ${Math.round(since / 1000)} s after an outage in which nobody could renew`,
    );
  }

  /** Its lease has been renewed, and whoever leads has seen so, for sure. */
  #lives(owner: ShardIdentity): boolean {
    return this.#witness.reachable() && this.#steady(owner);
  }

  /** Nothing has failed for long, nor stands still. */
  #isCalm(process: SimulatedProcess): boolean {
    const { undisturbedSince, reachable, now } = this.#witness;
    const since = now() - longSteady;
    return reachable() && undisturbedSince() < since && process.isSteady(since);
  }

  #steady(owner: ShardIdentity): boolean {
    const { processOf, operators, now } = this.#witness;
    return [processOf(owner), ...operators()].every((process) => process?.isSteady(now() - longSteady) === true);
  }
}

function reportOf(slice: SubscriptionSlice, shard: ShardIdentity): SliceShardStatus | undefined {
  return slice.status?.shards?.find((report) => same(report, shard));
}

function same(a: ShardIdentity | undefined, b: ShardIdentity | undefined): boolean {
  return a?.shard === b?.shard && a?.uid === b?.uid;
}
