import { shardKey } from '../../operator/planner/assign-shards.ts';
import { MemoPlanner } from '../../operator/planner/memo.ts';
import type { Plan, PlanInput } from '../../operator/planner/types.ts';
import { operatorScale, operatorScaleOf } from './scale.ts';
import { type PlannerScale, plannerWorld } from './world.ts';

const scale: PlannerScale = { accounts: 10_000, instruments: 1_000_000, sets: 2_000, shards: 100 };

interface Timed<T> {
  readonly result: T;
  readonly milliseconds: number;
  /** Of the processor: what it takes where nothing else runs. */
  readonly cpu: number;
}

function timed<T>(act: () => T): Timed<T> {
  const before = process.cpuUsage();
  const started = performance.now();
  const result = act();
  const milliseconds = performance.now() - started;
  const { user, system } = process.cpuUsage(before);
  return { result, milliseconds, cpu: (user + system) / 1000 };
}

/** The slices of a plan as they come back from the API server: other objects, the same values. */
function written({ slices }: Plan, only?: (slice: Plan['slices'][number]) => boolean): PlanInput['current'] {
  return slices.map((slice) => (only?.(slice) === false ? slice : { ...slice, groups: structuredClone(slice.groups) }));
}

function row(what: string, { milliseconds, cpu }: Timed<unknown>, goal: number | undefined, detail: string): void {
  const limit = goal === undefined ? '' : `goal ${goal} ms`;
  const times = `${milliseconds.toFixed(0).padStart(6)} ms  (CPU ${cpu.toFixed(0).padStart(5)} ms)`;
  console.log(`${what.padEnd(30)} ${times}  ${limit.padEnd(14)} ${detail}`);
}

const input = plannerWorld(scale);
console.log(
  `planner: ${scale.accounts} accounts, ${scale.instruments} instruments, ${scale.sets} sets, ${scale.shards} shards`,
);
const planner = new MemoPlanner();
const scratch = timed(() => planner.plan(input));
const placed = scratch.result.slices.reduce(
  (sum, { groups }) => sum + groups.reduce((n, { tokens }) => n + tokens.length, 0),
  0,
);
row('from scratch', scratch, 5000, `${scratch.result.slices.length} slices, ${placed} subscriptions`);

const current = written(scratch.result);
const again = timed(() => planner.plan({ ...input, current }));
row('again, as the API server has it', again, undefined, `${again.result.moves.length} moves`);

const lost = input.shards[7]!.identity;
const shards = input.shards.map((shard) => (shard.identity === lost ? { ...shard, state: 'suspect' as const } : shard));
const loss = timed(() => planner.plan({ ...input, current, shards }));
const mine = new Set(current.filter(({ owner }) => owner?.shard === lost.shard).map(({ account }) => account));
const moved = loss.result.moves;
const wrong = moved.filter((move) => move.kind !== 'account' || !mine.has(move.account));
row(
  'after losing one shard',
  loss,
  100,
  `${moved.length} of ${mine.size} accounts of it moved, ${wrong.length} others`,
);

const moving = (slice: Plan['slices'][number]): boolean => mine.has(slice.account);
const after = timed(() => planner.plan({ ...input, current: written(loss.result, moving), shards }));
row('again, once that is written', after, undefined, `${after.result.moves.length} moves`);
const owners = new Set(after.result.slices.map(({ owner }) => (owner === undefined ? '' : shardKey(owner))));
if (wrong.length > 0 || after.result.moves.length > 0 || owners.has(shardKey(lost))) process.exitCode = 1;
if (process.env['CHECK'] === '1' && (scratch.milliseconds > 5000 || loss.milliseconds > 100)) process.exitCode = 1;

const operatorWorld = operatorScaleOf;
console.log(
  `operator: ${operatorWorld.accounts} accounts, ${operatorWorld.instruments} instruments, ${operatorWorld.sets} sets, ` +
    `${operatorWorld.shards} shards, on the in-memory cluster`,
);
const result = await operatorScale();
const count = (requests: Readonly<Record<string, number>>): string =>
  Object.entries(requests)
    .map(([what, times]) => `${times} ${what}`)
    .join(', ') || 'none';
console.log(
  `applied to all slices written    ${result.written.toFixed(1)} s: ${result.placed} instruments on ${result.slices} slices`,
);
console.log(`requests until then              ${count(result.requests)}`);
console.log(`requests in 35 s without change  ${count(result.idle)}`);
console.log(
  `reconciles                       longest ${result.longest.toFixed(0)} ms, with nothing to do ${result.last.toFixed(0)} ms`,
);
console.log(`RSS, cluster and shards included ${(result.rss / 2 ** 20).toFixed(0)} MiB`);
if (Object.keys(result.idle).some((what) => what !== 'lease') || result.placed !== operatorWorld.instruments)
  process.exitCode = 1;
process.exit();
