import { expect, test } from 'vitest';
import type { SliceShardStatus, SubscriptionSlice } from '../../crds/index.ts';
import { says, sliceOf } from '../handover/handover.testing.ts';
import { viewAccount } from './accounts.ts';
import { makeAccount } from './objects.testing.ts';

const providers = { names: ['kite'], limits: () => ({ connections: 3, instrumentsPerConnection: 3000 }) };

/** A slice with an instrument, whose owner's login was refused. */
function refused(report: Partial<SliceShardStatus>): SubscriptionSlice {
  const instruments = [{ token: 1, symbol: 'INFY' }];
  const groups = [{ exchange: 'NSE', mode: 'full' as const, sets: [], instruments }];
  const account = { credentials: 'Refused' as const, connected: false };
  return sliceOf({ groups }, [says('a', { phase: 'Failed', subscribed: 0, account, ...report })]);
}

function stateOf(slice: SubscriptionSlice): string {
  return viewAccount(makeAccount('desk', 'acct'), [slice], providers, 0).planner.state;
}

test('what streams stays for a grace when the login is refused, for tokens are renewed every morning', () => {
  expect(stateOf(refused({ token: { epoch: 1, claim: 1 } }))).toBe('usable');
});

test('an account whose login never worked keeps nothing', () => {
  expect(stateOf(refused({ token: undefined }))).toBe('impaired');
});
