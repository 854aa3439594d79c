import type { Random } from '../runtime/random.ts';
import { type Fault, faults } from './faults.ts';

/** One fault at one moment. */
export interface Strike {
  /** Counts from 1 in the order of time; what is random about the strike follows from it and the seed. */
  readonly id: number;
  /** Milliseconds from the start of the run. */
  readonly at: number;
  readonly fault: Fault;
}

/** A stretch of the run that ends with everything coming right. */
export interface Cycle {
  /** Milliseconds from the start of the run. */
  readonly begins: number;
  /** Until here single faults come while the market is quiet. */
  readonly storm: number;
  /** From here to `calm` they come thick and fast; from then on nothing fails. */
  readonly calm: number;
  /** From here on nobody may write any more. */
  readonly still: number;
  readonly ends: number;
  readonly strikes: readonly Strike[];
}

/** Milliseconds. An hour: a start in which everything settles, then cycles. */
export const phases = {
  start: 20_000,
  cycles: 2,
  cycle: 1_791_000,
  shortestStorm: 150_000,
  storm: 260_000,
  calm: 270_000,
  still: 30_000,
};

/** Share of the faults that a cycle turns on: few at a time reach deeper than all at once ("swarm testing"). */
const share = 0.6;
/** How much rarer faults are outside the storm. */
const rare = 1 / 12;

/** Strikes of a run at least: where fewer were drawn, some more come in its storms. */
const fewest = 50;

/** What may strike, and how often an hour where not as usual. */
export type FaultRates = ReadonlyMap<string, number | undefined>;

/** Draws the whole run beforehand: a Poisson process for each fault. @param rates all faults when absent */
export function drawSchedule(random: Random, rates?: FaultRates): Cycle[] {
  const cycles: Omit<Cycle, 'strikes'>[] = [];
  const strikes: Omit<Strike, 'id'>[] = [];
  const known: { readonly fault: Fault; readonly from: number; readonly until: number }[] = [];
  for (let index = 0; index < phases.cycles; index++) {
    const begins = phases.start + index * phases.cycle;
    const ends = begins + phases.cycle;
    const still = ends - phases.still;
    const calm = still - phases.calm;
    const storm = calm - phases.shortestStorm - random.next() * (phases.storm - phases.shortestStorm);
    cycles.push({ begins, storm, calm, still, ends });
    for (const fault of faults) {
      const on = random.next() < share && (rates?.has(fault.name) ?? true);
      const own = random.fork(`${index} ${fault.name}`);
      const perHour = rates?.get(fault.name) ?? fault.perHour;
      if (!on) continue;
      known.push({ fault, from: storm, until: calm });
      strikes.push(...moments(begins, storm, perHour * rare, own).map((at) => ({ at, fault })));
      strikes.push(...moments(storm, calm, perHour, own).map((at) => ({ at, fault })));
    }
  }
  while (rates === undefined && strikes.length < fewest) {
    const { fault, from, until } = known[random.integer(known.length)]!;
    strikes.push({ fault, at: from + random.next() * (until - from) });
  }
  const numbered = strikes.sort((a, b) => a.at - b.at).map((strike, index) => ({ ...strike, id: index + 1 }));
  return cycles.map((cycle) => ({
    ...cycle,
    strikes: numbered.filter(({ at }) => at >= cycle.begins && at < cycle.ends),
  }));
}

function moments(from: number, until: number, perHour: number, random: Random): number[] {
  const result: number[] = [];
  let at = from;
  for (;;) {
    at += (-Math.log(1 - random.next()) * 3_600_000) / perHour;
    if (!(at < until)) return result;
    result.push(at);
  }
}
