import { type LeaderTiming, leaderTiming } from '../cluster/leader-election.ts';
import { renewInterval } from '../cluster/lease.ts';
import type { SuspicionOptions } from '../cluster/suspicion.ts';
import type { Random } from '../runtime/random.ts';
import type { ShardLimits } from '../ticker/shard/limits.ts';

/** How often the parts of a deployment say that they live: most of what a quiet hour is made of. Milliseconds. */
export interface Pace {
  readonly name: string;
  readonly shard: Partial<ShardLimits>;
  /** Between renewals of a shard's lease. */
  readonly leaseRenewal: number;
  /** Between renewals of an operator's own lease. */
  readonly ownRenewal: number;
  readonly suspicion: SuspicionOptions;
  readonly leader: LeaderTiming;
  readonly spotInterval: number;
  /** Between bookmarks of a watch. */
  readonly bookmarks: number;
}

/** As in production. */
const production: Pace = {
  name: 'production',
  shard: {},
  leaseRenewal: renewInterval,
  ownRenewal: 500,
  suspicion: {},
  leader: leaderTiming,
  spotInterval: 1_000,
  bookmarks: 60_000,
};

/** What is only repeated comes less often, and what waits for it waits as much longer. */
const easy: Pace = {
  name: 'easy',
  shard: { heartbeat: 4_000, statusInterval: 2_000, sweep: 2_500 },
  leaseRenewal: 4_000,
  ownRenewal: 3_000,
  suspicion: { suspectAfter: 12_000, liveWithin: 10_000 },
  leader: { duration: 15_000, deadline: 12_000, interval: 3_000 },
  spotInterval: 5_000,
  bookmarks: 60_000,
};

/** Still less often: so an hour costs little more than its faults. */
const slow: Pace = {
  name: 'slow',
  shard: { heartbeat: 20_000, statusInterval: 8_000, sweep: 15_000 },
  leaseRenewal: 16_000,
  ownRenewal: 14_000,
  suspicion: { suspectAfter: 34_000, liveWithin: 32_000 },
  leader: { duration: 34_000, deadline: 28_000, interval: 13_000 },
  bookmarks: 110_000,
  spotInterval: 30_000,
};

/** So little room that a sink that is away costs ticks: which are to be counted and told. */
const cramped = { outboxBatches: 40, callsInFlight: 2 };

/** One seed in a hundred keeps production's pace, one in ten comes near it; one in five has hardly any room. */
export function paceOf(random: Random): Pace {
  const lot = random.next();
  const pace = lot < 0.01 ? production : lot < 0.11 ? easy : slow;
  return random.next() < 0.2 ? { ...pace, name: `${pace.name}, cramped`, shard: { ...pace.shard, ...cramped } } : pace;
}
