import {
  type InstrumentSet,
  type InstrumentSetStatus,
  type SubscriptionSlice,
  sinkUnavailableReason,
} from '../../crds/index.ts';
import type { UnplacedReason } from '../planner/types.ts';
import { type Problem, shownProblems } from '../resolver/problem.ts';
import type { Resolution } from '../resolver/resolver.ts';
import type { ChannelClaim } from './channels.ts';
import { type ConditionNow, restingReason, type Transition, updateConditions } from './conditions.ts';
import { idOf } from './names.ts';
import { countInstruments } from './placed.ts';
import { isLive, ownerReport, type Shards } from './shards.ts';

/** An instrument of a set that has no place. */
export interface UnplacedInstrument {
  readonly name: string;
  readonly reason: UnplacedReason;
}

export interface SetWorld {
  readonly claim: ChannelClaim | undefined;
  /** Undefined for a set that may not deliver. */
  readonly resolution: Resolution | undefined;
  /** Instruments that were demanded of the planner. */
  readonly demanded: number;
  readonly unplaced: readonly UnplacedInstrument[];
  /** Slices that serve the set. */
  readonly slices: readonly SubscriptionSlice[];
  /** Instruments of the set that a slice has joined and another still streams: counted there. */
  readonly overlaps: (slice: SubscriptionSlice) => number;
  readonly shards: Shards;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const remedies: Record<UnplacedReason, string> = {
  NoCapacity: 'have no capacity: raise spec.limits or add a TickerAccount',
  NoAccount: 'have no TickerAccount that this set may use: create one, or change spec.accountSelector',
  NoUsableAccount: 'have no account that works: see the conditions of the TickerAccounts that this set may use',
};

/** The status of one set, and which of its conditions changed. */
export function setStatus(
  set: InstrumentSet,
  world: SetWorld,
): { status: InstrumentSetStatus; transitions: readonly Transition[] } {
  const scheduled = world.demanded - world.unplaced.length;
  const counted = countStreaming(idOf(set), world);
  const { streaming } = counted;
  const resolved = resolvedCondition(world);
  const placed = scheduledCondition(world, scheduled);
  const flowing = streamingCondition(world, scheduled, counted);
  const ready = readyCondition([resolved, placed, flowing]);
  const { generation } = set.metadata;
  const now = [ready, resolved, placed, flowing];
  const { conditions, transitions } = updateConditions(set.status?.conditions, now, generation, world.now);
  const problems = problemsOf(world);
  const status: InstrumentSetStatus = {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions,
    ...(world.claim === undefined ? {} : { channel: world.claim.channel }),
    requested: world.resolution?.requested ?? 0,
    resolved: world.resolution?.resolved ?? 0,
    scheduled,
    streaming,
    slices: world.slices.length,
    ...(problems.length === 0 ? {} : { problems }),
  };
  return { status, transitions };
}

function resolvedCondition({ claim, resolution }: SetWorld): ConditionNow {
  const type = 'Resolved';
  if (resolution === undefined) {
    return { type, status: 'Unknown', reason: 'ChannelTaken', message: channelTaken(claim) };
  }
  const [first] = resolution.problems;
  if (first === undefined) {
    return { type, status: 'True', reason: 'AllResolved', message: plural(resolution.resolved, 'instrument') };
  }
  const missing = resolution.requested - resolution.resolved;
  const many = resolution.problemCount > 1 ? ` (and ${resolution.problemCount - 1} more)` : '';
  const message = `${missing} of ${plural(resolution.requested, 'instrument')} not resolved: ${first.message}${many}`;
  return { type, status: resolution.pending ? 'Unknown' : 'False', reason: first.reason, message };
}

function scheduledCondition(world: SetWorld, scheduled: number): ConditionNow {
  const type = 'Scheduled';
  const no = (reason: string, message: string): ConditionNow => ({ type, status: 'False', reason, message });
  if (world.resolution === undefined) return no('ChannelTaken', channelTaken(world.claim));
  if (world.unplaced.length > 0) {
    const counts = new Map<UnplacedReason, number>();
    for (const { reason } of world.unplaced) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    const ranked = [...counts].sort(([a, left], [b, right]) => right - left || (a < b ? -1 : 1));
    const parts = ranked.map(
      ([reason, count]) => `${count} of ${plural(world.demanded, 'instrument')} ${remedies[reason]}`,
    );
    return no(ranked[0]![0], parts.join('; '));
  }
  if (world.demanded === 0) return no('NothingResolved', 'there is no instrument to schedule; see condition Resolved');
  const homeless = world.slices.filter(({ spec }) => spec.owner === undefined);
  if (homeless.length > 0 || world.slices.length === 0) {
    return no('NoShard', 'no shard is ready to serve the accounts that these instruments are placed on: start one');
  }
  const on = plural(world.slices.length, 'slice');
  return { type, status: 'True', reason: 'AllScheduled', message: `${plural(scheduled, 'instrument')} on ${on}` };
}

interface Counted {
  readonly streaming: number;
  /** On slices that rest, for want of a session. */
  readonly resting: number;
  /** What the first of these slices says. */
  readonly rest: string | undefined;
  /** What keeps the others from streaming. */
  readonly obstacle: string | undefined;
  /** Why what is streamed reaches no reader; undefined where it does. */
  readonly undelivered: string | undefined;
}

/**
 * Instruments whose subscription is confirmed. A slice whose shard has not confirmed all may lack any of them: what it
 * lacks is held against each set, so that a set never claims more than is so.
 */
function countStreaming(id: string, { slices, shards, overlaps }: SetWorld): Counted {
  let streaming = 0;
  let resting = 0;
  let rest: string | undefined;
  let obstacle: string | undefined;
  let undelivered: string | undefined;
  for (const slice of slices) {
    const { total, bySet } = countInstruments(slice);
    const own = (bySet.get(id) ?? 0) - overlaps(slice);
    const report = ownerReport(slice);
    const { owner } = slice.spec;
    const live = isLive(shards, owner);
    if (live && report?.reason === sinkUnavailableReason)
      undelivered ??= `slice ${slice.metadata.name} on shard ${report.shard}${detail(report.message)}`;
    if (live && report?.phase === 'Resting') {
      resting += own;
      rest ??= report.message;
      continue;
    }
    const flowing = live && (report?.phase === 'Streaming' || report?.phase === 'Draining');
    const confirmed = flowing ? Math.max(0, own - Math.max(0, total - report.subscribed)) : 0;
    streaming += confirmed;
    if (confirmed === own || obstacle !== undefined) continue;
    const where = `slice ${slice.metadata.name}`;
    if (owner === undefined) obstacle = `${where} has no shard`;
    else if (!live) obstacle = `${where}: shard ${owner.shard} has stopped renewing its lease`;
    else if (report === undefined) obstacle = `${where}: waiting for shard ${owner.shard}`;
    else if (!flowing) obstacle = `${where}: ${report.phase} on shard ${owner.shard}${detail(report.message)}`;
    else
      obstacle = `${where}: ${report.subscribed} of ${total} subscribed on shard ${owner.shard}${detail(report.message)}`;
  }
  return { streaming, resting, rest, obstacle, undelivered };
}

function streamingCondition(
  world: SetWorld,
  scheduled: number,
  { streaming, resting, rest, obstacle, undelivered }: Counted,
): ConditionNow {
  const type = 'Streaming';
  const no = (reason: string, message: string): ConditionNow => ({ type, status: 'False', reason, message });
  if (world.resolution === undefined) return no('ChannelTaken', channelTaken(world.claim));
  if (scheduled === 0) return no('NothingScheduled', 'no instrument is scheduled; see condition Scheduled');
  if (undelivered !== undefined)
    return no('SinkUnavailable', `${streaming} of ${plural(scheduled, 'instrument')} subscribed; ${undelivered}`);
  if (streaming >= scheduled) {
    return { type, status: 'True', reason: 'AllStreaming', message: `${plural(streaming, 'instrument')} subscribed` };
  }
  if (streaming + resting >= scheduled) {
    const also = streaming === 0 ? '' : `, ${streaming} subscribed`;
    const message = `${plural(resting, 'instrument')} at rest${also}${detail(rest)}`;
    return { type, status: 'True', reason: restingReason, message };
  }
  const why = obstacle === undefined ? '' : `; ${obstacle}`;
  const reason = streaming === 0 ? 'NotStreaming' : 'PartlyStreaming';
  return no(reason, `${streaming} of ${plural(scheduled, 'instrument')} streaming${why}`);
}

function readyCondition(others: readonly ConditionNow[]): ConditionNow {
  const bad = others.find(({ status }) => status !== 'True');
  if (bad !== undefined) return { type: 'Ready', status: 'False', reason: bad.reason, message: bad.message };
  const last = others.at(-1);
  return { type: 'Ready', status: 'True', reason: last?.reason ?? 'AllStreaming', message: last?.message ?? '' };
}

function problemsOf({ claim, resolution, unplaced }: SetWorld): Problem[] {
  if (resolution === undefined) {
    return [{ instrument: claim?.channel ?? '', reason: 'ChannelTaken', message: clip(channelTaken(claim), 400) }];
  }
  const problems = [
    ...resolution.problems,
    ...unplaced.slice(0, shownProblems).map(({ name, reason }) => ({
      instrument: name,
      reason,
      message: `${name}: instruments like this ${remedies[reason]}`,
    })),
  ];
  return problems.slice(0, shownProblems).map(({ instrument, reason, message }) => ({
    instrument: clip(instrument, 80),
    reason,
    message: clip(message, 400),
  }));
}

function channelTaken(claim: ChannelClaim | undefined): string {
  return `channel ${claim?.channel ?? ''} belongs to the older set ${claim?.takenBy ?? ''}: set another spec.delivery.channel; nothing is delivered until then`;
}

function detail(message: string | undefined): string {
  return message === undefined ? '' : `: ${message}`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function clip(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
