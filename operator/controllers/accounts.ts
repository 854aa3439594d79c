import type { SubscriptionSlice, TickerAccount } from '../../crds/index.ts';
import type { PlannerAccount } from '../planner/types.ts';
import { idOf } from './names.ts';
import { ownerReport } from './shards.ts';

/** What one login of a provider may use, unless the account says otherwise. */
export interface AccountLimits {
  readonly connections: number;
  readonly instrumentsPerConnection: number;
}

export interface Providers {
  /** Names of all, for messages. */
  readonly names: readonly string[];
  /** Undefined for a provider that is not known. */
  readonly limits: (provider: string) => AccountLimits | undefined;
}

/** An account with what the operator knows of it. */
export interface AccountView {
  readonly account: TickerAccount;
  /** `namespace/name`. */
  readonly id: string;
  /** Provider and endpoint: accounts of one market share an instrument master. */
  readonly market: string;
  readonly planner: PlannerAccount;
  /** Instruments that it can stream. */
  readonly capacity: number;
  /** Why it takes nothing (new). */
  readonly trouble?: { readonly reason: string; readonly message: string } | undefined;
  /** Milliseconds until refused credentials make its instruments move. */
  readonly graceLeft?: number | undefined;
}

/**
 * How long instruments stay on an account whose credentials are refused (milliseconds): access tokens are renewed every
 * morning, and what is back within this need not move twice.
 */
export const credentialsGrace = 30_000;

/** @param slices of this account @param now milliseconds since the epoch */
export function viewAccount(
  account: TickerAccount,
  slices: readonly SubscriptionSlice[],
  providers: Providers,
  now: number,
): AccountView {
  const { spec } = account;
  const defaults = providers.limits(spec.provider);
  const connections = spec.limits?.connections ?? defaults?.connections ?? 1;
  const instrumentsPerConnection = spec.limits?.instrumentsPerConnection ?? defaults?.instrumentsPerConnection ?? 1;
  const instruments = spec.limits?.instruments;
  const view = (state: PlannerAccount['state'], extra: Partial<AccountView> = {}): AccountView => {
    const id = idOf(account);
    const market = marketOf(spec);
    const planner = { id, market, connections, instrumentsPerConnection, instruments, state };
    const most = Math.min(connections * instrumentsPerConnection, instruments ?? Number.POSITIVE_INFINITY);
    return { account, id, market, planner, capacity: state === 'unusable' ? 0 : most, ...extra };
  };
  if (defaults === undefined) {
    const message = `provider ${spec.provider} is not known; known are ${providers.names.join(', ')}: create a TickerAccount with one of these`;
    return view('unusable', { trouble: { reason: 'UnknownProvider', message } });
  }
  if (spec.suspended) {
    const message = 'spec.suspended is true: nothing is streamed on this account until it is false';
    return view('unusable', { trouble: { reason: 'Suspended', message } });
  }
  const refused = refusal(account, slices);
  if (refused === undefined) return view('usable');
  const since = account.status?.conditions?.find(
    ({ type, status }) => type === 'CredentialsValid' && status === 'False',
  )?.lastTransitionTime;
  const holds = slices.some((slice) => slice.spec.groups.length > 0);
  // Nothing is missed while the market is closed. What is still refused when it wakes, before the open, moves then.
  if (holds && slices.every((slice) => ownerReport(slice)?.phase === 'Resting')) return view('usable');
  const graceLeft = credentialsGrace - (now - (since === undefined ? now : Date.parse(since)));
  // Where no shard ever claimed, the login never worked: nothing streams that could move twice.
  const served = slices.some((slice) => slice.status?.shards?.some(({ token }) => token !== undefined));
  if (holds && served && graceLeft > 0) return view('usable', { graceLeft });
  return view('impaired', { trouble: refused });
}

/** Provider and endpoint, of an account or of a slice's login: what shares an instrument master. */
export function marketOf({ provider, endpoint }: Pick<TickerAccount['spec'], 'provider' | 'endpoint'>): string {
  return [provider, endpoint?.rest, endpoint?.websocket].filter((part) => part !== undefined).join(' ');
}

function refusal(
  account: TickerAccount,
  slices: readonly SubscriptionSlice[],
): { reason: string; message: string } | undefined {
  const first = slices.find((slice) => slice.spec.connection === 0);
  const credentials = first === undefined ? undefined : ownerReport(first)?.account?.credentials;
  if (credentials === 'Refused')
    return { reason: 'CredentialsRefused', message: credentialsMessage(account, 'Refused') };
  if (credentials === 'Missing')
    return { reason: 'CredentialsMissing', message: credentialsMessage(account, 'Missing') };
  return undefined;
}

/** What a person does about credentials that do not work. */
export function credentialsMessage({ metadata, spec }: TickerAccount, how: 'Refused' | 'Missing'): string {
  const secret = `Secret ${metadata.namespace}/${spec.credentials?.secretName ?? '(none named)'}`;
  if (how === 'Refused') return `${spec.provider} refused the login: put a fresh access token into ${secret}`;
  if (spec.credentials === undefined) return `${spec.provider} needs a login: set spec.credentials.secretName`;
  return `${secret} is missing, or lacks a key that ${spec.provider} wants: create or complete it`;
}
