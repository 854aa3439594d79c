import { afterEach, beforeEach, expect, test } from 'vitest';
import { unavailable } from '../cluster/errors.ts';
import { type Call, FaultyCluster } from '../cluster/faulty-cluster.ts';
import { LeaderElector } from '../cluster/leader-election.ts';
import { leases } from '../cluster/resources.ts';
import { silentLogger } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';
import { OperatorRig } from './operator.testing.ts';
import type { Operator } from './operator.ts';

/** One replica as the process runs it: it stands by, and leads while it is elected. */
class Replica {
  readonly operator: Operator;
  readonly cluster: FaultyCluster;
  readonly elector: LeaderElector;
  /** Writes other than of leases that reached the API server. */
  readonly writes: string[] = [];
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(rig: OperatorRig, identity: string) {
    const { clock } = rig;
    const note = ({ verb, resource, name }: Call): undefined => {
      const writes = ['create', 'replace', 'apply', 'applyStatus', 'patch', 'delete'].includes(verb);
      if (writes && resource !== leases)
        this.writes.push(`${clock.monotonic()} ${verb} ${resource.kind} ${name?.name}`);
      return undefined;
    };
    this.cluster = new FaultyCluster(rig.cluster, clock, { loseReply: note });
    const random = new SeededRandom(identity.length);
    this.operator = rig.create({ identity, cluster: this.cluster, random });
    const election = { cluster: this.cluster, clock, random, log: silentLogger, namespace: 'default', name: 'leader' };
    this.elector = new LeaderElector({ ...election, identity });
  }

  /** Cut off from the API server, or back. */
  reach(reachable: boolean): void {
    const away = () => unavailable('cut off');
    const { loseReply: _, ...rest } = this.cluster.faults;
    const note = this.cluster.faults.loseReply;
    this.cluster.faults = {
      ...rest,
      ...(note === undefined ? {} : { loseReply: note }),
      refuse: () => (reachable ? undefined : away()),
      event: () => (reachable ? undefined : 'stall'),
    };
  }

  start(): void {
    this.#running = (async () => {
      await this.operator.standBy();
      await this.elector.run(this.#stop.signal, (signal) => this.operator.lead(signal, () => this.elector.isLeader));
    })();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all([this.#running, this.operator.stop()]);
  }
}

let rig: OperatorRig;
let first: Replica;
let second: Replica;

beforeEach(async () => {
  rig = new OperatorRig();
  first = new Replica(rig, 'first');
  second = new Replica(rig, 'the-second');
  first.start();
  await rig.clock.advance(1000);
  second.start();
  for (const name of ['shard-0', 'shard-1']) rig.shard(name);
  for (const name of ['a', 'b']) await rig.account(name);
  await rig.set('equities', { instruments: ['NSE:INFY', 'NSE:TCS'] });
  await rig.clock.advance(6000);
});

afterEach(async () => {
  const stopping = Promise.all([first.stop(), second.stop(), rig.stop()]);
  await rig.clock.advance(10_000);
  await stopping;
});

test('one leads and writes; the other stands by with warm caches and writes nothing but its own leases', async () => {
  expect([first.elector.isLeader, second.elector.isLeader]).toEqual([true, false]);
  expect([first.operator.vitals().leads, second.operator.vitals().leads]).toEqual([true, false]);
  expect(rig.condition(await rig.getSet('equities'), 'Ready')).toMatch(/^True/);
  expect(second.writes).toEqual([]);
  const slices = second.operator.vitals().watches.find(({ kind }) => kind === 'SubscriptionSlice');
  expect(slices).toMatchObject({ synced: true, objects: 2 });
});

test('a leader that is cut off stops to write before the other starts, which is within 5 s; nothing is written twice', async () => {
  const written = first.writes.length;
  const specs = (await rig.slices()).map(({ spec }) => spec);
  first.reach(false);
  await rig.clock.advance(5000);
  expect([first.elector.isLeader, second.elector.isLeader]).toEqual([false, true]);
  expect(first.writes).toHaveLength(written);
  // The world is as it should be: the new leader says when it fetched the instrument master, and has nothing else to do.
  await rig.clock.advance(5000);
  expect((await rig.slices()).map(({ spec }) => spec)).toEqual(specs);
  expect(second.writes.filter((write) => !write.includes('applyStatus TickerAccount'))).toEqual([]);
  await rig.set('banks', { instruments: ['NSE:HDFCBANK'] });
  await rig.clock.advance(3000);
  expect(rig.condition(await rig.getSet('banks'), 'Ready')).toMatch(/^True/);
  first.reach(true);
  await rig.clock.advance(160_000);
  expect(second.elector.isLeader).toBe(true);
  expect(first.writes).toHaveLength(written);
});

test('a shard that dies with the leader: the standby has counted on, and takes over as soon as it is elected', async () => {
  const lost = (await rig.slices()).find(({ spec }) => spec.owner?.shard === 'shard-0')!;
  first.reach(false);
  rig.shards[0]!.alive = false;
  await rig.clock.advance(5000);
  const moved = await rig.slice(lost.metadata.name);
  expect(moved.spec).toMatchObject({ epoch: lost.spec.epoch + 1, owner: { shard: 'shard-1' } });
});

test('a leader that was paused writes nothing when it goes on after its time', async () => {
  expect(first.elector.isLeader).toBe(true);
  let now = rig.clock.monotonic();
  const elector = new LeaderElector({
    cluster: rig.cluster,
    clock: {
      now: () => rig.clock.now(),
      monotonic: () => now,
      setTimer: (delay, fire) => rig.clock.setTimer(delay, fire),
    },
    random: new SeededRandom(1),
    log: silentLogger,
    namespace: 'default',
    name: 'another',
    identity: 'paused',
  });
  const stop = new AbortController();
  let leads: () => boolean = () => false;
  const running = elector.run(stop.signal, async (signal) => {
    leads = () => elector.isLeader;
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  });
  await rig.clock.advance(100);
  expect(leads()).toBe(true);
  // None of its timers has fired yet.
  now += 60_000;
  expect(leads()).toBe(false);
  stop.abort();
  await rig.clock.advance(2000);
  await running;
});
