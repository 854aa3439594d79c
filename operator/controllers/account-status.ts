import type { SubscriptionSlice, TickerAccountStatus } from '../../crds/index.ts';
import type { CatalogState } from '../catalog-cache.ts';
import type { Failure } from '../handover/memory.ts';
import { type AccountView, credentialsMessage } from './accounts.ts';
import { type ConditionNow, restingReason, type Transition, updateConditions } from './conditions.ts';
import { countInstruments } from './placed.ts';
import { isLive, ownerReport, type Shards } from './shards.ts';

export interface AccountWorld {
  /** Slices of this account, by connection. */
  readonly slices: readonly SubscriptionSlice[];
  /** Why the last move of a slice to another shard did not succeed, while that is not made good. */
  readonly failure: Failure | undefined;
  readonly shards: Shards;
  readonly catalog: CatalogState | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The status of one account, and which of its conditions changed. */
export function accountStatus(
  view: AccountView,
  world: AccountWorld,
): { status: TickerAccountStatus; transitions: readonly Transition[] } {
  const { account } = view;
  const owner = world.slices[0]?.spec.owner;
  const now = conditionsOf(view, world);
  const { generation } = account.metadata;
  const { conditions, transitions } = updateConditions(account.status?.conditions, now, generation, world.now);
  const status: TickerAccountStatus = {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions,
    ...(owner === undefined ? {} : { shard: owner.shard }),
    slices: world.slices.length,
    instruments: world.slices.reduce((sum, slice) => sum + countInstruments(slice).total, 0),
    capacity: view.capacity,
  };
  return { status, transitions };
}

function conditionsOf(view: AccountView, world: AccountWorld): ConditionNow[] {
  const credentials = credentialsCondition(view, world);
  const connected = connectedCondition(view, world);
  const ready = readyCondition(view, world, [credentials, connected]);
  return [ready, credentials, connected, masterCondition(world.catalog)];
}

function firstReport({ slices, shards }: AccountWorld) {
  const first = slices[0];
  if (first === undefined || !isLive(shards, first.spec.owner)) return undefined;
  return ownerReport(first);
}

function credentialsCondition({ account, trouble }: AccountView, world: AccountWorld): ConditionNow {
  const type = 'CredentialsValid';
  const report = firstReport(world);
  switch (report?.account?.credentials) {
    case 'Valid':
      return { type, status: 'True', reason: 'LoginSucceeded', message: `${account.spec.provider} accepted the login` };
    case 'Refused':
    case 'Missing': {
      const how = report.account.credentials;
      const detail = report.message === undefined ? '' : ` (${report.message})`;
      return {
        type,
        status: 'False',
        reason: `Credentials${how}`,
        message: `${credentialsMessage(account, how)}${detail}`,
      };
    }
    default: {
      const message = trouble?.message ?? 'no shard has tried to log in yet';
      return { type, status: 'Unknown', reason: trouble?.reason ?? 'NotTried', message };
    }
  }
}

function connectedCondition({ account, trouble }: AccountView, world: AccountWorld): ConditionNow {
  const type = 'Connected';
  const report = firstReport(world);
  if (account.spec.suspended || trouble?.reason === 'UnknownProvider') {
    return { type, status: 'False', reason: trouble?.reason ?? 'Suspended', message: trouble?.message ?? 'suspended' };
  }
  if (report?.account === undefined) {
    const message = 'no shard has said whether it is connected';
    return { type, status: 'Unknown', reason: 'NotReported', message };
  }
  if (report.account.connected) {
    const message = `connected by shard ${report.shard}${failedMove(world)}`;
    return { type, status: 'True', reason: 'Connected', message };
  }
  if (report.phase === 'Resting') {
    return { type, status: 'False', reason: restingReason, message: report.message ?? 'Resting' };
  }
  const message = `${report.message ?? `shard ${report.shard} is connecting`}${failedMove(world)}`;
  return { type, status: 'False', reason: report.reason ?? report.phase, message };
}

function failedMove({ failure }: AccountWorld): string {
  return failure === undefined ? '' : `; a move to shard ${failure.shard.shard} failed: ${failure.why}`;
}

function readyCondition(
  { trouble }: AccountView,
  { slices, shards }: AccountWorld,
  others: readonly ConditionNow[],
): ConditionNow {
  const type = 'Ready';
  const no = (reason: string, message: string): ConditionNow => ({ type, status: 'False', reason, message });
  if (trouble !== undefined) return no(trouble.reason, trouble.message);
  const owner = slices[0]?.spec.owner;
  if (owner === undefined) return no('NoShard', 'no shard is ready to serve this account: start one');
  if (!isLive(shards, owner)) {
    return no('ShardNotResponding', `shard ${owner.shard} has stopped renewing its lease, and no other one is ready`);
  }
  // An account that rests is as ready as it can be: it connects by itself before the session opens.
  const bad = others.find(({ status, reason }) => status !== 'True' && reason !== restingReason);
  if (bad !== undefined) return no(bad.reason, bad.message);
  const rests = others.find(({ reason }) => reason === restingReason);
  if (rests !== undefined) return { type, status: 'True', reason: rests.reason, message: rests.message };
  return { type, status: 'True', reason: 'Streaming', message: `served by shard ${owner.shard}` };
}

function masterCondition(catalog: CatalogState | undefined): ConditionNow {
  const type = 'InstrumentMasterLoaded';
  if (catalog === undefined || (catalog.instruments === 0 && catalog.problem === undefined)) {
    const message = 'it is fetched by the shard that serves an account of this provider';
    return { type, status: 'Unknown', reason: 'NotLoaded', message };
  }
  if (catalog.instruments === 0) {
    return { type, status: 'False', reason: 'FetchFailed', message: catalog.problem ?? 'it could not be fetched' };
  }
  const rows = `${catalog.instruments} instruments, fetched ${new Date(catalog.loadedAt ?? 0).toISOString()}`;
  if (catalog.problem === undefined) return { type, status: 'True', reason: 'Loaded', message: rows };
  const message = `the last good copy is in use (${rows}); ${catalog.problem}`;
  return { type, status: 'True', reason: 'LastGoodCopy', message };
}
