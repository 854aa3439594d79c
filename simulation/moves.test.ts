import { expect, test } from 'vitest';
import { tickerAccounts } from '../cluster/resources.ts';
import type { SubscriptionSlice, TickerAccount } from '../crds/index.ts';
import { namespace } from './scenario.ts';
import { User } from './user.ts';
import { World } from './world.ts';

/** Planned moves through the operator and the shards as they are: nothing fails but what a test makes fail. */

const seconds = 1000;
const patience = 120_000;

class Stage {
  readonly world = new World({ seed: 11 });
  readonly user = new User(this.world);

  /** Accounts with so many connections each, and every set streaming, on so many shards. */
  async begin(shards: number, connections: number): Promise<void> {
    const { world, user } = this;
    for (let n = 0; n < shards; n++) world.addShard();
    await user.begin(world.random.fork('user'));
    for (const name of world.scenario.accounts) await this.limit(name, connections);
    // Longer than it takes to spread, and to be in balance.
    await world.clock.run(60 * seconds);
    this.expectWell();
  }

  limit(name: string, connections: number): Promise<void> {
    return this.user.applyAccount(name, { connections, instrumentsPerConnection: 20 });
  }

  slices(): readonly SubscriptionSlice[] {
    return [...this.world.clusterInvariants.slices.values()];
  }

  slice(account: string): SubscriptionSlice {
    return this.slices().find(({ spec }) => spec.account === account && spec.connection === 0)!;
  }

  /** Handovers that ended so far, by `<kind> <result>`. */
  handovers(): Record<string, number> {
    return Object.fromEntries(this.world.leader?.operator.vitals().reconciler.handovers ?? []);
  }

  async message(account: string, type: string): Promise<string> {
    const object = await this.world.cluster.get<TickerAccount>(tickerAccounts, { namespace, name: account });
    return object.status?.conditions?.find((condition) => condition.type === type)?.message ?? '';
  }

  /** Every slice is claimed by a living owner, and nothing was missed, repeated unmarked or out of order. */
  expectWell(): void {
    expect(this.world.violations).toEqual([]);
    for (const { spec, status } of this.slices()) {
      expect(spec.next).toBeUndefined();
      const report = status?.shards?.find(({ shard, uid }) => shard === spec.owner?.shard && uid === spec.owner.uid);
      expect(report).toMatchObject({ phase: 'Streaming', token: { epoch: spec.epoch } });
    }
  }
}

test(
  'a shard that drains hands its slices to warm successors, and every tick arrives',
  async () => {
    const stage = new Stage();
    const { world } = stage;
    await stage.begin(2, 2);
    const before = stage.handovers();
    const place = world.shards[0]!;
    const former = place.identity.uid;
    const moved = stage.slices().filter(({ spec }) => spec.owner?.uid === former).length;
    expect(moved).toBeGreaterThan(0);
    world.guard('roll', world.roll(place));
    await world.clock.run(30 * seconds);
    for (const { spec } of stage.slices()) expect(spec.owner?.uid).not.toBe(former);
    const after = stage.handovers();
    // The pod that takes its place may get one back, for balance.
    expect((after['planned completed'] ?? 0) - (before['planned completed'] ?? 0)).toBeGreaterThanOrEqual(moved);
    expect(Object.keys(after)).toEqual(['planned completed']);
    await world.clock.run(60 * seconds);
    stage.expectWell();
    world.stop();
  },
  patience,
);

test(
  'a shard that joins gets its part of the accounts, with warm successors',
  async () => {
    const stage = new Stage();
    const { world } = stage;
    await stage.begin(1, 2);
    world.addShard();
    await world.clock.run(90 * seconds);
    const joined = world.shards[1]!.identity.uid;
    const own = stage.slices().filter(({ spec }) => spec.owner?.uid === joined);
    expect(own.length).toBeGreaterThan(0);
    expect(own.length).toBeLessThan(stage.slices().length);
    expect(stage.handovers()).toEqual({ 'planned completed': own.length });
    stage.expectWell();
    world.stop();
  },
  patience,
);

test(
  'without a connection to spare the owner closes first, and the successor gets in',
  async () => {
    const stage = new Stage();
    const { world } = stage;
    await stage.begin(2, 1);
    const place = world.shards[0]!;
    const moved = stage.slices().filter(({ spec }) => spec.owner?.uid === place.identity.uid).length;
    world.guard('roll', world.roll(place));
    await world.clock.run(60 * seconds);
    expect(stage.handovers()['closeFirst completed']).toBe(moved);
    stage.expectWell();
    for (const { spec } of stage.slices()) expect(spec.handover).toBeUndefined();
    world.stop();
  },
  patience,
);

test(
  'a successor that the broker refuses is given up in time, the owner streams on, and people are told what the broker said',
  async () => {
    const stage = new Stage();
    const { world } = stage;
    await stage.begin(2, 2);
    const place = world.shards[0]!;
    const { account } = stage.slices().find(({ spec }) => spec.owner?.uid === place.identity.uid)!.spec;
    const before = stage.slice(account);
    // The account says two, the broker says one.
    world.broker.account(`${namespace}/${account}`).connections = 1;
    world.leader!.operator.leave(new Set([place.name]));
    await world.clock.run(15 * seconds);
    const meanwhile = stage.slice(account);
    expect(meanwhile.spec).toMatchObject({ owner: before.spec.owner, epoch: before.spec.epoch });
    expect(stage.handovers()['planned failed']).toBeGreaterThan(0);
    expect(await stage.message(account, 'Connected')).toMatch(/; a move to shard shard-\d failed: .*429/);
    expect(world.violations).toEqual([]);
    world.broker.account(`${namespace}/${account}`).connections = 2;
    await world.clock.run(60 * seconds);
    expect(stage.slice(account).spec.owner?.shard).not.toBe(place.name);
    expect(stage.slice(account).spec.epoch).toBe(before.spec.epoch + 1);
    stage.expectWell();
    world.stop();
  },
  patience,
);

test(
  'a close-first successor that is not let in gives the slice back, under a higher epoch',
  async () => {
    const stage = new Stage();
    const { world } = stage;
    await stage.begin(2, 1);
    const place = world.shards[0]!;
    const { account } = stage.slices().find(({ spec }) => spec.owner?.uid === place.identity.uid)!.spec;
    const before = stage.slice(account);
    world.broker.account(`${namespace}/${account}`).connections = 0;
    const leader = world.leader!.operator;
    leader.leave(new Set([place.name]));
    await world.clock.run(5 * seconds);
    expect(stage.slice(account).spec).toMatchObject({ epoch: before.spec.epoch + 1, handover: 'closeFirst' });
    // The former owner is not to leave any more: it may have the slice again.
    leader.leave(new Set());
    await world.clock.run(10 * seconds);
    expect(stage.slice(account).spec).toMatchObject({ owner: before.spec.owner, epoch: before.spec.epoch + 2 });
    world.broker.account(`${namespace}/${account}`).connections = 1;
    await world.clock.run(120 * seconds);
    expect(stage.slice(account).spec.handover).toBeUndefined();
    stage.expectWell();
    world.stop();
  },
  patience,
);

test(
  'an account that is deleted streams on until its instruments do elsewhere',
  async () => {
    const stage = new Stage();
    const { world, user } = stage;
    await stage.begin(2, 2);
    const [first = ''] = world.scenario.accounts;
    const moving = stage
      .slices()
      .filter(({ spec }) => spec.account === first)
      .flatMap(({ spec }) => spec.groups);
    const tokens = moving.flatMap(({ instruments }) => instruments.map(({ token }) => token));
    expect(tokens.length).toBeGreaterThan(0);
    await user.deleteAccount(first);
    let joined = false;
    for (let step = 0; step < 600; step++) {
      await world.clock.run(50);
      joined ||= stage.slices().some(({ spec }) => (spec.joining?.length ?? 0) > 0);
      const subscribed = world.broker.subscribed();
      for (const token of tokens) expect(subscribed.has(token), `${token} at step ${step}`).toBe(true);
    }
    expect(joined).toBe(true);
    expect(stage.slices().some(({ spec }) => spec.account === first)).toBe(false);
    for (const { spec } of stage.slices()) expect(spec.joining).toBeUndefined();
    stage.expectWell();
    world.stop();
  },
  patience,
);
