import { arch, cpus, loadavg } from 'node:os';
import { measureDecoder } from './decoder.ts';
import { type EndToEnd, runEndToEnd } from './end-to-end/run.ts';
import { paced, scenarios } from './end-to-end/scenarios.ts';
import { compact, type Figure, met, misses, noiseMargin, renderTable } from './goals.ts';
import { measureGreeks } from './greeks.ts';
import { measureMetrics } from './metrics.ts';
import { redisLimit } from './redis-limit.ts';

/**
 * `make bench`: the hot path beside its peers, in one run. `QUICK=1` takes less than 50 s; `CHECK=1` fails where a ratio
 * misses its goal. The last line is one JSON object with every figure and its goal.
 */
const quick = process.env['QUICK'] === '1';
const check = process.env['CHECK'] === '1';
/** Directory for CPU profiles of the shard, one for each end-to-end row. */
const profile = process.env['PROFILE'];
/** Only end-to-end rows whose name contains this. */
const only = process.env['ONLY'] ?? '';

const now = performance.timeOrigin + performance.now();
const figures: Figure[] = [];
const add = (...more: Figure[]): void => {
  figures.push(...more);
};

progress('decoder beside kiteconnect');
const decoders = (['full', 'quote'] as const).map((mode) => measureDecoder(mode, now, quick ? 600 : 2000));
for (const { mode, ours, kiteconnect } of decoders) {
  add({
    name: `decoder ${mode}, times kiteconnect`,
    value: kiteconnect / ours,
    unit: '×',
    detail: `${compact(ours)} ns beside ${compact(kiteconnect / 1000)} µs a packet`,
    ...(mode === 'full' && { goal: { kind: 'atLeast', value: 400 } as const, checked: true as const }),
  });
}
/** Packets a CPU second that kiteconnect's parser alone takes apart. */
const bareParser = 1e9 / decoders[0]!.kiteconnect;

progress('Greeks beside py_vollib');
const greeks = measureGreeks(quick ? 2000 : 5000, quick ? 400 : 1500);
add(
  {
    name: 'IV+Greeks, times py_vollib',
    value: greeks.pyVollib / greeks.warm,
    unit: '×',
    detail: `${compact(greeks.warm)} ns (cold ${compact(greeks.cold)} ns) beside ${compact(greeks.pyVollib / 1000)} µs`,
    goal: { kind: 'atLeast', value: 50 },
    checked: true,
  },
  {
    name: 'IV+Greeks, largest difference',
    value: greeks.maxError,
    unit: '',
    detail: `${greeks.compared} options, warm and cold`,
    goal: { kind: 'atMost', value: 1e-9 },
    checked: true,
  },
);

progress('metrics');
const metrics = measureMetrics(quick ? 300 : 1000);
add({
  name: 'metrics, an observation',
  value: metrics.observation / 1e6,
  unit: 'ms',
  detail: `${compact(metrics.observation)} ns; ${compact(metrics.tick)} ns a tick, for frame and batch together`,
  goal: { kind: 'atMost', value: 0.1 },
  checked: true,
});

const rows: EndToEnd[] = [];
for (const scenario of scenarios.filter(({ name }) => name.includes(only))) {
  progress(`end to end: ${scenario.name}`);
  const times = scenario.mode === 'full' ? 1 : 2;
  const row = await runEndToEnd(scenario, {
    // Less, and the compiler is what is measured: what runs once a batch is compiled after a thousand of them.
    warmUp: (quick ? 1_200_000 : 1_500_000) * times,
    ticks: (quick ? 400_000 : 1_500_000) * times,
    ...(profile && { shardOptions: ['--cpu-prof', `--cpu-prof-dir=${profile}`] }),
  });
  rows.push(row);
  add(...endToEnd(row));
}

if (paced.name.includes(only)) {
  progress(`end to end: ${paced.name}`);
  const { ticksPerSecond } = paced.pace!;
  // It takes the compiler longer here: there is a tenth of the calls in a second.
  const warmUp = ticksPerSecond * (quick ? 6 : 15);
  add(...timing(await runEndToEnd(paced, { warmUp, ticks: ticksPerSecond * (quick ? 3 : 15) })));
}

progress('redis-benchmark');
for (const { scenario, bytesPerTick } of rows.filter(({ scenario: { stream, latest } }) => !stream && !latest)) {
  const batches = await redisLimit(Math.round(bytesPerTick * 1000), quick ? 2000 : 10_000);
  add({
    name: `redis-benchmark PUBLISH, ${scenario.name}`,
    value: batches * 1000,
    unit: 'ticks/s',
    detail: `${Math.round(bytesPerTick)} kB a batch of 1,000, one connection, nobody subscribed`,
  });
}

console.log(
  `\nNode ${process.version}, ${arch()}, ${cpus().length} × ${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)}\n`,
);
console.log(renderTable(figures));
const missed = misses(figures);
if (missed.length > 0) {
  console.log(`\nmissed by more than ${noiseMargin * 100} %: ${missed.map(({ name }) => name).join('; ')}`);
}
console.log(JSON.stringify({ figures: figures.map((figure) => ({ ...figure, met: met(figure) })), noiseMargin }));
process.exitCode = check && missed.length > 0 ? 1 : 0;

/** Ticks a CPU second of the shard, and that as a multiple of what `kiteconnect` only parses. */
function goalsOf({ mode, format }: EndToEnd['scenario']): { speed: number; ratio: number } | undefined {
  if (mode === 'full') return format === 'arrow' ? { speed: 1_500_000, ratio: 79 } : { speed: 700_000, ratio: 37 };
  // Of quotes the better format is to reach it.
  return format === 'arrow' ? { speed: 2_500_000, ratio: 130 } : undefined;
}

function endToEnd(row: EndToEnd): Figure[] {
  const { scenario } = row;
  const { name } = scenario;
  const goals = scenario.stream || scenario.latest ? undefined : goalsOf(scenario);
  const atLeast = (value: number) => ({ kind: 'atLeast', value }) as const;
  const wall = `${compact(row.ticksPerSecond)}/s by the wall`;
  const threads = `${Math.round(row.otherThreads * 100)} % of it in other threads`;
  return [
    {
      name,
      value: row.ticksPerCpuSecond,
      unit: 'ticks/CPU s',
      detail: `${wall}, ${threads}, ${Math.round(row.bytesPerTick)} B a tick, RSS ${Math.round(row.rss / 2 ** 20)} MB, ${row.checkedBatches} batches read whole, measured after ${compact(row.sent - row.ticks)} ticks`,
      ...(goals && { goal: atLeast(goals.speed) }),
    },
    {
      name: `${name}, times kiteconnect's bare parser`,
      value: row.ticksPerCpuSecond / bareParser,
      unit: '×',
      ...(goals && { goal: atLeast(goals.ratio), checked: true as const }),
    },
    nothingLost(row),
  ];
}

function nothingLost(row: EndToEnd): Figure {
  return {
    name: `${row.scenario.name}, lost + duplicated + invalid`,
    value: row.lost + row.duplicated + row.invalid + row.faults.length,
    unit: '',
    detail: [`of ${compact(row.sent)} ticks`, ...row.faults].join('; '),
    goal: { kind: 'exactly', value: 0 },
    checked: true,
  };
}

function timing(row: EndToEnd): Figure[] {
  const { processing, delivery, scenario } = row;
  const others = ({ p50, p999 }: EndToEnd['delivery']): string => `P50 ${compact(p50)}, P99.9 ${compact(p999)} ms`;
  const atMost = (value: number) => ({ kind: 'atMost', value }) as const;
  return [
    {
      name: `${scenario.name}: work on a tick, P99`,
      value: processing.p99,
      unit: 'ms',
      detail: `${others(processing)}; ${compact(row.ticksPerSecond)} ticks/s`,
      goal: atMost(0.06),
    },
    {
      name: `${scenario.name}: frame to subscriber, P99`,
      value: delivery.p99,
      unit: 'ms',
      detail: others(delivery),
      goal: atMost(1),
    },
    nothingLost(row),
  ];
}

function progress(what: string): void {
  console.error(`bench: ${what}`);
}
