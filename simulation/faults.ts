import { sleep } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { ApiTrouble } from './api-network.ts';
import { one, type User } from './user.ts';
import type { OperatorPlace, ShardPlace, World } from './world.ts';

/** What a fault needs: the world, the user, and the seed's randomness. */
export interface Stage {
  readonly world: World;
  readonly user: User;
  readonly random: Random;
}

/** Something that goes wrong, and comes right again by itself. */
export interface Fault {
  readonly name: string;
  /** How often, on average, in an hour of virtual time. */
  readonly perHour: number;
  /** Nothing fails: what is asked for changes, or a pod is replaced in order. */
  readonly gentle?: true;
  strike(stage: Stage): Promise<void>;
}

const seconds = 1000;

/** Makes `how` true for a random while of at most `longest` milliseconds; until the world is healed at the latest. */
async function forAWhile({ world, random }: Stage, longest: number, end: () => void): Promise<void> {
  await sleep(world.clock, random.next() * longest);
  end();
}

/** Long enough that some are missed and some are not. */
function absence({ world }: Stage, longest: number): number {
  return Math.max(longest, world.longestAbsence);
}

function anyShard({ world, random }: Stage): ShardPlace {
  return world.shards[random.integer(world.shards.length)]!;
}

function anyOperator({ world, random }: Stage): OperatorPlace {
  return world.operators[random.integer(world.operators.length)]!;
}

function anyParty(stage: Stage): string {
  const names = [...stage.world.shards, ...stage.world.operators].map(({ name }) => name);
  return names[stage.random.integer(names.length)]!;
}

function apiTrouble(name: string, key: keyof ApiTrouble, share: number, perHour: number): Fault {
  return {
    name,
    perHour,
    async strike(stage) {
      const { trouble } = stage.world.api;
      trouble[key] = stage.random.next() * share;
      await forAWhile(stage, 20 * seconds, () => {
        trouble[key] = 0;
      });
    },
  };
}

/** Every fault, each with a switch: its name. */
export const faults: readonly Fault[] = [
  {
    name: 'shardCrash',
    perHour: 40,
    async strike(stage) {
      const place = anyShard(stage);
      if (!place.process.alive || place.leaving) return;
      stage.world.crash(place);
      const samePod = stage.random.next() < 0.5;
      await forAWhile(stage, absence(stage, 30 * seconds), () => stage.world.restart(place, samePod));
    },
  },
  {
    name: 'shardPause',
    perHour: 30,
    async strike(stage) {
      const { process } = anyShard(stage);
      stage.world.trace.add('process', `${process.name} is paused`);
      process.pause();
      await forAWhile(stage, absence(stage, 20 * seconds), () => {
        stage.world.trace.add('process', `${process.name} goes on`);
        process.resume();
      });
    },
  },
  {
    name: 'shardRoll',
    perHour: 20,
    gentle: true,
    async strike(stage) {
      const place = anyShard(stage);
      const { process } = place;
      if (!process.alive || place.leaving) return;
      stage.world.guard(`drain of ${place.name}`, stage.world.roll(place));
      // The kubelet's patience.
      await sleep(stage.world.clock, 40 * seconds);
      if (place.process === process) stage.world.restart(place, false);
    },
  },
  {
    name: 'operatorCrash',
    perHour: 20,
    async strike(stage) {
      stage.world.restartOperator(anyOperator(stage));
    },
  },
  {
    name: 'operatorPause',
    perHour: 10,
    async strike(stage) {
      const { process } = anyOperator(stage);
      process.pause();
      await forAWhile(stage, 30 * seconds, () => process.resume());
    },
  },
  {
    name: 'shardCrashAtWrite',
    perHour: 15,
    async strike(stage) {
      const { world, random } = stage;
      const place = anyShard(stage);
      const { process } = place;
      world.api.afterWrites(process, 1 + random.integer(4), () => {
        if (place.process !== process || place.leaving) return;
        world.crash(place);
        const away = random.next() * absence(stage, 20 * seconds);
        world.clock.setTimer(away, () => world.restart(place, random.next() < 0.5));
      });
    },
  },
  {
    name: 'operatorCrashAtWrite',
    perHour: 20,
    async strike({ world, random }) {
      const place = world.leader;
      if (place === undefined) return;
      world.api.afterWrites(place.process, 1 + random.integer(6), () => world.restartOperator(place));
    },
  },
  {
    name: 'leaderPausedAtWrite',
    perHour: 15,
    async strike({ world, random }) {
      const process = world.leader?.process;
      if (process === undefined) return;
      world.api.afterWrites(process, 1 + random.integer(6), () => {
        process.pause();
        world.clock.setTimer(random.next() * 60 * seconds, () => process.resume());
      });
    },
  },
  {
    name: 'clockStepped',
    perHour: 10,
    async strike(stage) {
      const { process } = stage.random.next() < 0.7 ? anyShard(stage) : anyOperator(stage);
      process.wallError = (stage.random.next() - 0.5) * 600 * seconds;
      await forAWhile(stage, 120 * seconds, () => {
        process.wallError = 0;
      });
    },
  },
  {
    name: 'clockDrifts',
    perHour: 10,
    async strike(stage) {
      const { process } = stage.random.next() < 0.7 ? anyShard(stage) : anyOperator(stage);
      process.drift(0.5 + stage.random.next());
      await forAWhile(stage, 120 * seconds, () => process.drift(1));
    },
  },
  {
    name: 'machinePaused',
    perHour: 10,
    async strike(stage) {
      const { process } = stage.random.next() < 0.7 ? anyShard(stage) : anyOperator(stage);
      process.pause();
      process.drift(0);
      await forAWhile(stage, 40 * seconds, () => {
        process.drift(1);
        process.resume();
      });
    },
  },
  {
    name: 'apiAway',
    perHour: 15,
    async strike(stage) {
      const { api } = stage.world;
      api.leave();
      await forAWhile(stage, 100 * seconds, () => api.comeBack());
    },
  },
  {
    name: 'apiAwayForOne',
    perHour: 30,
    async strike(stage) {
      const { away } = stage.world.api;
      const party = anyParty(stage);
      away.add(party);
      await forAWhile(stage, 60 * seconds, () => away.delete(party));
    },
  },
  apiTrouble('apiRefuses', 'refused', 0.5, 20),
  apiTrouble('apiLosesReplies', 'lostReplies', 0.5, 30),
  apiTrouble('apiSlow', 'slow', 0.5, 20),
  apiTrouble('eventsDelayed', 'delayedEvents', 0.5, 20),
  apiTrouble('eventsRepeated', 'repeatedEvents', 0.5, 10),
  apiTrouble('watchExpires', 'expiredWatches', 0.3, 20),
  apiTrouble('watchStalls', 'stalledWatches', 0.05, 6),
  {
    name: 'history',
    perHour: 10,
    async strike({ world }) {
      world.cluster.compact();
    },
  },
  {
    name: 'brokerCuts',
    perHour: 30,
    async strike({ world, random }) {
      for (const { open } of world.broker.accounts.values()) {
        for (const connection of [...open]) if (random.next() < 0.5) connection.fail();
      }
    },
  },
  {
    name: 'brokerStalls',
    perHour: 10,
    async strike(stage) {
      const accounts = [...stage.world.broker.accounts.values()];
      const account = accounts[stage.random.integer(accounts.length)]!;
      stage.world.broker.stall(account, stage.random.next() < 0.5 ? 'ticks' : 'silent');
      await forAWhile(stage, 60 * seconds, () => stage.world.broker.stall(account, undefined));
    },
  },
  {
    name: 'brokerFlaky',
    perHour: 10,
    async strike(stage) {
      const { broker } = stage.world;
      broker.flaky = stage.random.next() * 0.8;
      await forAWhile(stage, 30 * seconds, () => {
        broker.flaky = 0;
      });
    },
  },
  {
    name: 'brokerLimit',
    perHour: 10,
    async strike(stage) {
      const accounts = [...stage.world.broker.accounts.values()];
      const account = accounts[stage.random.integer(accounts.length)]!;
      account.connections = stage.random.integer(2);
      await forAWhile(stage, 60 * seconds, () => {
        account.connections = stage.world.broker.limits.connections;
      });
    },
  },
  {
    name: 'brokerEvicts',
    perHour: 8,
    async strike(stage) {
      const accounts = [...stage.world.broker.accounts.values()];
      const account = accounts[stage.random.integer(accounts.length)]!;
      account.connections = 1;
      // As a broker that takes whoever comes last, or one whose limit was lowered.
      if (stage.random.next() < 0.5) account.atLimit = 'evictOldest';
      for (const connection of [...account.open].slice(0, Math.max(0, account.open.size - 1))) connection.fail();
      await forAWhile(stage, 60 * seconds, () => {
        account.connections = stage.world.broker.limits.connections;
        account.atLimit = 'refuse';
      });
    },
  },
  {
    name: 'brokerThrottles',
    perHour: 10,
    async strike(stage) {
      const { broker } = stage.world;
      broker.throttled = 0.3 + stage.random.next() * 0.7;
      await forAWhile(stage, 40 * seconds, () => {
        broker.throttled = 0;
      });
    },
  },
  {
    name: 'tokenRotated',
    perHour: 15,
    strike: ({ world, user, random }) =>
      user.rotate(one(world.scenario.accounts, random), random.next() * 60 * seconds),
  },
  {
    name: 'sinkAway',
    perHour: 20,
    async strike(stage) {
      const { away } = stage.world.sink;
      away.add('*');
      await forAWhile(stage, 30 * seconds, () => away.delete('*'));
    },
  },
  {
    name: 'sinkAwayForOne',
    perHour: 20,
    async strike(stage) {
      const { away } = stage.world.sink;
      const { name } = anyShard(stage);
      away.add(name);
      await forAWhile(stage, 90 * seconds, () => away.delete(name));
    },
  },
  {
    name: 'sinkSlow',
    perHour: 20,
    async strike(stage) {
      const { sink } = stage.world;
      sink.latency = stage.random.next() * 3 * seconds;
      await forAWhile(stage, 20 * seconds, () => {
        sink.latency = 1;
      });
    },
  },
  {
    name: 'sinkLosesAnswers',
    perHour: 30,
    async strike(stage) {
      const { sink } = stage.world;
      sink.lostReplies = stage.random.next() * 0.5;
      await forAWhile(stage, 20 * seconds, () => {
        sink.lostReplies = 0;
      });
    },
  },
  {
    name: 'sinkLosesData',
    perHour: 3,
    async strike({ world }) {
      world.sink.wipe();
    },
  },
  {
    name: 'sinkFull',
    perHour: 10,
    async strike(stage) {
      const { sink } = stage.world;
      sink.full = true;
      await forAWhile(stage, 40 * seconds, () => {
        sink.full = false;
      });
    },
  },
  {
    name: 'sinkFallsBack',
    perHour: 4,
    async strike(stage) {
      const failOver = stage.world.sink.replicate();
      await forAWhile(stage, 5 * seconds, failOver);
    },
  },
  { name: 'setApplied', perHour: 40, gentle: true, strike: ({ user, random }) => user.applySet(random) },
  { name: 'setDeleted', perHour: 20, gentle: true, strike: ({ user, random }) => user.deleteSet(random) },
  { name: 'setRecreated', perHour: 10, gentle: true, strike: ({ user, random }) => user.recreateSet(random) },
  { name: 'accountLimited', perHour: 10, strike: ({ user, random }) => user.limitAccount(random) },
  {
    name: 'accountSuspended',
    perHour: 6,
    strike: ({ world, user, random }) => user.applyAccount(one(world.scenario.accounts, random), undefined, true),
  },
  {
    name: 'accountApplied',
    perHour: 15,
    strike: ({ world, user, random }) => user.applyAccount(one(world.scenario.accounts, random)),
  },
  {
    name: 'accountDeleted',
    perHour: 8,
    strike: ({ world, user, random }) => user.deleteAccount(one(world.scenario.accounts, random)),
  },
  { name: 'accountRecreated', perHour: 6, strike: ({ user, random }) => user.recreateAccount(random) },
];
