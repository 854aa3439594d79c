import { expect, test } from 'vitest';
import { MemoPlanner } from './memo.ts';
import { plan } from './planner.ts';
import type { PlanInput, PlannerAccount, SetDemand } from './types.ts';

const shards = [{ identity: { shard: 'shard-0', uid: 'u0' }, state: 'ready' as const }];

function account(id: string, extra: Partial<PlannerAccount> = {}): PlannerAccount {
  return { id, market: 'kite', connections: 1, instrumentsPerConnection: 10, state: 'usable', ...extra };
}

function demand(set: string, tokens: readonly number[], extra: Partial<SetDemand> = {}): SetDemand {
  const instruments = tokens.map((token) => ({ token, rate: 1 }));
  return { set, created: '2026', market: 'kite', mode: 'quote', accounts: ['ns/a', 'ns/b'], instruments, ...extra };
}

function run(input: Partial<PlanInput>) {
  const made = plan({ accounts: [account('ns/a'), account('ns/b')], shards, demand: [], current: [], ...input });
  const at = made.slices.map(({ account: id, connection, groups }) => ({ id, connection, groups }));
  return { ...made, at };
}

test('overlapping sets share one subscription in the richest mode', () => {
  const { at } = run({ demand: [demand('ns/x', [1, 2]), demand('ns/y', [2, 3], { mode: 'full' })] });
  const groups = at.flatMap((slice) => slice.groups);
  expect(groups).toContainEqual({ sets: ['ns/x', 'ns/y'], mode: 'full', tokens: [2] });
  expect(groups).toContainEqual({ sets: ['ns/x'], mode: 'quote', tokens: [1] });
  expect(groups).toContainEqual({ sets: ['ns/y'], mode: 'full', tokens: [3] });
});

test('a set that may use one account only gets its own subscription there', () => {
  const { at } = run({
    demand: [demand('ns/x', [1], { accounts: ['ns/a'] }), demand('ns/y', [1], { accounts: ['ns/b'] })],
  });
  expect(at).toEqual([
    { id: 'ns/a', connection: 0, groups: [{ sets: ['ns/x'], mode: 'quote', tokens: [1] }] },
    { id: 'ns/b', connection: 0, groups: [{ sets: ['ns/y'], mode: 'quote', tokens: [1] }] },
  ]);
});

test('an underlying that nobody asked for comes with its options, serves no set, and takes room', () => {
  const options = demand('ns/x', [], {
    accounts: ['ns/a'],
    instruments: [11, 12].map((token) => ({ token, rate: 1, underlying: 5 })),
  });
  const { at } = run({ demand: [options], accounts: [account('ns/a', { instrumentsPerConnection: 3 })] });
  expect(at[0]?.groups).toEqual([
    { sets: [], mode: 'ltp', tokens: [5] },
    { sets: ['ns/x'], mode: 'quote', tokens: [11, 12] },
  ]);
  const { unplaced } = run({ demand: [options], accounts: [account('ns/a', { instrumentsPerConnection: 2 })] });
  expect(unplaced).toEqual([{ set: 'ns/x', market: 'kite', token: 12, reason: 'NoCapacity' }]);
});

test('the older set is served first; what is placed is not dropped for it', () => {
  const accounts = [account('ns/a', { instrumentsPerConnection: 1 })];
  const older = demand('ns/z', [1], { created: '2025' });
  const newer = demand('ns/a', [2], { created: '2026' });
  expect(run({ accounts, demand: [newer, older] }).unplaced.map(({ set }) => set)).toEqual(['ns/a']);
  const current = run({ accounts, demand: [newer] }).slices;
  expect(run({ accounts, demand: [newer, older], current }).unplaced.map(({ set }) => set)).toEqual(['ns/z']);
});

test('each reason for having no place', () => {
  const reasons = (accounts: PlannerAccount[], allowed: string[]) =>
    run({ accounts, demand: [demand('ns/x', [1, 2], { accounts: allowed })] }).unplaced.map(({ reason }) => reason);
  expect(reasons([account('ns/a')], [])).toEqual(['NoAccount', 'NoAccount']);
  expect(reasons([account('ns/a', { state: 'unusable' })], ['ns/a'])).toEqual(['NoUsableAccount', 'NoUsableAccount']);
  expect(reasons([account('ns/a', { instruments: 1 })], ['ns/a'])).toEqual(['NoCapacity']);
});

test('accounts spread over shards, and a new pod of the same name gets the accounts of the former one', () => {
  const two = ['shard-0', 'shard-1'].map((shard) => ({ identity: { shard, uid: 'old' }, state: 'ready' as const }));
  const first = run({ shards: two });
  expect(first.slices.map(({ owner }) => owner?.shard)).toEqual(['shard-0', 'shard-1']);
  const restarted = [{ identity: { shard: 'shard-0', uid: 'new' }, state: 'ready' as const }, two[1]!];
  const second = run({ shards: restarted, current: first.slices });
  expect(second.slices.map(({ owner }) => `${owner?.shard}/${owner?.uid}`)).toEqual(['shard-0/new', 'shard-1/old']);
  expect(second.moves).toEqual([
    { kind: 'account', account: 'ns/a', from: two[0]!.identity, to: restarted[0]!.identity },
  ]);
});

const optionsOf = (underlying: number, tokens: readonly number[]) =>
  demand('ns/x', [], {
    accounts: ['ns/a'],
    instruments: tokens.map((token) => ({ token, rate: 1, underlying })),
  });

test('an account whose limit shrinks keeps the underlying of the options that stay', () => {
  const wanted = optionsOf(5, [11, 12, 13]);
  const roomy = [account('ns/a', { instrumentsPerConnection: 4 })];
  const current = run({ accounts: roomy, demand: [wanted] }).slices;
  const tight = [account('ns/a', { instrumentsPerConnection: 3 })];
  const { at, unplaced } = run({ accounts: tight, demand: [wanted], current });
  expect(at[0]?.groups).toEqual([
    { sets: [], mode: 'ltp', tokens: [5] },
    { sets: ['ns/x'], mode: 'quote', tokens: [11, 12] },
  ]);
  expect(unplaced.map(({ token }) => token)).toEqual([13]);
});

test('an option whose underlying becomes another one gets that one on its account', () => {
  const accounts = [account('ns/a', { instrumentsPerConnection: 3 })];
  const current = run({ accounts, demand: [optionsOf(5, [11, 12])] }).slices;
  const { at, unplaced } = run({ accounts, demand: [optionsOf(6, [11, 12])], current });
  expect(at[0]?.groups[0]).toEqual({ sets: [], mode: 'ltp', tokens: [6] });
  expect(at[0]?.groups[1]?.tokens).toEqual([11, 12]);
  expect(unplaced).toEqual([]);
});

test('a planner with a memory gives the same plans, and places anew only what may have changed', () => {
  const planner = new MemoPlanner();
  const two = ['shard-0', 'shard-1'].map((shard) => ({ identity: { shard, uid: 'u' }, state: 'ready' as const }));
  const wanted = demand('ns/x', [1, 2, 3]);
  const input = { accounts: [account('ns/a'), account('ns/b')], shards: two, demand: [wanted], current: [] };
  const first = planner.plan(input);
  expect(first).toEqual(plan(input));
  // Carried out, and read back as other objects; then a shard is lost.
  const current = structuredClone(first.slices);
  expect(planner.plan({ ...input, current })).toEqual(plan({ ...input, current }));
  const lost = { ...input, current, shards: [two[1]!] };
  expect(planner.plan(lost)).toEqual(plan(lost));
  expect(planner.counts).toEqual({ placed: 1, stood: 2 });
  for (const changed of [
    { ...lost, demand: [{ ...wanted, instruments: [...wanted.instruments] }] },
    { ...lost, accounts: [account('ns/a', { state: 'impaired' }), account('ns/b')] },
    { ...lost, current: current.slice(1) },
  ]) {
    expect(planner.plan(changed)).toEqual(plan(changed));
  }
  expect(planner.counts).toEqual({ placed: 4, stood: 2 });
});

test('an account follows its first slice: a move that has begun goes on, slice by slice', () => {
  const two = ['shard-0', 'shard-1'].map((shard) => ({ identity: { shard, uid: 'u' }, state: 'ready' as const }));
  const [from, to] = two.map(({ identity }) => identity);
  const accounts = [account('ns/a', { connections: 3, instrumentsPerConnection: 1 })];
  const { slices } = run({ accounts, shards: two, demand: [demand('ns/x', [1, 2, 3])] });
  const owners = (next: typeof to) =>
    run({
      accounts,
      shards: two,
      demand: [demand('ns/x', [1, 2, 3])],
      current: slices.map((slice, n) => ({ ...slice, owner: from, next: n === 0 ? next : undefined })),
    }).slices.map(({ owner }) => owner);
  expect(owners(to)).toEqual([to, to, to]);
  expect(owners(undefined)).toEqual([from, from, from]);
});
