import fc from 'fast-check';
import type { CurrentSlice, Plan, PlanInput, PlannedSlice, PlannerAccount, SetDemand } from './types.ts';

/** Where each (set, token) is served in a plan: `set token` → accounts. */
export function servedAt(slices: readonly CurrentSlice[]): Map<string, string[]> {
  const served = new Map<string, string[]>();
  for (const { account, groups } of slices) {
    for (const { sets, tokens } of groups) {
      for (const set of sets) {
        for (const token of tokens) {
          const key = `${set} ${token}`;
          served.set(key, [...(served.get(key) ?? []), account]);
        }
      }
    }
  }
  return served;
}

export function tokensOf(slice: CurrentSlice): number[] {
  return slice.groups.flatMap(({ tokens }) => [...tokens]);
}

export function asCurrent(plan: Plan): readonly PlannedSlice[] {
  return plan.slices;
}

const shardName = (n: number) => ({ shard: `shard-${n}`, uid: `uid-${n}` });

/** Tokens 1–9 are underlyings of one market, 10–60 plain or options; small numbers, so that sets overlap a lot. */
const instrument = fc.integer({ min: 1, max: 60 }).map((token) => ({
  token,
  rate: 1 + (token % 5),
  // The underlying is a function of the token, as in an instrument master.
  underlying: token >= 10 && token % 3 !== 0 ? 1 + (token % 4) : undefined,
}));

const account = (id: string): fc.Arbitrary<PlannerAccount> =>
  fc.record({
    id: fc.constant(id),
    market: fc.constantFrom('kite', 'kite', 'kite', 'mock'),
    connections: fc.integer({ min: 1, max: 3 }),
    instrumentsPerConnection: fc.integer({ min: 1, max: 12 }),
    instruments: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
    state: fc.constantFrom<PlannerAccount['state']>('usable', 'usable', 'usable', 'impaired', 'unusable'),
  });

const accounts = fc
  .integer({ min: 0, max: 5 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, n) => account(`ns/account-${n}`))));

const demandOf = (set: string): fc.Arbitrary<Omit<SetDemand, 'accounts'> & { excluded: number[] }> =>
  fc.record({
    set: fc.constant(set),
    created: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'),
    market: fc.constantFrom('kite', 'kite', 'mock'),
    mode: fc.constantFrom('ltp' as const, 'quote' as const, 'full' as const),
    excluded: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    instruments: fc.uniqueArray(instrument, { maxLength: 25, selector: ({ token }) => token }),
  });

const demands = fc
  .integer({ min: 0, max: 5 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, n) => demandOf(`ns/set-${n}`))));

const shards = fc.integer({ min: 0, max: 4 }).chain((count) =>
  fc.tuple(
    ...Array.from({ length: count }, (_, n) =>
      fc.record({
        identity: fc.constant(shardName(n)),
        state: fc.constantFrom('ready' as const, 'ready' as const, 'draining' as const, 'suspect' as const),
      }),
    ),
  ),
);

/** A world with nothing placed yet. */
export const freshInput: fc.Arbitrary<PlanInput> = fc.record({ accounts, demands, shards }).map((world) => ({
  accounts: world.accounts,
  shards: world.shards,
  current: [],
  demand: world.demands.map(({ excluded, ...demand }) => ({
    ...demand,
    accounts: world.accounts
      .filter(({ market }, n) => market === demand.market && !excluded.includes(n))
      .map(({ id }) => id),
  })),
}));
