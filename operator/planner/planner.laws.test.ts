import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ShardIdentity } from '../../crds/index.ts';
import { assignShards, loadOf } from './assign-shards.ts';
import { freshInput, servedAt, tokensOf } from './planner.testing.ts';
import { plan } from './planner.ts';
import type { Plan, PlanInput, PlannedSlice } from './types.ts';

const runs = { numRuns: 400 };

/** A world that changed under a plan: the placement of one world meets the demand, accounts and shards of another. */
const changedInput = fc
  .tuple(freshInput, freshInput)
  .map(([before, after]): PlanInput => ({ ...after, current: plan(before).slices }));
const anyInput = fc.oneof(freshInput, changedInput);

function loads(slices: readonly PlannedSlice[]): Map<string, number> {
  const totals = new Map<string, number>();
  for (const slice of slices) totals.set(slice.account, (totals.get(slice.account) ?? 0) + tokensOf(slice).length);
  return totals;
}

test('no limit of a connection or an account is ever exceeded', () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const { slices } = plan(input);
      for (const slice of slices) {
        const account = input.accounts.find(({ id }) => id === slice.account)!;
        expect(tokensOf(slice).length).toBeLessThanOrEqual(account.instrumentsPerConnection);
        if (account.state !== 'unusable') expect(slice.connection).toBeLessThan(account.connections);
        else expect(tokensOf(slice)).toEqual([]);
      }
      for (const [id, total] of loads(slices)) {
        const { instruments } = input.accounts.find((account) => account.id === id)!;
        expect(total).toBeLessThanOrEqual(instruments ?? Number.POSITIVE_INFINITY);
      }
    }),
    runs,
  );
});

test('each demanded instrument is placed once for each set, on an account that the set may use, or unplaced with a reason', () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const { slices, unplaced } = plan(input);
      const served = servedAt(slices);
      const reasons = new Map(unplaced.map(({ set, token, reason }) => [`${set} ${token}`, reason]));
      expect(reasons.size).toBe(unplaced.length);
      let demanded = 0;
      for (const demand of input.demand) {
        for (const { token } of demand.instruments) {
          demanded++;
          const key = `${demand.set} ${token}`;
          const at = served.get(key) ?? [];
          expect(at.length + (reasons.has(key) ? 1 : 0)).toBe(1);
          for (const account of at) expect(demand.accounts).toContain(account);
        }
      }
      expect([...served.values()].flat().length + reasons.size).toBe(demanded);
    }),
    runs,
  );
});

test('an account carries an instrument once, and the underlying of each of its options', () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const underlyings = new Map(
        input.demand.flatMap(({ market, instruments }) =>
          instruments.map(({ token, underlying }) => [`${market} ${token}`, underlying] as const),
        ),
      );
      const { slices } = plan(input);
      for (const { id, market } of input.accounts) {
        const tokens = slices.filter(({ account }) => account === id).flatMap(tokensOf);
        expect(new Set(tokens).size).toBe(tokens.length);
        for (const token of tokens) {
          const underlying = underlyings.get(`${market} ${token}`);
          if (underlying !== undefined) expect(tokens).toContain(underlying);
        }
        const bare = slices
          .filter(({ account }) => account === id)
          .flatMap(({ groups }) => groups.filter(({ sets }) => sets.length === 0).flatMap(({ tokens: t }) => t));
        for (const token of bare) {
          expect(tokens.some((option) => underlyings.get(`${market} ${option}`) === token)).toBe(true);
        }
      }
    }),
    runs,
  );
});

test('planning again with the plan as current changes nothing', () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const first = plan(input);
      const second = plan({ ...input, current: first.slices });
      expect(second.slices).toEqual(first.slices);
      expect(second.unplaced).toEqual(first.unplaced);
      expect(second.moves).toEqual([]);
    }),
    runs,
  );
});

test('what is placed is never dropped or moved while its account is usable, its set may use it and limits stand', () => {
  fc.assert(
    fc.property(freshInput, freshInput, (before, after) => {
      const first = plan(before);
      const usable = (id: string) => before.accounts.some((account) => account.id === id && account.state === 'usable');
      // The accounts stay; sets come, go and change what they want.
      const demand = after.demand.map((wanted) => ({
        ...wanted,
        accounts: before.accounts.filter(({ market }) => market === wanted.market).map(({ id }) => id),
      }));
      const second = plan({ ...before, demand, current: first.slices });
      const now = servedAt(second.slices);
      for (const [key, [account]] of servedAt(first.slices)) {
        const [set, token] = key.split(' ');
        const market = before.accounts.find(({ id }) => id === account)?.market;
        const wanted = demand.some(
          (each) =>
            each.set === set && each.market === market && each.instruments.some((i) => i.token === Number(token)),
        );
        if (wanted && account !== undefined && usable(account)) expect(now.get(key)).toEqual([account]);
      }
    }),
    runs,
  );
});

test('one more instrument moves nothing', () => {
  fc.assert(
    fc.property(freshInput, fc.integer({ min: 61, max: 70 }), fc.nat(4), (input, token, n) => {
      const first = plan(input);
      const demand = input.demand.map((each, index) =>
        index === n ? { ...each, instruments: [...each.instruments, { token, rate: 1 }] } : each,
      );
      const second = plan({ ...input, demand, current: first.slices });
      const now = servedAt(second.slices);
      for (const [key, at] of servedAt(first.slices)) expect(now.get(key)).toEqual(at);
      expect(second.moves).toEqual([]);
    }),
    runs,
  );
});

test('losing a shard moves the accounts of that shard only', () => {
  fc.assert(
    fc.property(freshInput, fc.nat(3), (input, n) => {
      const first = plan(input);
      const lost = `shard-${n}`;
      const shards = input.shards.filter(({ identity }) => identity.shard !== lost);
      const second = plan({ ...input, shards, current: first.slices });
      const ready = shards.some(({ state }) => state === 'ready');
      expect(placements(second)).toEqual(placements(first));
      second.slices.forEach((slice, index) => {
        const former = first.slices[index]!.owner;
        if (former?.shard !== lost) expect(slice.owner).toEqual(former);
        else if (ready) expect(slice.owner?.shard).not.toBe(lost);
      });
    }),
    runs,
  );
});

test('losing an account moves its instruments only', () => {
  fc.assert(
    fc.property(freshInput, fc.nat(4), (input, n) => {
      const first = plan(input);
      const lost = `ns/account-${n}`;
      const accounts = input.accounts.filter(({ id }) => id !== lost);
      const demand = input.demand.map((each) => ({ ...each, accounts: each.accounts.filter((id) => id !== lost) }));
      const second = plan({ ...input, accounts, demand, current: first.slices });
      const now = servedAt(second.slices);
      const impaired = new Set(input.accounts.filter(({ state }) => state === 'impaired').map(({ id }) => id));
      for (const [key, at] of servedAt(first.slices)) {
        if (!at.includes(lost) && !at.some((id) => impaired.has(id))) expect(now.get(key)).toEqual(at);
      }
      for (const move of second.moves) if (move.kind === 'instrument') expect(move.from).toBe(lost);
    }),
    runs,
  );
});

test('an account whose login fails keeps what nobody else has room for, and gets it all back', () => {
  fc.assert(
    fc.property(freshInput, fc.nat(4), (input, n) => {
      const usable = input.accounts.map((account) => ({ ...account, state: 'usable' as const }));
      const first = plan({ ...input, accounts: usable });
      const impaired = usable.map((account, index) =>
        index === n ? { ...account, state: 'impaired' as const } : account,
      );
      const second = plan({ ...input, accounts: impaired, current: first.slices });
      const now = servedAt(second.slices);
      for (const key of servedAt(first.slices).keys()) expect(now.has(key)).toBe(true);
    }),
    runs,
  );
});

test('the same input in any order gives the same plan', () => {
  fc.assert(
    fc.property(anyInput, fc.infiniteStream(fc.nat(1_000_000)), (input, noise) => {
      const shuffled = <T>(items: readonly T[]): T[] =>
        items
          .map((item) => ({ item, at: noise.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ item }) => item);
      const other: PlanInput = {
        accounts: shuffled(input.accounts),
        shards: shuffled(input.shards),
        current: shuffled(input.current).map((slice) => ({ ...slice, groups: shuffled(slice.groups) })),
        demand: shuffled(input.demand).map((each) => ({
          ...each,
          accounts: shuffled(each.accounts),
          instruments: shuffled(each.instruments),
        })),
      };
      expect(plan(other)).toEqual(plan(input));
    }),
    runs,
  );
});

test('all slices of an account are in one shard, and every account that is not unusable has its first slice', () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const { slices } = plan(input);
      for (const { id, state } of input.accounts) {
        const own = slices.filter(({ account }) => account === id);
        expect(new Set(own.map(({ owner }) => owner?.shard)).size).toBeLessThanOrEqual(1);
        if (state !== 'unusable') expect(own[0]?.connection).toBe(0);
        if (own.length > 0 && input.shards.some((shard) => shard.state === 'ready')) {
          expect(input.shards.find(({ identity }) => identity.shard === own[0]?.owner?.shard)?.state).toBe('ready');
        }
      }
    }),
    runs,
  );
});

test('the richest mode of the sets that a group serves wins', () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const rank = ['ltp', 'quote', 'full'];
      for (const slice of plan(input).slices) {
        const market = input.accounts.find(({ id }) => id === slice.account)!.market;
        for (const { sets, mode } of slice.groups) {
          const modes = sets.map(
            (set) => input.demand.find((each) => each.set === set && each.market === market)?.mode ?? 'ltp',
          );
          expect(rank.indexOf(mode)).toBe(Math.max(0, ...modes.map((each) => rank.indexOf(each))));
        }
      }
    }),
    runs,
  );
});

test('a fresh plan loads no account more than one chunk, and no shard more than one account, above the mean', () => {
  const roomy = fc.record({
    accounts: fc.integer({ min: 1, max: 6 }),
    shards: fc.integer({ min: 1, max: 4 }),
    sets: fc.array(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 }), { maxLength: 12 }),
  });
  fc.assert(
    fc.property(roomy, (world) => {
      const perConnection = 10;
      const accounts = Array.from({ length: world.accounts }, (_, n) => ({
        id: `ns/account-${n}`,
        market: 'kite',
        connections: 30,
        instrumentsPerConnection: perConnection,
        state: 'usable' as const,
      }));
      const all = accounts.map(({ id }) => id);
      const demand = world.sets.map((rates, n) => ({
        set: `ns/set-${n}`,
        created: '2026-01-01T00:00:00Z',
        market: 'kite',
        mode: 'full' as const,
        accounts: all,
        instruments: rates.map((rate, index) => ({ token: 1000 * (n + 1) + index, rate })),
      }));
      const shards = Array.from({ length: world.shards }, (_, n) => ({
        identity: { shard: `shard-${n}`, uid: 'u' },
        state: 'ready' as const,
      }));
      const { slices } = plan({ accounts, demand, shards, current: [] });
      const chunks = demand.flatMap(({ instruments }) => {
        const rates = instruments.map(({ rate }) => rate).sort((a, b) => b - a);
        return [rates.slice(0, perConnection).reduce((sum, rate) => sum + rate, 0)];
      });
      const perAccount = accounts.map(({ id }) =>
        slices.filter(({ account }) => account === id).reduce((sum, { rate }) => sum + rate, 0),
      );
      const total = perAccount.reduce((sum, rate) => sum + rate, 0);
      expect(Math.max(...perAccount)).toBeLessThanOrEqual(total / accounts.length + Math.max(0, ...chunks));
      // A login counts as one tick a second of a shard's load.
      const perShard = shards.map(({ identity }) =>
        accounts.reduce((sum, { id }, n) => {
          const owned = slices.find(({ account }) => account === id)?.owner?.shard === identity.shard;
          return sum + (owned ? perAccount[n]! + 1 : 0);
        }, 0),
      );
      const mean = (total + accounts.length) / shards.length;
      expect(Math.max(...perShard)).toBeLessThanOrEqual(mean + Math.max(...perAccount) + 1);
      for (const { set, instruments } of demand) {
        const serving = slices.filter(({ groups }) => groups.some(({ sets }) => sets.includes(set)));
        expect(serving.length).toBeLessThanOrEqual(Math.ceil(instruments.length / perConnection));
      }
    }),
    runs,
  );
});

function placements({ slices }: Plan): unknown {
  return slices.map(({ account, connection, groups }) => ({ account, connection, groups }));
}

test('balance moves as few accounts as bring a shard that joins near the mean, never one that must not, and then no more', () => {
  const world = fc.record({
    rates: fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 40 }),
    shards: fc.integer({ min: 1, max: 5 }),
    joined: fc.integer({ min: 1, max: 2 }),
    fixed: fc.array(fc.nat(39), { maxLength: 10 }),
  });
  fc.assert(
    fc.property(world, ({ rates, shards, joined, fixed }) => {
      const identities = Array.from({ length: shards + joined }, (_, n) => ({ shard: `shard-${n}`, uid: 'u' }));
      const ready = identities.map((identity) => ({ identity, state: 'ready' as const }));
      const loads = rates.map((rate, n) => ({ id: `ns/account-${n}`, rate, owners: [] }));
      const before = assignShards(loads, ready.slice(0, shards));
      const named = (owners: ReadonlyMap<string, ShardIdentity>) =>
        loads.map((load) => ({ ...load, owners: [owners.get(load.id)!] }));
      const movable = new Set(loads.filter((_, n) => !fixed.includes(n)).map(({ id }) => id));
      const after = assignShards(named(before), ready, { movable, most: 100 });
      const moved = loads.filter(({ id }) => before.get(id) !== after.get(id));
      for (const { id } of moved) expect(movable).toContain(id);
      expect(assignShards(named(after), ready, { movable, most: 100 })).toEqual(after);
      const perShard = (owners: ReadonlyMap<string, ShardIdentity>) =>
        identities.map((identity) =>
          loads.reduce((sum, load) => sum + (owners.get(load.id)?.shard === identity.shard ? loadOf(load) : 0), 0),
        );
      expect(Math.max(...perShard(after))).toBeLessThanOrEqual(Math.max(...perShard(before)));
      const one = assignShards(named(before), ready, { movable, most: 1 });
      expect(loads.filter(({ id }) => before.get(id) !== one.get(id)).length).toBeLessThanOrEqual(1);
      // Without being asked nothing moves.
      expect(assignShards(named(before), ready)).toEqual(before);
    }),
    runs,
  );
});
