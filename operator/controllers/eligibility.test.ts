import { describe, expect, test } from 'vitest';
import { type InstrumentSet, type TickerAccount, tickerAccountSpec } from '../../crds/index.ts';
import { viewAccount } from './accounts.ts';
import { claimChannels } from './channels.ts';
import { Eligibility } from './eligibility.ts';
import { labelValue, sliceName } from './names.ts';
import { makeSet } from './objects.testing.ts';

const providers = {
  names: ['kite', 'mock'],
  limits: (name: string) =>
    name === 'kite' || name === 'mock' ? { connections: 3, instrumentsPerConnection: 3000 } : undefined,
};

function view(namespace: string, name: string, spec: object = {}, labels: Record<string, string> = {}) {
  const account: TickerAccount = {
    apiVersion: 'ticker-operator.io/v1alpha1',
    kind: 'TickerAccount',
    metadata: { namespace, name, uid: `${namespace}-${name}`, labels },
    spec: tickerAccountSpec.parse({ provider: 'kite', ...spec }),
  };
  return viewAccount(account, [], providers, 0);
}

const views = [
  view('desk', 'a', {}, { tier: 'gold' }),
  view('desk', 'b', { provider: 'mock' }),
  view('shared', 'c', { allowedNamespaces: ['desk'] }),
  view('shared', 'd'),
];

function names(set: InstrumentSet): string[] {
  return new Eligibility(views).accounts(set).map(({ id }) => id);
}

describe('eligible accounts', () => {
  test('those of the namespace and those that allow it', () => {
    expect(names(makeSet('desk', 's', {}))).toEqual(['desk/a', 'desk/b', 'shared/c']);
    expect(names(makeSet('other', 's', {}))).toEqual([]);
  });

  test('by label, and by name in the own namespace only', () => {
    expect(names(makeSet('desk', 's', { accountSelector: { matchLabels: { tier: 'gold' } } }))).toEqual(['desk/a']);
    expect(names(makeSet('desk', 's', { accountSelector: { names: ['b', 'c'] } }))).toEqual(['desk/b']);
  });

  test('sets that may use the same accounts share the arrays', () => {
    const eligibility = new Eligibility(views);
    const first = eligibility.byMarket(makeSet('desk', 's', {}));
    const second = eligibility.byMarket(makeSet('desk', 't', {}));
    expect([...first.keys()]).toEqual(['kite', 'mock']);
    expect(first.get('kite')).toBe(second.get('kite'));
  });
});

test('an account says why it takes nothing', () => {
  expect(view('desk', 'x', { provider: 'nope' }).trouble).toEqual({
    reason: 'UnknownProvider',
    message: 'provider nope is not known; known are kite, mock: create a TickerAccount with one of these',
  });
  expect(view('desk', 'x', { suspended: true }).planner.state).toBe('unusable');
  expect(view('desk', 'x', { limits: { connections: 2, instruments: 500 } }).capacity).toBe(500);
});

test('of two sets that claim one channel the older has it', () => {
  const older = makeSet('desk', 'z', { delivery: { channel: 'ticks' } }, '2026-01-01T00:00:00Z');
  const newer = makeSet('desk', 'a', { delivery: { channel: 'ticks' } }, '2026-01-02T00:00:00Z');
  const elsewhere = makeSet('lab', 'a', { delivery: { channel: 'ticks' } }, '2026-01-02T00:00:00Z');
  const claims = claimChannels([newer, older, elsewhere]);
  expect(claims.get('desk/z')).toEqual({ channel: 'ticks:desk:ticks', takenBy: undefined });
  expect(claims.get('desk/a')).toEqual({ channel: 'ticks:desk:ticks', takenBy: 'desk/z' });
  expect(claims.get('lab/a')?.takenBy).toBeUndefined();
});

test('names of slices and labels keep within their bounds and apart', () => {
  expect(sliceName('demo-a', 0)).toBe('demo-a-c0');
  const long = 'a'.repeat(253);
  expect(sliceName(long, 31).length).toBeLessThanOrEqual(253);
  expect(labelValue(long)).toHaveLength(63);
  expect(labelValue(`${long.slice(1)}b`)).not.toBe(labelValue(long));
});
