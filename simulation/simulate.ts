import { sleep } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import { type Fault, faults, type Stage } from './faults.ts';
import { checkLiveness } from './liveness.ts';
import type { Mutation } from './mutations.ts';
import { phases } from './scenario.ts';
import { User } from './user.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** Takes the trace, line by line. */
  readonly write?: (line: string) => void;
  /** Names of the faults that may strike; all when absent. The seed chooses among them. */
  readonly faults?: readonly string[];
  readonly mutation?: Mutation;
  /** Ends the run soon after the first violation. */
  readonly stopAtFirst?: boolean;
}

export interface SimulationResult {
  readonly seed: number;
  readonly violations: readonly string[];
  /** Faults that struck, and calls and events that they tampered with. */
  readonly faults: number;
  readonly virtualSeconds: number;
  readonly ticks: number;
  readonly batches: number;
  readonly claims: number;
  readonly digest: string;
}

/** Share of the faults that a seed turns on: few at a time reach deeper than all at once ("swarm testing"). */
const share = 0.6;

/** Milliseconds of virtual time between two looks at whether the run goes on. */
const stretch = 5_000;

/** Runs one seed: a start, a time of faults, a calm in which everything must come right, and a stillness. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const world = new World(options);
  const user = new User(world);
  const schedule = world.random.fork('schedule');
  const chosen = faults.filter(({ name }) => schedule.next() < share && (options.faults?.includes(name) ?? true));
  world.trace.add('seed', `${options.seed}: ${chosen.map(({ name }) => name).join(' ')}`);
  const count = 2 + schedule.integer(2);
  for (let i = 0; i < count; i++) world.addShard();
  let struck = 0;
  const run = async (milliseconds: number): Promise<void> => {
    for (let passed = 0; passed < milliseconds; passed += stretch) {
      if (options.stopAtFirst === true && world.violations.length > 0) return;
      await world.clock.run(Math.min(stretch, milliseconds - passed));
    }
  };
  await user.begin();
  world.guard('status check', checkStatus(world));
  await run(phases.start);

  const until = world.clock.monotonic() + phases.faults;
  for (const fault of chosen) {
    const random = world.random.fork(`fault ${fault.name}`);
    const stage: Stage = { world, user, random };
    world.guard(
      fault.name,
      strikes(fault, stage, until, () => struck++),
    );
  }
  await run(phases.faults);

  await heal(world, user);
  await run(phases.calm);
  const written = world.clusterInvariants.writes;
  await run(phases.still);
  checkLiveness(world, written);
  world.stop();
  return {
    seed: options.seed,
    violations: world.violations,
    faults: struck + world.api.faults + world.sink.faults + world.broker.faults,
    virtualSeconds: world.clock.monotonic() / 1000,
    ticks: world.ledger.emittedTicks,
    batches: world.sinkInvariants.batches,
    claims: world.sinkInvariants.claims,
    digest: world.trace.digest,
  };
}

/** Strikes at random moments until the time of faults is over: a Poisson process. */
async function strikes(fault: Fault, stage: Stage, until: number, count: () => void): Promise<void> {
  const { world, random } = stage;
  for (;;) {
    await sleep(world.clock, waiting(fault.perHour, random));
    if (world.clock.monotonic() >= until) return;
    world.trace.add('fault', fault.name);
    count();
    world.guard(fault.name, fault.strike(stage));
  }
}

function waiting(perHour: number, random: Random): number {
  return (-Math.log(1 - random.next()) * 3_600_000) / perHour;
}

/** Ends every fault: what is dead is started, what is away comes back, and everything can stream. */
async function heal(world: World, user: User): Promise<void> {
  world.trace.add('calm', 'nothing fails any more');
  world.api.heal();
  world.sink.heal();
  world.broker.flaky = 0;
  for (const account of world.broker.accounts.values()) {
    account.stalled = false;
    account.connections = world.broker.limits.connections;
  }
  for (const place of world.shards) {
    place.process.resume();
    world.restart(place, false);
  }
  world.operator.process.resume();
  await user.end();
}

/** Looks once a second whether what is said to stream does. */
async function checkStatus(world: World): Promise<void> {
  for (;;) {
    await sleep(world.clock, 1000);
    const { subscribed, excused } = world.view();
    world.clusterInvariants.checkReady((instrument) => subscribed.has(instrument), excused);
  }
}
