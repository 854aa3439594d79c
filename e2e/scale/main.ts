import { setTimeout as delay } from 'node:timers/promises';
import { type Counts, difference, total, writes } from '../lab/requests.ts';
import { ScaleLab, type ScaleOf } from './lab.ts';

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
const untilWritten = difference(await lab.requests(), before);
await lab.ready();
const ready = seconds();
await lab.settled();
const untilSaid = difference(await lab.requests(), before);
const memory = await lab.operatorMemory();
const calm = await lab.requests();
await delay(quiet);
const idle = difference(await lab.requests(), calm);
const wrong = writes(idle);

const rows = [
  ['kubectl apply took', await applying],
  ['every slice written after', `${written}, ${slices} of them`],
  ['every set Ready after', ready],
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
if (process.env['CHECK'] === '1' && wrong.length > 0) process.exitCode = 1;

function text(counts: Counts): string {
  return `${total(counts)}: ${counts.map(({ verb, resource, count }) => `${count} ${verb} ${resource}`).join(', ')}`;
}
