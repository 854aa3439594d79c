import { arch, cpus, loadavg } from 'node:os';
import { measureDecoder } from './decoder.ts';
import { type EndToEnd, runEndToEnd } from './end-to-end/run.ts';
import { scenarios } from './end-to-end/scenarios.ts';
import { compact, type Figure, met, misses, noiseMargin, renderTable } from './goals.ts';
import { measureGreeks } from './greeks.ts';
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

const rows: EndToEnd[] = [];
for (const scenario of scenarios.filter(({ name }) => name.includes(only))) {
  progress(`end to end: ${scenario.name}`);
  // Latest values cost so much more that a quarter shows as much.
  const share = scenario.latest ? 0.25 : 1;
  const scale = (scenario.mode === 'full' ? 1 : 2) * (quick ? 1 : 5) * share;
  const row = await runEndToEnd(scenario, {
    warmUp: 200_000 * scale,
    ticks: 200_000 * scale,
    ...(profile && { shardOptions: ['--cpu-prof', `--cpu-prof-dir=${profile}`] }),
  });
  rows.push(row);
  add(...endToEnd(row));
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

function endToEnd(row: EndToEnd): Figure[] {
  const { scenario } = row;
  const plain = !scenario.stream && !scenario.latest;
  const goals = scenario.mode === 'quote' ? { speed: 2_500_000, ratio: 130 } : { speed: 700_000, ratio: 37 };
  const atLeast = (value: number) => ({ kind: 'atLeast', value }) as const;
  const { name } = scenario;
  const figures: Figure[] = [
    {
      name,
      value: row.ticksPerCpuSecond,
      unit: 'ticks/CPU s',
      detail: `${compact(row.ticksPerSecond)}/s by the wall, ${Math.round(row.bytesPerTick)} B a tick, RSS ${Math.round(row.rss / 2 ** 20)} MB, ${row.checkedBatches} batches read whole`,
      ...(plain && { goal: atLeast(goals.speed) }),
    },
    {
      name: `${name}, lost + duplicated + invalid`,
      value: row.lost + row.duplicated + row.invalid + row.faults.length,
      unit: '',
      detail: [`of ${compact(row.sent)} ticks`, ...row.faults].join('; '),
      goal: { kind: 'exactly', value: 0 },
      checked: true,
    },
  ];
  if (!plain) return figures;
  const ratio = row.ticksPerCpuSecond / bareParser;
  figures.push({
    name: `${name}, times kiteconnect's bare parser`,
    value: ratio,
    unit: '×',
    goal: atLeast(goals.ratio),
    checked: true,
  });
  return figures;
}

function progress(what: string): void {
  console.error(`bench: ${what}`);
}
