import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { allMetrics } from '../../cli/metrics-reference.ts';
import type { Scale } from '../../runtime/metrics/definition.ts';
import { SeededRandom } from '../../runtime/random.ts';

/** A day of the metrics of a large installation, as OpenMetrics text that promtool makes blocks of. */

export interface Installation {
  readonly shards: number;
  readonly accounts: number;
}

type Labels = Readonly<Record<string, string>>;
interface Series {
  readonly name: string;
  readonly labels: Labels;
  readonly counts: boolean;
  /** Of a counter a second, else the value about which it moves. */
  readonly level: number;
}
interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly series: readonly Series[];
}

const namespace = 'ticks';
const many: Readonly<Record<Exclude<Scale, 'shard' | 'account'>, number>> = {
  market: 2,
  task: 30,
  errorCode: 8,
  version: 1,
};

/** Seconds between two scrapes, as the chart has it. */
export const scrapeInterval = 15;

const target = (component: string, index: number): Labels => ({
  namespace,
  job: `ticker-${component}`,
  pod: `ticker-${component}-${index}`,
  instance: `10.0.${component.length}.${index}:9464`,
});

/** Every combination of a definition's labels in one process. */
function combinations(labels: Readonly<Record<string, readonly string[]>>): Labels[] {
  return Object.entries(labels).reduce<Labels[]>(
    (made, [label, values]) => made.flatMap((each) => values.map((value) => ({ ...each, [label]: value }))),
    [{}],
  );
}

/** What a value is about, by the unit; it only has to be alive. */
function levelOf(name: string): number {
  if (/memory_limit/.test(name)) return 1e9;
  if (/_bytes$/.test(name)) return 3e8;
  if (/lag|age|duration/.test(name)) return 0.05;
  return 20;
}

/** Families of the metrics that are named, by what exposes them. */
function families({ shards, accounts }: Installation, wanted: ReadonlySet<string>): Family[] {
  const shardNames = Array.from({ length: shards }, (_, index) => `ticker-${index}`);
  const accountsOf = (shard: number): string[] =>
    Array.from({ length: Math.ceil(accounts / shards) }, (_, index) => `desk/account-${shard}-${index}`);
  const everyAccount = shardNames.flatMap((_, index) => accountsOf(index));
  const shardTargets = shardNames.map((_, index) => target('shard', index));
  const operators = [0, 1].map((index) => target('operator', index));
  const processes = [...shardTargets, ...operators, ...[0, 1].map((index) => target('gateway', index))];

  const ofProject = allMetrics.map(({ name, type, labels, buckets = [] }): Family => {
    const here =
      'shard' in labels
        ? shardTargets
        : /_operator_/.test(name)
          ? operators
          : /_gateway_/.test(name)
            ? processes.slice(-2)
            : processes;
    const series = here.flatMap((each, index) => {
      const values = Object.entries(labels).map(([label, bound]): [string, readonly string[]] => {
        if (typeof bound !== 'string') return [label, bound];
        if (bound === 'shard') return [label, [`ticker-${index}`]];
        if (bound === 'account') return [label, 'shard' in labels ? accountsOf(index) : everyAccount];
        return [label, Array.from({ length: many[bound] }, (_, value) => `${label}-${value}`)];
      });
      return combinations(Object.fromEntries(values)).flatMap((own): Series[] => {
        const all = { ...each, ...own };
        if (type !== 'histogram') return [{ name, labels: all, counts: type === 'counter', level: levelOf(name) }];
        const cumulative = [...buckets.map(String), '+Inf'].map(
          (le, at): Series => ({
            name: `${name}_bucket`,
            labels: { ...all, le },
            counts: true,
            level: (10 * (at + 1)) / (buckets.length + 1),
          }),
        );
        const sum = { name: `${name}_sum`, labels: all, counts: true, level: 0.5 };
        return [...cumulative, { name: `${name}_count`, labels: all, counts: true, level: 10 }, sum];
      });
    });
    return { name, type, series };
  });
  const gauge = (name: string, labels: readonly Labels[], level = levelOf(name)): Family => ({
    name,
    type: 'gauge',
    series: labels.map((each) => ({ name, labels: each, counts: false, level })),
  });
  const cpu = 'process_cpu_seconds_total';
  const all: Family[] = [
    ...ofProject,
    gauge('process_resident_memory_bytes', processes),
    gauge('nodejs_eventloop_lag_p99_seconds', processes),
    {
      name: cpu,
      type: 'counter',
      series: processes.map((labels) => ({ name: cpu, labels, counts: true, level: 0.3 })),
    },
    gauge(
      'namespace_account:ticker_session_open:max',
      everyAccount.map((account) => ({ namespace, account })),
      1,
    ),
    gauge(
      'namespace_slo:ticker_budget_left:ratio_30d',
      ['freshness', 'completeness', 'latency'].map((slo) => ({ namespace, slo })),
      0.8,
    ),
    gauge('ALERTS', [{ alertname: 'TickerLeaseLate', alertstate: 'firing', severity: 'warning' }], 1),
  ];
  return all.filter(({ name }) => wanted.has(name));
}

const text = (labels: Labels): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}="${value}"`)
    .join(',');

/** Writes the day. @param from seconds since the epoch @returns how many series and samples */
export async function writeDay(
  path: string,
  installation: Installation,
  wanted: ReadonlySet<string>,
  from: number,
  to: number,
): Promise<{ readonly series: number; readonly samples: number }> {
  const file = createWriteStream(path, { highWaterMark: 1 << 22 });
  const random = new SeededRandom(1);
  let series = 0;
  let samples = 0;
  for (const { name, type, series: members } of families(installation, wanted)) {
    file.write(`# TYPE ${type === 'counter' ? name.replace(/_total$/, '') : name} ${type}\n`);
    for (const { name: own, labels, counts, level } of members) {
      series++;
      const head = `${own}{${text(labels)}} `;
      let value = counts ? 0 : level;
      let block = '';
      for (let at = from; at < to; at += scrapeInterval) {
        const constant = level === 1 || own === 'ticker_operator_leading';
        if (counts) value += level * scrapeInterval * (0.9 + 0.2 * random.next());
        else if (!constant) value = level * (0.9 + 0.2 * random.next());
        const shown =
          own === 'ticker_operator_leading' ? Number(labels['pod']?.endsWith('-0')) : Number(value.toPrecision(7));
        block += `${head}${shown} ${at}\n`;
        samples++;
      }
      if (!file.write(block)) await once(file, 'drain');
    }
  }
  file.end('# EOF\n');
  await once(file, 'finish');
  return { series, samples };
}
