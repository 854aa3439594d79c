import { setTimeout as delay } from 'node:timers/promises';
import { type Counts, difference, total, writes } from '../lab/requests.ts';
import { type OperatorFigures, ScaleLab, type ScaleOf } from './lab.ts';

/**
 * Many accounts, sets and instruments through a real API server: how long until every slice is written, how many requests
 * that takes, how much memory the operator has then, and what is written while nothing changes. Real are kube-apiserver,
 * etcd, Redis, operator and shards; the broker is simulated, and its market is closed. There is no kubelet.
 * `CHECK=1` fails where something is written though nothing changes.
 */
const scale: ScaleOf = { accounts: 50, instruments: 100_000, sets: 200, shards: 5 };
/** Milliseconds without any change. */
const quiet = 60_000;

await using lab = await ScaleLab.start(scale);
const before = await lab.requests();
const began = performance.now();
const seconds = (): string => `${((performance.now() - began) / 1000).toFixed(1)} s`;
const applying = lab.apply().then(seconds);
const slices = await lab.placed();
const written = seconds();
const then = await lab.operator();
const untilWritten = difference(await lab.requests(), before);
await lab.ready();
const ready = seconds();
await lab.settled();
const untilSaid = difference(await lab.requests(), before);
const { memory } = await lab.operator();
const reports = await lab.reports();
const calm = await lab.requests();
await delay(quiet);
const idle = difference(await lab.requests(), calm);
const wrong = writes(idle);
const changed = [...(await lab.reports())].filter(([name, said]) => said !== reports.get(name));

const rows = [
  ['kubectl apply took', await applying],
  ['every slice written after', `${written}, ${slices} of them`],
  ['every set Ready after', ready],
  ['the operator until written', spent(then)],
  ['requests until written', text(untilWritten)],
  ['requests until all was said', text(untilSaid)],
  ['resident memory of the operator', `${Math.round(memory / 2 ** 20)} MiB`],
  [`requests of ${quiet / 1000} s without a change`, text(idle)],
  ['written though nothing changed', wrong.length === 0 ? 'nothing but leases' : text(wrong)],
];
console.log(
  `${scale.accounts} accounts, ${scale.instruments} instruments in ${scale.sets} sets, ${scale.shards} shards`,
);
for (const [what = '', figure = ''] of rows) console.log(`${what.padEnd(34)} ${figure}`);
for (const [name, said] of changed) console.log(`${name} said ${reports.get(name)}, then ${said}`);
if (process.env['CHECK'] === '1' && wrong.length > 0) process.exitCode = 1;

function spent({
  reconciles,
  reconciling,
  planning,
  writingSlices,
  writingStatuses,
  processor,
}: OperatorFigures): string {
  const [all, plans, slices, statuses, cpu] = [reconciling, planning, writingSlices, writingStatuses, processor].map(
    (each) => each.toFixed(1),
  );
  return `${reconciles} reconciles of ${all} s together: planning ${plans} s, writing slices ${slices} s and statuses ${statuses} s; ${cpu} s of processor`;
}

function text(counts: Counts): string {
  return `${total(counts)}: ${counts.map(({ verb, resource, count }) => `${count} ${verb} ${resource}`).join(', ')}`;
}
