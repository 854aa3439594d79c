import { loadavg } from 'node:os';
import { runEndToEnd } from '../end-to-end/run.ts';
import { scenarios } from '../end-to-end/scenarios.ts';

/**
 * `make bench-metrics`: what metrics cost on the hot path, by switching them off: the same shard with and without, turn by
 * turn, in CPU time for a tick. One JSON line; `QUICK=1` takes a minute.
 */
const quick = process.env['QUICK'] === '1';
const turns = quick ? 2 : 5;
const ticks = quick ? 600_000 : 3_000_000;

const [scenario] = scenarios.filter(({ name }) => name === 'quote json');
if (scenario === undefined) throw new Error('the scenario is not there any more');
/** CPU nanoseconds for a tick, of each turn. */
const measured: number[] = [];
const unmeasured: number[] = [];
for (let turn = 0; turn < turns; turn++) {
  for (const off of turn % 2 === 0 ? [true, false] : [false, true]) {
    const { ticksPerCpuSecond } = await runEndToEnd(
      { ...scenario, ...(off && { unmeasured: true as const }) },
      { warmUp: ticks / 2, ticks },
    );
    (off ? unmeasured : measured).push(1e9 / ticksPerCpuSecond);
  }
}
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
console.log(
  JSON.stringify({
    nanosecondsOfATick: measured.map(Math.round),
    withoutMetrics: unmeasured.map(Math.round),
    share: Number((median(measured) / median(unmeasured) - 1).toFixed(3)),
    load: loadavg()[0],
  }),
);
