import { sleep } from '../runtime/clock.ts';
import { describeError } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import { checkLiveness } from './liveness.ts';
import type { Mutation } from './mutations.ts';
import type { OwnershipRecorder } from './ownership-recorder.ts';
import { type Cycle, drawSchedule, type FaultRates, phases, type Strike } from './schedule.ts';
import { User } from './user.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** Takes the trace, line by line. */
  readonly write?: (line: string) => void;
  /** Faults that may strike, with their rates; all when absent. The seed chooses among them. */
  readonly faults?: FaultRates;
  /** Ids of the strikes that take place; all when absent. */
  readonly strikes?: ReadonlySet<number>;
  readonly mutation?: Mutation;
  readonly recorder?: OwnershipRecorder;
  /** Ends the run soon after the first violation. */
  readonly stopAtFirst?: boolean;
}

export interface SimulationResult {
  readonly seed: number;
  readonly violations: readonly string[];
  /** Faults that struck, in order. */
  readonly strikes: readonly { readonly id: number; readonly at: number; readonly fault: string }[];
  /** Calls and events that they tampered with. */
  readonly tampered: number;
  readonly virtualSeconds: number;
  readonly ticks: number;
  readonly batches: number;
  readonly claims: number;
  readonly digest: string;
}

/** Milliseconds of virtual time between two looks at whether the run goes on. */
const stretch = 5_000;
/** Milliseconds before the stillness in which the market wakes up again. */
const wakes = 40_000;

/** Runs one seed: cycles of faults, a calm in which everything must come right, and a stillness. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const world = new World(options);
  // It would end a real process.
  const stray = (error: unknown): void => world.violated(`a promise failed and nobody heard: ${describeError(error)}`);
  process.on('unhandledRejection', stray);
  try {
    return await run(world, options);
  } finally {
    process.off('unhandledRejection', stray);
  }
}

async function run(world: World, options: SimulationOptions): Promise<SimulationResult> {
  const { clock, random, trace } = world;
  const user = new User(world);
  const draw = random.fork('schedule');
  const cycles = drawSchedule(draw, options.faults);
  const { shards, accounts, sets } = world.scenario;
  trace.add(
    'seed',
    `${options.seed}: ${shards} shards, ${accounts.length} accounts, ${sets.length} sets at ${world.pace.name} pace`,
  );
  for (let i = 0; i < shards; i++) world.addShard();
  const struck: SimulationResult['strikes'][number][] = [];
  const until = async (moment: number): Promise<void> => {
    while (clock.monotonic() < moment) {
      if (options.stopAtFirst === true && world.violations.length > 0) return;
      await clock.run(Math.min(stretch, moment - clock.monotonic()));
    }
  };
  const strike = ({ id, fault }: Strike): void => {
    if (options.strikes?.has(id) === false) return;
    trace.add('fault', `${id}: ${fault.name}`);
    struck.push({ id, at: clock.monotonic(), fault: fault.name });
    const struckNow = fault.strike({ world, user, random: random.fork(`strike ${id}`) });
    if (fault.gentle !== true) {
      world.disturbed();
      world.guard(
        fault.name,
        struckNow.then(() => world.disturbed()),
      );
    } else world.guard(fault.name, struckNow);
  };
  await user.begin(random.fork('begin'));
  world.guard('status check', checkStatus(world));
  await until(phases.start);
  for (const cycle of cycles) {
    if (options.stopAtFirst === true && world.violations.length > 0) break;
    await play(world, user, cycle, { until, strike, random: random.fork(`cycle ${cycle.begins}`) });
  }
  // Node tells of promises that nobody listens to once nothing else is left to do.
  await new Promise((resolve) => setImmediate(resolve));
  const violations = [...world.violations];
  world.stop();
  return {
    seed: options.seed,
    violations,
    strikes: struck,
    tampered: world.api.faults + world.sink.faults + world.broker.faults,
    virtualSeconds: clock.monotonic() / 1000,
    ticks: world.ledger.emittedTicks,
    batches: world.sinkInvariants.batches,
    claims: world.sinkInvariants.claims,
    digest: trace.digest,
  };
}

interface Play {
  readonly until: (moment: number) => Promise<void>;
  readonly strike: (strike: Strike) => void;
  readonly random: Random;
}

async function play(world: World, user: User, cycle: Cycle, { until, strike, random }: Play): Promise<void> {
  const { clock, broker } = world;
  for (const each of cycle.strikes) clock.setTimer(each.at - clock.monotonic(), () => strike(each));
  broker.market('quiet');
  await until(cycle.storm);
  broker.market('busy');
  await until(cycle.calm);
  await heal(world, user, random);
  broker.market('quiet');
  await until(cycle.still - wakes);
  broker.market('busy');
  await until(cycle.still);
  const written = world.clusterInvariants.writes;
  await until(cycle.ends);
  if (clock.monotonic() < cycle.ends) return;
  checkLiveness(world, written);
  world.settled();
}

/** Ends every fault: what is dead is started, what is away comes back, and everything can stream. */
async function heal(world: World, user: User, random: Random): Promise<void> {
  world.trace.add('calm', 'nothing fails any more');
  world.heal();
  await user.end(random);
}

/** Looks every few seconds whether what is said to stream does. */
async function checkStatus(world: World): Promise<void> {
  for (;;) {
    await sleep(world.clock, 10_000);
    world.checkStatus();
  }
}
