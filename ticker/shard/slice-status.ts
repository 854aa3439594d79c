import { type ShardIdentity, type SliceShardStatus, sinkUnavailableReason, type Token } from '../../crds/index.ts';
import type { CodedError } from '../../runtime/errors.ts';
import type { AccountState } from './account-session.ts';
import type { OutboxState } from './outbox-actions.ts';
import type { Rest } from './slice-sessions.ts';

/** What a slice's status is made of. */
export interface SliceFacts {
  readonly identity: ShardIdentity;
  readonly generation: number;
  readonly outbox: OutboxState;
  readonly token: Token | undefined;
  readonly beatenBy: Token | undefined;
  readonly suspended: boolean;
  /** The shard drains; it may stream on. */
  readonly draining: boolean;
  /** It is a successor, and publishes nothing. */
  readonly standing: boolean;
  readonly warm: boolean;
  /** The generation whose instruments are all confirmed. */
  readonly streaming: number | undefined;
  /** Present where no session asks for a connection. */
  readonly rest: Rest | undefined;
  readonly connected: boolean;
  readonly connectionError: CodedError | undefined;
  readonly sinkReachable: boolean;
  readonly account: AccountState;
  /** It is the account's first slice, which speaks for the account. */
  readonly first: boolean;
  readonly instrumentsLoaded: number | undefined;
  readonly subscribed: number;
  readonly ticking: number;
  readonly silent: readonly string[];
}

/** Names of silent instruments that a message lists. */
const namedSilent = 5;
const longestMessage = 1024;

type Phase = SliceShardStatus['phase'];
interface Verdict {
  readonly phase: Phase;
  readonly reason?: string;
  readonly message?: string;
}

/** The one entry that a shard writes of a slice. Pure. */
export function sliceStatus(facts: SliceFacts): SliceShardStatus {
  const { phase, reason, message } = judge(facts);
  const { identity, token, beatenBy, account, instrumentsLoaded } = facts;
  return {
    shard: identity.shard,
    uid: identity.uid,
    observedGeneration: facts.generation,
    phase,
    ...(token === undefined ? {} : { token }),
    ...(beatenBy === undefined ? {} : { beatenBy }),
    subscribed: facts.subscribed,
    ticking: facts.ticking,
    ...(facts.streaming === undefined ? {} : { streaming: facts.streaming }),
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message: message.slice(0, longestMessage) }),
    ...(facts.first && !facts.standing
      ? {
          account: {
            credentials: account.credentials,
            connected: facts.connected,
            ...(instrumentsLoaded === undefined ? {} : { instrumentsLoaded }),
          },
        }
      : {}),
  };
}

function judge(facts: SliceFacts): Verdict {
  const { outbox, connected } = facts;
  if (outbox === 'ended') return { phase: 'Failed', reason: 'Ended', message: 'The stream of this slice has ended.' };
  if (facts.standing && !facts.draining) return warming(facts);
  if (outbox === 'refused') {
    return {
      phase: 'Refused',
      reason: 'NewerClaim',
      message: 'The sink knows a newer claim; another shard streams this slice.',
    };
  }
  if (facts.draining) return { phase: 'Draining' };
  if (facts.suspended) return { phase: 'Suspended', reason: 'AccountSuspended', message: 'The account is suspended.' };
  if (facts.rest !== undefined && outbox === 'live') return { phase: 'Resting', ...resting(facts, facts.rest) };
  if (!connected && facts.rest === undefined) return unconnected(facts, 'Connecting');
  if (outbox !== 'live') {
    const message =
      facts.rest === undefined
        ? 'Connected, but the sink has not answered the claim yet; ticks are kept, up to the bound.'
        : `The sink has not answered the claim yet. ${facts.rest.message}`;
    return { phase: 'Connecting', reason: facts.sinkReachable ? 'Claiming' : sinkUnavailableReason, message };
  }
  return { phase: 'Streaming', ...impaired(facts) };
}

/** A successor. */
function warming(facts: SliceFacts): Verdict {
  const { account, connected, rest, suspended, sinkReachable } = facts;
  if (rest !== undefined) return { phase: 'Warm', reason: 'SessionClosed', message: rest.message };
  if (suspended) return { phase: 'Warm', reason: 'AccountSuspended', message: 'The account is suspended.' };
  if (!connected) return unconnected(facts, 'Warming');
  if (facts.warm) return { phase: 'Warm' };
  if (account.session === undefined && account.error !== undefined)
    return { phase: 'Warming', ...because(account.error) };
  const message = 'Connected; the owner has not confirmed yet that the sink has everything from before.';
  return { phase: 'Warming', reason: sinkReachable ? 'Marking' : sinkUnavailableReason, message };
}

function unconnected({ account, connectionError }: SliceFacts, phase: Phase): Verdict {
  const error = account.session === undefined ? (account.error ?? connectionError) : connectionError;
  const gaveUp =
    account.credentials === 'Refused' || account.credentials === 'Missing' || error?.persistence === 'terminal';
  return { phase: gaveUp ? 'Failed' : phase, ...because(error) };
}

/** Its market is closed. What would keep it from connecting then comes first. */
function resting({ account, sinkReachable }: SliceFacts, { message }: Rest): Omit<Verdict, 'phase'> {
  if (account.session === undefined && account.error !== undefined) return because(account.error);
  if (!sinkReachable) return { reason: sinkUnavailableReason, message: `The sink cannot be reached. ${message}` };
  return { reason: 'SessionClosed', message };
}

/** It streams, but not all is well. */
function impaired({ account, sinkReachable, silent, subscribed }: SliceFacts): Omit<Verdict, 'phase'> {
  if (account.credentials === 'Refused' || account.credentials === 'Missing') return because(account.error);
  if (!sinkReachable) {
    return { reason: sinkUnavailableReason, message: 'The sink cannot be reached; ticks are kept, up to the bound.' };
  }
  if (silent.length === 0) return {};
  const names = silent.slice(0, namedSilent).join(', ');
  const more = silent.length > namedSilent ? ` and ${silent.length - namedSilent} more` : '';
  return {
    reason: 'InstrumentsSilent',
    message: `${silent.length} of ${subscribed} instruments send nothing although they were subscribed repeatedly: ${names}${more}. Check at the broker whether they trade.`,
  };
}

function because(error: CodedError | undefined): Omit<Verdict, 'phase'> {
  return error === undefined ? {} : { reason: error.code, message: `${error.message}. ${error.remedy}` };
}
