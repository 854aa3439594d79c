import { spawnSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { PrometheusProcess } from '../../monitoring/prometheus-process.ts';
import { type BusyShardPlan, startBusyShard } from './busy-shard.ts';

/**
 * `make bench-cardinality`: series and scrape time of one shard that streams everything of a small and of the largest
 * installation, as a real Prometheus counts them. Each in a process of its own.
 */
const plans: readonly BusyShardPlan[] = [
  { accounts: 5, instruments: 5_000, rate: 5_000 },
  { accounts: 50, instruments: 100_000, rate: 20_000 },
];
/** Scrapes, one after the other; Prometheus makes half as many, one each two seconds. */
const scrapes = 20;

const [accounts, instruments, rate] = process.argv.slice(2).map(Number);
if (accounts === undefined || instruments === undefined || rate === undefined) {
  for (const plan of plans) {
    const program = process.argv[1] ?? '';
    const { status } = spawnSync(process.execPath, [program, ...Object.values(plan).map(String)], {
      stdio: 'inherit',
    });
    if (status !== 0) process.exitCode = 1;
  }
} else {
  await measure({ accounts, instruments, rate });
  process.exit(0);
}

async function measure(plan: BusyShardPlan): Promise<void> {
  const shard = await startBusyShard(plan);
  const until = performance.now() + 60_000;
  while (shard.ticking() < plan.instruments * 0.9 && performance.now() < until) await delay(500);
  const text = await (await fetch(`http://${shard.address}/metrics`)).text();
  const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
  const otherwise = (await cpuOf(() => delay(5000))) / 5000;
  const before = shard.received();
  const started = performance.now();
  let alone = { median: 0, longest: 0, all: 0 };
  const busy = await cpuOf(async () => {
    alone = await timedScrapes(shard.address);
  });
  const measured = await byPrometheus(shard.address);
  const ticksPerSecond = Math.round((shard.received() - before) / ((performance.now() - started) / 1000));
  const ours = text.split('\n').filter((line) => line.startsWith('ticker_')).length;
  console.log(
    JSON.stringify({
      ...plan,
      ticking: shard.ticking(),
      series,
      ours,
      kilobytes: Math.round(text.length / 1024),
      scrapeMillis: { median: alone.median, longest: alone.longest },
      // Less what the ticks of that time take.
      scrapeCpuMillis: rounded((busy - otherwise * alone.all) / scrapes),
      ticksPerSecond,
      coresOtherwise: Number(otherwise.toFixed(3)),
      prometheus: measured,
    }),
  );
  await shard.stop();
}

/** Milliseconds of this process' CPU time while something happens. */
async function cpuOf(happen: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await happen();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Milliseconds until the whole text is there: median, longest and sum. */
async function timedScrapes(address: string) {
  const times: number[] = [];
  for (let scrape = 0; scrape < scrapes; scrape++) {
    const started = performance.now();
    await (await fetch(`http://${address}/metrics`)).text();
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  const all = times.reduce((sum, time) => sum + time, 0);
  return { median: rounded(times[scrapes >> 1]), longest: rounded(times.at(-1)), all };
}

function rounded(value: number | undefined): number {
  return Number((value ?? Number.NaN).toFixed(1));
}

/** What Prometheus says of its scrapes: samples, and the median of their duration. */
async function byPrometheus(address: string) {
  await using prometheus = await PrometheusProcess.start({
    config: {
      global: { scrape_interval: '2s' },
      scrape_configs: [{ job_name: 'ticker-shard', static_configs: [{ targets: [address] }] }],
    },
  });
  await delay(scrapes * 1000);
  const [samples] = await prometheus.client.query('scrape_samples_scraped');
  const [duration] = await prometheus.client.query(`quantile_over_time(0.5, scrape_duration_seconds[${scrapes}s])`);
  return { samples: samples?.value, scrapeMillis: rounded((duration?.value ?? Number.NaN) * 1000) };
}
