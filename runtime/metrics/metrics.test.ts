import { expect, test } from 'vitest';
import { LogLines, silentLogger } from '../log.ts';
import { SeededRandom } from '../random.ts';
import { Supervisor } from '../supervisor.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { type MetricDefinition, seriesOf } from './definition.ts';
import { Metrics } from './metrics.ts';
import { registerProcessMetrics, taskKind } from './process-metrics.ts';

const ticks = {
  name: 'test_ticks_total',
  type: 'counter',
  help: 'Ticks.',
  unit: 'ticks',
  labels: { shard: 'shard', result: ['good', 'bad'] },
} as const satisfies MetricDefinition;

const duration = {
  name: 'test_duration_seconds',
  type: 'histogram',
  help: 'Seconds.',
  unit: 'seconds',
  labels: { shard: 'shard' },
  buckets: [0.1, 1],
} as const satisfies MetricDefinition;

test('values are read at the scrape, and sources that share labels add up', async () => {
  const metrics = new Metrics();
  let count = 3;
  const first = metrics.pulled(ticks);
  const second = metrics.pulled(ticks);
  metrics.collect(() => first.add({ shard: 'a', result: 'good' }, count));
  const end = metrics.collect(() => second.add({ shard: 'a', result: 'good' }, 10));
  expect(await metrics.scrape()).toContain('test_ticks_total{shard="a",result="good"} 13');
  count = 4;
  expect(await metrics.scrape()).toContain('test_ticks_total{shard="a",result="good"} 14');
  end();
  const text = await metrics.scrape();
  expect(text).toContain('test_ticks_total{shard="a",result="good"} 4');
  expect(text).toContain('# HELP test_ticks_total Ticks.');
  expect(text).toContain('# TYPE test_ticks_total counter');
});

test('a series that no collector names any more is gone', async () => {
  const metrics = new Metrics();
  const pulled = metrics.pulled(ticks);
  const end = metrics.collect(() => pulled.add({ shard: 'a', result: 'bad' }, 1));
  expect(await metrics.scrape()).toContain('result="bad"');
  end();
  expect(await metrics.scrape()).not.toContain('result="bad"');
});

test('a value that no collector gives is absent, not 0', async () => {
  const metrics = new Metrics();
  const plain = metrics.pulled({ ...ticks, name: 'test_plain', type: 'gauge', labels: {} });
  expect(await metrics.scrape()).not.toMatch(/^test_plain/m);
  const end = metrics.collect(() => plain.add({}, 5));
  expect(await metrics.scrape()).toMatch(/^test_plain 5$/m);
  end();
  expect(await metrics.scrape()).not.toMatch(/^test_plain/m);
});

test('a histogram has its buckets, sum and count, and is not reset by a scrape', async () => {
  const metrics = new Metrics();
  const histogram = metrics.histogram(duration);
  histogram.observe({ shard: 'a' }, 0.05);
  await metrics.scrape();
  metrics.histogram(duration).observe({ shard: 'a' }, 0.5);
  const text = await metrics.scrape();
  expect(text).toContain('test_duration_seconds_bucket{le="0.1",shard="a"} 1');
  expect(text).toContain('test_duration_seconds_bucket{le="1",shard="a"} 2');
  expect(text).toContain('test_duration_seconds_bucket{le="+Inf",shard="a"} 2');
  expect(text).toContain('test_duration_seconds_sum{shard="a"} 0.55');
  expect(text).toContain('test_duration_seconds_count{shard="a"} 2');
});

test('scrapes that overlap are one, and a collector that throws fails them', async () => {
  const metrics = new Metrics();
  let collected = 0;
  metrics.collect(() => {
    collected++;
  });
  await Promise.all([metrics.scrape(), metrics.scrape()]);
  expect(collected).toBe(1);
  metrics.collect(() => {
    throw new Error('broken');
  });
  await expect(metrics.scrape()).rejects.toThrow('broken');
});

test('two metrics of one name are a mistake of the program', () => {
  const metrics = new Metrics();
  metrics.pulled(ticks);
  expect(() => metrics.pulled({ ...ticks })).toThrow('defined twice');
  expect(() => metrics.histogram(ticks)).toThrow('no histogram');
});

test('registries of one process know nothing of each other', async () => {
  const one = new Metrics();
  one.pulled(ticks);
  expect(await new Metrics().scrape()).not.toContain('test_ticks_total');
});

test('series are counted from labels; shards do not multiply accounts', () => {
  const fleet = { shard: 10, account: 50, market: 2, task: 30, errorCode: 8, version: 1 };
  expect(seriesOf(ticks, fleet)).toBe(20);
  expect(seriesOf(duration, fleet)).toBe(10 * 5);
  expect(seriesOf({ ...ticks, labels: { shard: 'shard', account: 'account' } }, fleet)).toBe(50);
});

test('tasks are told by kind: no object is in a label', async () => {
  expect(taskKind('slice default/a-0 0b9c: delivery')).toBe('slice: delivery');
  expect(taskKind('shard ticker-0: account default/a: login')).toBe('shard: login');
  expect(taskKind('operator/reconcile')).toBe('operator/reconcile');

  const clock = new VirtualClock();
  const options = { clock, log: silentLogger, random: new SeededRandom(1), onFatal: () => undefined };
  const supervisor = new Supervisor(options);
  const logLines = new LogLines();
  logLines.add('warn');
  const metrics = new Metrics();
  registerProcessMetrics(metrics, { version: '1.2.3', supervisor, logLines });
  for (const slice of ['default/a-0 u1', 'default/b-0 u2']) {
    supervisor.run(`slice ${slice}: delivery`, async () => {
      throw new Error('no');
    });
  }
  await clock.advance(10);
  const text = await metrics.scrape();
  expect(text).toContain('ticker_task_failures_total{task="slice: delivery"} 2');
  expect(text).toContain('ticker_tasks_running{task="slice: delivery"} 2');
  expect(text).toContain('ticker_log_lines_total{level="warn"} 1');
  expect(text).toContain('version="1.2.3"');
  expect(text).toContain('process_resident_memory_bytes');
  const stopping = supervisor.stop();
  await clock.advance(100);
  await stopping;
});
