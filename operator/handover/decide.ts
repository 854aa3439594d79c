import type { ShardIdentity, SubscriptionSlice } from '../../crds/index.ts';
import { isLive, isReady, ownerReport, refusedWith, reportOf, type Shards } from '../controllers/shards.ts';
import { sameShard, shardKey } from '../planner/assign-shards.ts';
import { deadlineAfter, enter, fail, failureOf, type HandoverKind, type HandoverMemory, triedLast } from './memory.ts';

/** What a slice says of who serves it. */
export interface Naming {
  readonly owner: ShardIdentity | undefined;
  readonly next: ShardIdentity | undefined;
  readonly epoch: number;
  readonly handover: 'closeFirst' | undefined;
}

/** Everything that the next step of one slice depends on. */
export interface Situation {
  readonly slice: SubscriptionSlice;
  /** The shard that the plan has for it. */
  readonly wanted: ShardIdentity | undefined;
  readonly shards: Shards;
  /** Ready shards, the least loaded first. */
  readonly candidates: readonly ShardIdentity[];
  /** Connections that the account has to spare. */
  readonly spare: number;
  /** Other handovers of the account are under way; one that is done gives a connection back. */
  readonly busy: boolean;
  /** Another shard would do no better: the broker refuses the account's login. */
  readonly excused: boolean;
  readonly memory: HandoverMemory;
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Since when this replica's watch is live; undefined while it is not, and no deadline is missed then. */
  readonly liveSince: number | undefined;
}

export interface Ended {
  readonly kind: HandoverKind;
  readonly result: 'completed' | 'failed' | 'cancelled';
  /** Milliseconds since its first step. */
  readonly took: number;
}

export interface Decision {
  /** The slice's own where nothing is to be written. */
  readonly naming: Naming;
  readonly changed: boolean;
  /** The write must change nothing else: the successor is warm for the slice as it is. */
  readonly frozen: boolean;
  /** To be remembered once the write has succeeded. */
  readonly memory: HandoverMemory;
  /** Milliseconds after which to look again though nothing was heard. */
  readonly wait?: number | undefined;
  readonly ended?: Ended | undefined;
  /** The former owner, or a successor, was given up as dead: its connection may linger at the broker. */
  readonly died?: boolean;
}

/** Milliseconds for an owner that leaves to say that it has claimed. */
const leavingDeadline = 1_000;

/** While the watch is not live: time to look whether it is again. */
const blindWait = 1_000;

export function namingOf({ spec: { owner, next, epoch, handover } }: SubscriptionSlice): Naming {
  return { owner, next, epoch, handover };
}

/**
 * The next step of one slice's ownership (PROTOCOL 4 and 5). Pure, and without a state of its own but what it waits for:
 *
 * settled → `next` set → warm → named (epoch + 1) → claimed = settled. Without a connection to spare: settled → named,
 * `closeFirst` → claimed. A dead owner, and one that does not claim in time, is replaced at once by naming.
 */
export function decide(situation: Situation): Decision {
  const { slice, shards } = situation;
  const { owner, next } = slice.spec;
  if (owner === undefined) return nameFirst(situation);
  const beaten = refusedWith(slice)?.epoch;
  if (!isLive(shards, owner)) return takeOver(situation, owner, beaten ?? 0);
  if (beaten !== undefined) return nameAnew(situation, owner, beaten);
  if (next !== undefined) return warmUp(situation, owner, next);
  return hasClaimed(slice) ? settle(situation, owner) : awaitClaim(situation, owner);
}

/** The owner that is named has said that it claimed under this epoch. */
export function hasClaimed(slice: SubscriptionSlice): boolean {
  const report = ownerReport(slice);
  return report !== undefined && report.phase !== 'Refused' && (report.token?.epoch ?? 0) >= slice.spec.epoch;
}

/** The successor holds all that the sink lacks of the slice as it is now. */
export function isWarm(slice: SubscriptionSlice, next: ShardIdentity): boolean {
  const report = reportOf(slice, next);
  return report?.phase === 'Warm' && report.observedGeneration >= (slice.metadata.generation ?? 0);
}

function nameFirst(situation: Situation): Decision {
  const { wanted, slice, memory, now } = situation;
  const entered = enter(memory, 'unowned', now);
  if (wanted === undefined || !isReady(situation.shards, wanted)) return stay(situation, entered);
  return named(situation, wanted, slice.spec.epoch, entered, undefined);
}

/** Nobody is left to wait for. */
function takeOver(situation: Situation, owner: ShardIdentity, beaten: number): Decision {
  const { slice, shards, memory, now } = situation;
  const { next, epoch } = slice.spec;
  const entered = enter(memory, `dead ${shardKey(owner)}`, now);
  const waiting = next !== undefined && isReady(shards, next) ? next : undefined;
  const heir = waiting ?? heirs(situation, owner, entered)[0];
  if (heir === undefined) {
    if (next === undefined || isLive(shards, next)) return stay(situation, entered);
    return { ...stay(situation, entered), naming: { ...namingOf(slice), next: undefined }, changed: true };
  }
  const since = entered.move?.since ?? now;
  const moving: HandoverMemory = { ...entered, move: { kind: 'takeover', since } };
  return { ...named(situation, heir, Math.max(epoch, beaten), moving, closing(situation)), died: true };
}

/** The sink knows a newer claim than the owner's, which is still meant: it is named above that. */
function nameAnew(situation: Situation, owner: ShardIdentity, beaten: number): Decision {
  const { wanted, shards, slice, memory, now } = situation;
  const entered = enter(memory, `beaten ${slice.spec.epoch}`, now);
  const chosen = wanted !== undefined && isReady(shards, wanted) ? wanted : owner;
  return named(situation, chosen, Math.max(slice.spec.epoch, beaten), entered, undefined);
}

function warmUp(situation: Situation, owner: ShardIdentity, next: ShardIdentity): Decision {
  const { slice, wanted, shards, memory, now } = situation;
  const entered = enter(memory, `warming ${slice.spec.epoch} ${shardKey(next)}`, now);
  const moving: HandoverMemory = { ...entered, move: entered.move ?? { kind: 'planned', since: now } };
  if (!isReady(shards, next)) return replaceNext(situation, owner, fail(moving, failed(situation, next)), 'failed');
  // Whoever stands in for one that failed, or cannot take it, is kept, unless the owner may stay.
  const unfit = wanted !== undefined && (failureOf(moving, wanted) !== undefined || !isReady(shards, wanted));
  const standsIn = unfit && !isReady(shards, owner);
  if (!sameShard(next, wanted) && !standsIn) return replaceNext(situation, owner, moving, 'cancelled');
  // An account that cannot log in streams nothing that could be missed.
  if (isWarm(slice, next) || situation.excused) {
    return { ...named(situation, next, slice.spec.epoch, moving, undefined), frozen: true };
  }
  const left = timeLeft(situation, moving);
  if (left > 0) return { ...stay(situation, moving), wait: left };
  return replaceNext(situation, owner, fail(moving, failed(situation, next)), 'failed');
}

/**
 * Another candidate warms up, or none. The one that is given up keeps its connection until it has seen that: where there
 * is none to spare for both, it is only cleared.
 */
function replaceNext(
  situation: Situation,
  owner: ShardIdentity,
  memory: HandoverMemory,
  result: 'failed' | 'cancelled',
): Decision {
  const { slice, now, spare, shards } = situation;
  const { chosen, wait } = successor(situation, owner, memory);
  const ended: Ended = { kind: 'planned', result, took: now - (memory.move?.since ?? now) };
  if (chosen !== undefined && sameShard(chosen, slice.spec.next)) {
    const anew: HandoverMemory = { ...memory, since: now, move: { kind: 'planned', since: now } };
    return { ...stay(situation, anew), wait: timeLeft(situation, anew), ended };
  }
  const room = spare > 0 || ownerReport(slice)?.phase === 'Resting';
  const naming: Naming = { ...namingOf(slice), next: room ? chosen : undefined };
  const died = !isLive(shards, slice.spec.next);
  return { naming, changed: true, frozen: false, memory: { ...memory, move: undefined }, wait, ended, died };
}

function awaitClaim(situation: Situation, owner: ShardIdentity): Decision {
  const { slice, memory, now, excused, wanted, shards } = situation;
  const { epoch, handover } = slice.spec;
  const entered = enter(memory, `claiming ${epoch} ${shardKey(owner)}`, now);
  // The first owner of a new slice is no move.
  const kind = handover ?? 'takeover';
  const move = entered.move ?? (epoch > 1 ? ({ kind, since: now } as const) : undefined);
  const moving: HandoverMemory = { ...entered, move };
  if (excused) {
    const elsewhere = wanted !== undefined && !sameShard(wanted, owner) && isReady(shards, wanted);
    return elsewhere ? named(situation, wanted, epoch, moving, undefined) : stay(situation, moving);
  }
  // One that is about to leave will hardly claim any more.
  const grace = isReady(shards, owner) ? Number.POSITIVE_INFINITY : moving.since + leavingDeadline - now;
  const left = Math.min(timeLeft(situation, moving), Math.max(0, grace));
  if (left > 0) return { ...stay(situation, moving), wait: left };
  const missed = fail(moving, failed(situation, owner));
  const [heir] = heirs(situation, owner, missed);
  if (heir === undefined) return { ...stay(situation, moving), wait: deadlineAfter(0) };
  const how = handover ?? closing(situation);
  const next: HandoverMemory = { ...missed, move: { kind: how ?? 'takeover', since: now } };
  const ended: Ended | undefined = move && { kind: move.kind, result: 'failed', took: now - move.since };
  return { ...named(situation, heir, epoch, next, how), ended };
}

/** The owner has claimed: the last handover is done, and the next may start. */
function settle(situation: Situation, owner: ShardIdentity): Decision {
  const { slice, wanted, memory, now, spare, busy, excused } = situation;
  const { move } = memory;
  const entered = enter(memory, 'settled', now);
  const resting = wanted === undefined || sameShard(wanted, owner);
  // That another slice is tried in its place for a while makes nothing good.
  const good = resting && (move !== undefined || entered.failures.length === 0);
  const settled: HandoverMemory = { ...entered, move: undefined, missed: good ? 0 : entered.missed };
  const ended: Ended | undefined = move && { kind: move.kind, result: 'completed', took: now - move.since };
  const naming = namingOf(slice);
  if (naming.handover !== undefined) {
    return { ...stay(situation, settled), naming: { ...naming, handover: undefined }, changed: true, ended };
  }
  const { chosen, wait } = successor(situation, owner, settled);
  if (chosen === undefined) return { ...stay(situation, settled), wait, ended };
  if (slice.spec.suspended || excused) return { ...named(situation, chosen, naming.epoch, settled, undefined), ended };
  if (spare > 0 || ownerReport(slice)?.phase === 'Resting') {
    const planned: HandoverMemory = { ...settled, move: { kind: 'planned', since: now } };
    return { naming: { ...naming, next: chosen }, changed: true, frozen: false, memory: planned, ended };
  }
  if (busy) return { ...stay(situation, settled), ended };
  const closed: HandoverMemory = { ...settled, move: { kind: 'closeFirst', since: now } };
  return { ...named(situation, chosen, naming.epoch, closed, 'closeFirst'), ended };
}

/**
 * Who should warm up now: the wanted shard; where the owner cannot stay, another for one that has just failed, and that
 * one again where there is no other: the owner leaves whether anybody is warm or not.
 */
function successor(
  { wanted, shards, candidates, now }: Situation,
  owner: ShardIdentity,
  memory: HandoverMemory,
): { chosen: ShardIdentity | undefined; wait: number | undefined } {
  if (wanted === undefined || sameShard(wanted, owner)) return { chosen: undefined, wait: undefined };
  const leaves = !isReady(shards, owner);
  const possible = triedLast(distinct(leaves ? [wanted, ...candidates] : [wanted]), memory).filter(
    (shard) => !sameShard(shard, owner) && isReady(shards, shard),
  );
  if (leaves) return { chosen: possible[0], wait: undefined };
  let wait: number | undefined;
  for (const shard of possible) {
    const failure = failureOf(memory, shard);
    const left = failure === undefined ? 0 : failure.at + deadlineAfter(memory.missed) - now;
    if (left <= 0) return { chosen: shard, wait: undefined };
    wait = Math.min(wait ?? left, left);
  }
  return { chosen: undefined, wait };
}

/** Who may be named instead of the owner, the best first: whom the plan wants, who had it before, the others. */
function heirs({ slice, wanted, shards, candidates }: Situation, owner: ShardIdentity, memory: HandoverMemory) {
  const former = [...(slice.status?.shards ?? [])]
    .filter((report) => report.token !== undefined)
    .sort((a, b) => (b.token?.epoch ?? 0) - (a.token?.epoch ?? 0))
    .map(({ shard, uid }): ShardIdentity => ({ shard, uid }));
  const ready = [...(wanted === undefined ? [] : [wanted]), ...former, ...candidates].filter(
    (shard) => isReady(shards, shard) && !sameShard(shard, owner),
  );
  return triedLast(distinct(ready), memory);
}

function named(
  situation: Situation,
  owner: ShardIdentity,
  above: number,
  memory: HandoverMemory,
  handover: 'closeFirst' | undefined,
): Decision {
  const naming: Naming = { owner, next: undefined, epoch: above + 1, handover };
  return {
    naming,
    changed: true,
    frozen: false,
    memory,
    wait: timeLeft(situation, { ...memory, since: situation.now }),
  };
}

function stay({ slice }: Situation, memory: HandoverMemory): Decision {
  return { naming: namingOf(slice), changed: false, frozen: false, memory };
}

/** A former owner that lives makes room where there is none for two: else neither would ever get on. */
function closing({ slice, spare }: Situation): 'closeFirst' | undefined {
  return spare > 0 || slice.spec.suspended ? undefined : 'closeFirst';
}

/** Milliseconds until the deadline of the step that the memory is in; 0 when it is missed. */
function timeLeft({ liveSince, now }: Situation, memory: HandoverMemory): number {
  if (liveSince === undefined) return blindWait;
  return Math.max(0, Math.max(memory.since, liveSince) + deadlineAfter(memory.missed) - now);
}

function failed({ slice, now }: Situation, shard: ShardIdentity) {
  const report = reportOf(slice, shard);
  const said = report === undefined ? 'it says nothing' : (report.message ?? report.phase);
  return { shard, at: now, why: said };
}

function distinct(shards: readonly ShardIdentity[]): ShardIdentity[] {
  return [...new Map(shards.map((shard) => [shardKey(shard), shard])).values()];
}
