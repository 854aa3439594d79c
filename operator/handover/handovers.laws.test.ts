import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ShardIdentity, SliceShardStatus, SubscriptionSlice } from '../../crds/index.ts';
import { isLive, isReady } from '../controllers/shards.ts';
import { sameShard, shardKey } from '../planner/assign-shards.ts';
import type { PlannerShard } from '../planner/types.ts';
import { connectionsOf } from './connections.ts';
import { hasClaimed, type Naming } from './decide.ts';
import { pod, says, sliceOf } from './handover.testing.ts';
import { Handovers } from './handovers.ts';

const names = ['a', 'b', 'c', 'd'];
const second = 1_000;

/** What happens in between two looks of the operator. */
const event = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ kind: 'pass' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wanted' as const), shard: fc.constantFrom(...names) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('state' as const),
      shard: fc.constantFrom(...names),
      state: fc.constantFrom(
        'ready' as const,
        'ready' as const,
        'draining' as const,
        'suspect' as const,
        'gone' as const,
      ),
    }),
  },
  // A shard that neither gets warm nor claims, or does again.
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('stuck' as const),
      shard: fc.constantFrom(...names),
      stuck: fc.boolean(),
    }),
  },
  // The slice is edited: another generation, for which nobody is warm yet.
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('edit' as const), slice: fc.nat(2) }) },
  // Somebody else wrote first: the operator's write is refused.
  { weight: 1, arbitrary: fc.constant({ kind: 'conflict' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('blind' as const), blind: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('suspend' as const), suspended: fc.boolean() }) },
);
type Happening = typeof event extends fc.Arbitrary<infer T> ? T : never;

/** Slices of one account, shards that obey in a step, and an operator that may be replaced. */
class Model {
  readonly connections: number;
  readonly shards = new Map<string, PlannerShard>(
    names.map((name) => [shardKey(pod(name)), { identity: pod(name), state: 'ready' }]),
  );
  readonly stuck = new Set<string>();
  slices: SubscriptionSlice[];
  wanted: ShardIdentity = pod('a');
  now = 0;
  liveSince: number | undefined = 0;
  conflict = false;
  writes = 0;
  handovers = new Handovers();

  constructor(count: number, connections: number) {
    this.connections = connections;
    this.slices = Array.from({ length: count }, (_, connection) => sliceOf({ connection }));
  }

  happen(what: Happening): void {
    if (what.kind === 'wanted') this.wanted = pod(what.shard);
    if (what.kind === 'stuck') this.stuck[what.stuck ? 'add' : 'delete'](what.shard);
    if (what.kind === 'conflict') this.conflict = true;
    if (what.kind === 'restart') this.handovers = new Handovers();
    if (what.kind === 'blind') this.liveSince = what.blind ? undefined : this.now;
    if (what.kind === 'suspend') this.slices = this.slices.map((slice) => edited(slice, { suspended: what.suspended }));
    if (what.kind === 'edit')
      this.slices = this.slices.map((slice, n) => (n === what.slice ? edited(slice, {}) : slice));
    if (what.kind === 'state') {
      const key = shardKey(pod(what.shard));
      if (what.state === 'gone') this.shards.delete(key);
      else this.shards.set(key, { identity: pod(what.shard), state: what.state });
    }
  }

  /** Each living shard acts on what it sees. */
  obey(): void {
    this.slices = this.slices.map((slice) => {
      const { owner, next, epoch } = slice.spec;
      const observedGeneration = slice.metadata.generation ?? 0;
      const reports = new Map((slice.status?.shards ?? []).map((report) => [report.shard, report]));
      const say = (shard: string, report: Partial<SliceShardStatus>): void => {
        const { token } = reports.get(shard) ?? {};
        reports.set(shard, says(shard, { observedGeneration, ...(token === undefined ? {} : { token }), ...report }));
      };
      for (const shard of names) {
        if (!isLive(this.shards, pod(shard)) || this.stuck.has(shard)) continue;
        if (sameShard(owner, pod(shard))) say(shard, { phase: 'Streaming', token: { epoch, claim: 1 } });
        else if (sameShard(next, pod(shard))) say(shard, { phase: 'Warm' });
      }
      const claimed = reports.get(owner?.shard ?? '')?.token;
      for (const [shard, report] of reports) {
        const former = !sameShard(owner, report) && !sameShard(next, report);
        if (former && claimed?.epoch === epoch && report.phase !== 'Refused') {
          say(shard, { phase: 'Refused', beatenBy: claimed });
        }
      }
      return { ...slice, status: { shards: [...reports.values()] } };
    });
  }

  /** The operator looks, and writes. */
  look(): void {
    const wanted = isReady(this.shards, this.wanted)
      ? this.wanted
      : [...this.shards.values()].find(({ state }) => state === 'ready')?.identity;
    const account = {
      account: 'desk/acct',
      slices: this.slices,
      connections: this.connections,
      planned: this.slices.length,
    };
    const decisions = this.handovers.decide({
      accounts: [{ ...account, wanted: (slice) => wanted ?? slice.spec.owner }],
      shards: this.shards,
      now: this.now,
      liveSince: this.liveSince,
    });
    const before = this.slices;
    this.slices = this.slices.map((slice) => {
      const decision = decisions.get(`desk/${slice.metadata.name}`);
      if (decision === undefined || !decision.changed || this.conflict) return slice;
      this.writes++;
      this.handovers.wrote('desk/acct', slice, decision, this.now);
      return edited(slice, fieldsOf(decision.naming));
    });
    this.conflict = false;
    this.slices.forEach((slice, n) => {
      expectStep(before[n]!, slice, this.shards);
    });
    this.expectRoom(before);
  }

  /** A planned handover takes a connection only where the account has one to spare. */
  expectRoom(before: readonly SubscriptionSlice[]): void {
    const started = this.slices.filter(
      (slice, n) => slice.spec.next !== undefined && !sameShard(slice.spec.next, before[n]!.spec.next),
    );
    if (started.length === 0) return;
    // A former owner that closes first has made room before the new one gets in.
    const used = this.slices.reduce(
      (sum, slice) => sum + (slice.spec.handover === undefined ? connectionsOf(slice, this.shards) : 1),
      0,
    );
    expect(used).toBeLessThanOrEqual(this.connections);
  }

  settled(): boolean {
    return this.slices.every(
      (slice) =>
        sameShard(slice.spec.owner, this.wanted) &&
        hasClaimed(slice) &&
        slice.spec.next === undefined &&
        slice.spec.handover === undefined,
    );
  }
}

function fieldsOf({ owner, next, epoch, handover }: Naming): Partial<SubscriptionSlice['spec']> {
  return { owner, next, epoch, handover };
}

function edited(slice: SubscriptionSlice, spec: Partial<SubscriptionSlice['spec']>): SubscriptionSlice {
  const { generation = 0 } = slice.metadata;
  return { ...slice, metadata: { ...slice.metadata, generation: generation + 1 }, spec: { ...slice.spec, ...spec } };
}

/** What admission and the protocol ask of one write. */
function expectStep(before: SubscriptionSlice, after: SubscriptionSlice, shards: Model['shards']): void {
  const { owner, next, epoch } = after.spec;
  expect(epoch).toBeGreaterThanOrEqual(before.spec.epoch);
  if (!sameShard(owner, before.spec.owner)) expect(epoch).toBeGreaterThan(before.spec.epoch);
  if (next !== undefined) expect(sameShard(next, owner)).toBe(false);
  if (next !== undefined && !sameShard(next, before.spec.next)) {
    expect(isReady(shards, next)).toBe(true);
    // One handover at a time: the last one has been claimed, or never got as far as a name.
    expect(hasClaimed(before) || before.spec.next !== undefined).toBe(true);
  }
  if (!sameShard(owner, before.spec.owner) && owner !== undefined) expect(isReady(shards, owner)).toBe(true);
}

test('whatever happens in between, each write is allowed, and once nothing happens any more every slice gets to its shard', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 0, max: 2 }),
      fc.array(fc.tuple(event, fc.integer({ min: 1, max: 12 }), fc.boolean()), { maxLength: 40 }),
      fc.constantFrom(...names),
      (count, spare, events, last) => {
        const model = new Model(count, count + spare);
        for (const [what, seconds, obeys] of events) {
          model.happen(what);
          if (obeys) model.obey();
          model.look();
          model.now += seconds * second;
        }
        // Nothing fails any more, and the plan stands.
        model.stuck.clear();
        model.liveSince ??= model.now;
        for (const name of names) model.happen({ kind: 'state', shard: name, state: 'ready' });
        model.happen({ kind: 'suspend', suspended: false });
        model.happen({ kind: 'wanted', shard: last });
        for (let look = 0; look < 2_000 && !model.settled(); look++) {
          model.obey();
          model.look();
          model.now += second;
        }
        expect(model.settled()).toBe(true);
        // Settled, nothing is written any more.
        const { writes } = model;
        for (let look = 0; look < 50; look++) {
          model.obey();
          model.look();
          model.now += 10 * second;
        }
        expect(model.writes).toBe(writes);
      },
    ),
    { numRuns: 600 },
  );
}, 60_000);
