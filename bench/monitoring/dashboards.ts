import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { asked, dashboards, panelsOf } from '../../monitoring/dashboards/index.ts';
import { programPath } from '../../monitoring/programs.ts';
import { PrometheusProcess } from '../../monitoring/prometheus-process.ts';
import { namesIn } from '../../monitoring/promql.ts';
import { type Installation, scrapeInterval, writeDay } from './generated-day.ts';

/**
 * `make bench-dashboards`: all queries of the fleet page, as Grafana asks them, against a Prometheus with a day of a large
 * installation. Each range of time is asked three times, one query after the other, and six at once as a browser does.
 */
const installation: Installation = { shards: 10, accounts: 50 };
const day = 86_400;
/** Points that a panel of a third of a page shows. */
const points = 600;
/** Connections that a browser opens to one server. */
const atOnce = 6;
const goalSeconds = 2;
const runs = 3;

const queries = panelsOf(
  dashboards['fleet'] ?? { uid: '', title: '', description: '', variables: [], rows: [] },
).flatMap(({ kind, queries }) => queries.map(({ expr }) => ({ expr, instant: kind === 'stat' })));
const wanted = new Set(
  queries
    .flatMap(({ expr }) => namesIn(asked(expr, '1m')))
    .flatMap((name) => [name, name.replace(/_(bucket|sum|count)$/, '')]),
);
wanted.add('ALERTS');

const folder = mkdtempSync(join(tmpdir(), 'ticker-day-'));
try {
  const to = Math.floor(performance.timeOrigin / 1000 / scrapeInterval) * scrapeInterval;
  const from = to - day;
  const text = join(folder, 'day.txt');
  const storage = join(folder, 'data');
  const { series, samples } = await writeDay(text, installation, wanted, from, to);
  progress(`${series} series, ${samples} samples: making blocks of them`);
  execFileSync(
    programPath('prometheus', 'promtool'),
    ['tsdb', 'create-blocks-from', '--max-block-duration=24h', '--quiet', 'openmetrics', text, storage],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  rmSync(text);
  progress('starting Prometheus');
  await using prometheus = await PrometheusProcess.start({ config: {}, storage });
  for (const [range, seconds] of [
    ['3 h', 3 * 3600],
    ['24 h', day],
  ] as const) {
    const step = Math.max(scrapeInterval, Math.ceil(seconds / points / scrapeInterval) * scrapeInterval);
    const interval = `${Math.max(step + scrapeInterval, 4 * scrapeInterval)}s`;
    const end = to - scrapeInterval;
    let found = 0;
    const ask = async ({ expr, instant }: (typeof queries)[number]): Promise<void> => {
      const text = asked(expr, interval);
      const count = await prometheus.client.queryRange(text, instant ? end : end - seconds, end, step);
      found += count;
    };
    const alone = await timesOf(async () => {
      for (const query of queries) await ask(query);
    });
    const together = await timesOf(async () => {
      const waiting = [...queries];
      const worker = async (): Promise<void> => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await ask(next);
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
    });
    console.log(
      JSON.stringify({
        range,
        step,
        queries: queries.length,
        series: found / (2 * runs),
        oneByOneSeconds: alone,
        sixAtOnceSeconds: together,
        goalSeconds,
        load: loadavg()[0],
      }),
    );
    if (process.env['CHECK'] === '1' && Math.min(...together) > goalSeconds) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Seconds of each of some runs, the first of which reads from the disk. */
async function timesOf(run: () => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  for (let each = 0; each < runs; each++) {
    const started = performance.now();
    await run();
    times.push(Number(((performance.now() - started) / 1000).toFixed(2)));
  }
  return times;
}

function progress(what: string): void {
  console.error(`dashboards: ${what}`);
}
