import { expect, test } from 'vitest';
import type { Cluster } from '../../cluster/cluster.ts';
import { conflict, unavailable } from '../../cluster/errors.ts';
import { Metrics } from '../../runtime/metrics/metrics.ts';
import { OperatorRig } from '../operator.testing.ts';
import { operatorObserver, registerOperatorMetrics } from './operator-metrics.ts';

/** The cluster, whose next applies fail with these errors. */
function failing(cluster: Cluster, errors: Error[]): Cluster {
  return {
    get: (...args) => cluster.get(...args),
    list: (...args) => cluster.list(...args),
    watch: (...args) => cluster.watch(...args),
    create: (...args) => cluster.create(...args),
    replace: (...args) => cluster.replace(...args),
    apply: async (...args) => {
      const error = errors.shift();
      if (error !== undefined) throw error;
      return cluster.apply(...args);
    },
    applyStatus: (...args) => cluster.applyStatus(...args),
    patch: (...args) => cluster.patch(...args),
    delete: (...args) => cluster.delete(...args),
  };
}

/** Value of a series, as it stands in a scrape. */
async function value(metrics: Metrics, series: string): Promise<number> {
  const line = (await metrics.scrape()).split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? Number.NaN : Number(line.slice(series.length + 1));
}

test('what the operator sees and decides is exposed: conditions, instruments, shards, catalogs, moves', async () => {
  const metrics = new Metrics();
  const rig = new OperatorRig(undefined, operatorObserver(metrics));
  registerOperatorMetrics(metrics, rig.operator, rig.clock);
  expect(await value(metrics, 'ticker_operator_slices_unowned')).toBeNaN();
  const first = rig.shard('shard-0');
  await rig.account('a', { limits: { connections: 1, instrumentsPerConnection: 2 } });
  await rig.set('equities', { instruments: ['NSE:INFY', 'NSE:TCS', 'NSE:RELIANCE'] });
  await rig.start();
  for (const [series, expected] of [
    ['ticker_operator_slices', 1],
    ['ticker_operator_slices_unowned', 0],
    ['ticker_operator_slices_double_owned', 0],
    ['ticker_operator_shards{state="ready"}', 1],
    ['ticker_operator_shards{state="suspect"}', 0],
    ['ticker_operator_accounts{condition="Ready",status="True"}', 1],
    ['ticker_operator_sets{condition="Resolved",status="True"}', 1],
    ['ticker_operator_sets{condition="Scheduled",status="False"}', 1],
    ['ticker_operator_instruments{stage="requested"}', 3],
    ['ticker_operator_instruments{stage="scheduled"}', 2],
    ['ticker_operator_instruments_unplaced{reason="NoCapacity"}', 1],
    ['ticker_operator_account_instruments{account="desk/a"}', 2],
    ['ticker_operator_account_capacity{account="desk/a"}', 2],
    ['ticker_operator_account_session_open{account="desk/a"}', 1],
    ['ticker_operator_cached_objects{kind="InstrumentSet"}', 1],
    ['ticker_operator_watch_failures_total{kind="Lease"}', 0],
    ['ticker_operator_queue_depth', 0],
    ['ticker_operator_moves_total{kind="planned",result="completed"}', 0],
  ] as const) {
    expect(await value(metrics, series), series).toBe(expected);
  }
  expect(await value(metrics, 'ticker_operator_catalog_instruments{market="kite"}')).toBeGreaterThan(100);
  expect(await value(metrics, 'ticker_operator_catalog_age_seconds{market="kite"}')).toBeLessThan(6);
  expect(await value(metrics, 'ticker_operator_plan_duration_seconds_count')).toBeGreaterThan(0);
  expect(await value(metrics, 'ticker_operator_queue_latency_seconds_count')).toBeGreaterThan(0);
  expect(await value(metrics, 'ticker_operator_triggers_total')).toBeGreaterThan(0);

  rig.shard('shard-1');
  await rig.clock.advance(2000);
  first.draining = true;
  await rig.clock.advance(5000);
  expect(await value(metrics, 'ticker_operator_shards{state="draining"}')).toBe(1);
  expect(await value(metrics, 'ticker_operator_moves_total{kind="closeFirst",result="completed"}')).toBe(1);
  await rig.stop();
});

test('writes that fail or conflict, and the reconciles that failed for it, are counted', async () => {
  const metrics = new Metrics();
  const errors: Error[] = [];
  const rig = new OperatorRig((cluster) => failing(cluster, errors), operatorObserver(metrics));
  registerOperatorMetrics(metrics, rig.operator, rig.clock);
  rig.shard('shard-0');
  await rig.account('a');
  await rig.start();
  expect(await value(metrics, 'ticker_operator_reconciles_total{result="failed"}')).toBe(0);
  errors.push(unavailable('injected'));
  await rig.set('one', { instruments: ['NSE:INFY'] });
  await rig.clock.advance(5000);
  errors.push(conflict('injected'));
  await rig.set('two', { instruments: ['NSE:TCS'] });
  await rig.clock.advance(5000);
  expect(errors).toEqual([]);
  expect(await value(metrics, 'ticker_operator_writes_total{result="failed"}')).toBe(1);
  expect(await value(metrics, 'ticker_operator_writes_total{result="conflict"}')).toBe(1);
  expect(await value(metrics, 'ticker_operator_reconciles_total{result="failed"}')).toBe(1);
  expect(await value(metrics, 'ticker_operator_reconcile_duration_seconds_count{result="failed"}')).toBe(1);
  const succeeded = await value(metrics, 'ticker_operator_reconciles_total{result="succeeded"}');
  expect(await value(metrics, 'ticker_operator_reconcile_duration_seconds_count{result="succeeded"}')).toBe(succeeded);
  await rig.stop();
});

test('a shard that is gone leaves its slices unowned while nobody can take them', async () => {
  const metrics = new Metrics();
  const rig = new OperatorRig();
  registerOperatorMetrics(metrics, rig.operator, rig.clock);
  const shard = rig.shard('shard-0');
  await rig.account('a');
  await rig.set('one', { instruments: ['NSE:INFY'] });
  await rig.start();
  expect(await value(metrics, 'ticker_operator_slices_unowned')).toBe(0);
  const stopping = shard.stop();
  await rig.clock.advance(10_000);
  await stopping;
  expect(await value(metrics, 'ticker_operator_slices_unowned')).toBeGreaterThan(0);
  expect(await value(metrics, 'ticker_operator_shards{state="suspect"}')).toBe(1);
  await rig.stop();
});
