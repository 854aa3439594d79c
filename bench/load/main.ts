import { arch, cpus, loadavg } from 'node:os';
import { type Figure, met, renderTable } from '../goals.ts';
import { withBundle } from './bundled.ts';
import { cleanFigures, streamCleanMarket } from './clean-market.ts';
import { costFigures, measureCost } from './cost.ts';
import { cleanUpAtTheEnd } from './leftovers.ts';
import { runFault, runPastBound } from './outage.ts';
import type { Outcome, Size } from './outcome.ts';
import { figuresOf, streamTable } from './report.ts';
import { runDrains, runKills, shutdownFigures } from './shutdown.ts';
import { runSteady, steady } from './steady.ts';

/**
 * `make load`: the shard under load and under failure, each part a process of its own. `QUICK=1` takes less than 50 s,
 * `ONLY=fault` runs the scenarios of that name, `COUNT=10` says how often `shutdown` drains. The last line is one JSON object with every figure and its goal; the exit
 * status is 1 where a single tick is not accounted for.
 */
const size: Size = process.env['QUICK'] === '1' ? 'quick' : 'full';
const only = process.env['ONLY'] ?? '';

const figures: Figure[] = [];
/** Those that a table of their own shows. */
const single: Figure[] = [];
const outcomes: Outcome[] = [];
const stream = (run: () => Promise<Outcome>) => async (): Promise<void> => {
  const outcome = await run();
  outcomes.push(outcome);
  figures.push(...figuresOf(outcome));
};
const table = (run: () => Promise<Figure[]>) => async (): Promise<void> => {
  const more = await run();
  single.push(...more);
  figures.push(...more);
};
const scenariosOf = (program: string): Readonly<Record<string, () => Promise<void>>> => ({
  ...Object.fromEntries(
    (Object.keys(steady) as (keyof typeof steady)[]).map((name) => [
      name,
      stream(() => runSteady(name, size, { program })),
    ]),
  ),
  fault: stream(() => runFault(size, { program })),
  bound: stream(() => runPastBound(size, { program })),
  shutdown: table(async () => shutdownFigures(await runDrains(size, { program }), await runKills(size, { program }))),
  clean: table(async () => cleanFigures(streamCleanMarket(size === 'full' ? 5_000_000 : 500_000))),
  cost: table(async () => costFigures(await measureCost(size, { program }))),
});

cleanUpAtTheEnd();
await withBundle(async (program) => {
  const scenarios = scenariosOf(program);
  const wanted = Object.keys(scenarios).filter((name) => only === '' || only.split(',').includes(name));
  if (wanted.length === 0) throw new Error(`ONLY=${only} names none of ${Object.keys(scenarios).join(', ')}`);
  for (const name of wanted) {
    console.error(`load: ${name}`);
    await scenarios[name]!();
  }
});

const machine = `${cpus().length} × ${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)}`;
console.log(`\nNode ${process.version}, ${arch()}, ${machine}\n`);
if (outcomes.length > 0) console.log(`${streamTable(outcomes)}\n`);
if (single.length > 0) console.log(`${renderTable(single)}\n`);
for (const figure of figures) {
  const { name, detail } = figure;
  if (detail !== undefined && !single.includes(figure)) console.log(`${name}: ${detail}`);
}
const unmet = figures.filter((figure) => !met(figure));
for (const { name, value, unit } of unmet) console.log(`missed: ${name} is ${value} ${unit}`);
console.log(JSON.stringify({ size, figures: figures.map((figure) => ({ ...figure, met: met(figure) })) }));
process.exitCode = unmet.some(({ checked }) => checked) ? 1 : 0;
