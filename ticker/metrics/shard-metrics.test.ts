import { expect, test } from 'vitest';
import { Metrics } from '../../runtime/metrics/metrics.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import {
  type AccountTotals,
  accountServing,
  accountTotals,
  FormerSlices,
  formerAccounts,
} from '../shard/account-totals.ts';
import type { ShardSnapshot } from '../shard/shard.ts';
import type { SliceSnapshot } from '../shard/slice-snapshot.ts';
import { addUp } from '../shard/totals.ts';
import { frameObserver, registerShardMetrics } from './shard-metrics.ts';

/** A slice whose counts are all different, each a multiple of `unit`. */
function slice(name: string, account: string, unit = 1): SliceSnapshot {
  return {
    slice: name,
    account,
    phase: 'Streaming',
    token: { epoch: 1, claim: 1 },
    connections: 2 * unit,
    connected: true,
    sessionOpen: true,
    lost: new Map([['PROVIDER_CONNECTION_LOST', 3 * unit]]),
    refused: new Map([['PROVIDER_CONNECTION_LIMIT', 4 * unit]]),
    lastTickAt: 1000 * unit,
    subscribed: 5 * unit,
    ticking: 6 * unit,
    silent: 7 * unit,
    pipeline: {
      frames: 8 * unit,
      received: 9 * unit,
      malformedFrames: 10 * unit,
      unknown: 11 * unit,
      invalid: 12 * unit,
      unrouted: 13 * unit,
      conflated: 2 * unit,
      batched: 14 * unit,
      bars: 30 * unit,
      lateTicks: 31 * unit,
      dropped: 1 * unit,
      byRule: new Map([['depthCrossed', 15 * unit]]),
      greeksSolved: 16 * unit,
      greeksUnsolved: 17 * unit,
    },
    standby: { held: 0, spare: 34 * unit, marks: 35 * unit, warmed: 36 * unit, warmingMillis: 37_000 * unit },
    feedPause: { pauses: 40 * unit, pausedMillis: 41_000 * unit },
    outbox: {
      added: 14 * unit,
      published: 18 * unit,
      late: 19 * unit,
      dropped: 20 * unit,
      discarded: 22 * unit,
      held: 23 * unit,
      lostBySink: 24 * unit,
      batchesPublished: 25 * unit,
      takenOverWarm: 32 * unit,
      takenOverCold: 33 * unit,
      heldBatches: 26 * unit,
      heldBytes: 27 * unit,
      restored: 0,
      spooled: 0,
      spooledBatches: 0,
    },
  };
}

const session = { state: { credentials: 'Valid' }, failures: new Map([['PROVIDER_UNREACHABLE', 28]]) } as const;

function snapshotOf(slices: readonly SliceSnapshot[]): ShardSnapshot {
  return {
    shard: 'ticker-0',
    totals: addUp(slices),
    breaker: { state: 'open', opened: 40, rejected: 41 },
    spool: {
      bytes: 42,
      maxBytes: 49,
      batches: 43,
      segments: 44,
      written: 45,
      replayed: 46,
      dropped: 47,
      writeFailures: 48,
      writable: true,
    },
    slices,
    accounts: [{ account: 'default/a', totals: accountTotals(slices), serving: accountServing(slices, session) }],
    apiAnsweredAt: 500,
  };
}

test('each counter of a shard is exposed as what it is', async () => {
  const clock = new VirtualClock();
  await clock.advance(4000);
  const metrics = new Metrics();
  registerShardMetrics(metrics, { snapshot: () => snapshotOf([slice('default/a-0', 'default/a')]) }, clock);
  frameObserver(metrics, 'ticker-0')(0.00002);
  const text = await metrics.scrape();
  const by = 'shard="ticker-0",account="default/a"';
  for (const line of [
    `ticker_connections_opened_total{${by}} 2`,
    `ticker_connections_open{${by}} 1`,
    `ticker_connections_lost_total{${by},code="PROVIDER_CONNECTION_LOST"} 3`,
    `ticker_connections_refused_total{${by},code="PROVIDER_CONNECTION_LIMIT"} 4`,
    `ticker_instruments_subscribed{${by}} 5`,
    `ticker_instruments_ticking{${by}} 6`,
    `ticker_instruments_silent{${by}} 7`,
    `ticker_bars_batched_total{${by}} 30`,
    `ticker_ticks_late_for_bar_total{${by}} 31`,
    `ticker_session_open{${by}} 1`,
    `ticker_frames_received_total{${by}} 8`,
    `ticker_ticks_received_total{${by}} 9`,
    `ticker_frames_malformed_total{${by}} 10`,
    `ticker_ticks_unknown_total{${by}} 11`,
    `ticker_ticks_invalid_total{${by}} 12`,
    `ticker_ticks_unrouted_total{${by}} 13`,
    `ticker_ticks_conflated_total{${by}} 2`,
    `ticker_ticks_batched_total{${by}} 14`,
    `ticker_validation_breaches_total{${by},rule="depthCrossed"} 15`,
    `ticker_validation_breaches_total{${by},rule="depthNotSorted"} 0`,
    `ticker_greeks_total{${by},result="solved"} 16`,
    `ticker_greeks_total{${by},result="unsolved"} 17`,
    `ticker_ticks_published_total{${by}} 18`,
    `ticker_ticks_late_total{${by}} 19`,
    `ticker_ticks_spare_total{${by}} 34`,
    `ticker_moves_taken_total{${by},kind="warm"} 32`,
    `ticker_moves_taken_total{${by},kind="cold"} 33`,
    `ticker_successor_marks_total{${by}} 35`,
    `ticker_successors_warmed_total{${by}} 36`,
    `ticker_successors_warming_seconds_total{${by}} 37`,
    `ticker_slices{${by},phase="Warm"} 0`,
    `ticker_ticks_dropped_total{${by},reason="full"} 21`,
    `ticker_ticks_dropped_total{${by},reason="ended"} 22`,
    `ticker_outbox_ticks{${by}} 23`,
    `ticker_ticks_lost_by_sink_total{${by}} 24`,
    `ticker_batches_published_total{${by}} 25`,
    `ticker_outbox_batches{${by}} 26`,
    `ticker_outbox_bytes{${by}} 27`,
    `ticker_login_failures_total{${by},code="PROVIDER_UNREACHABLE"} 28`,
    `ticker_account_credentials_valid{${by}} 1`,
    `ticker_slices{${by},phase="Streaming"} 1`,
    `ticker_slices{${by},phase="Refused"} 0`,
    `ticker_last_tick_age_seconds{${by}} 3`,
    ...Object.entries({
      breaker_opened_total: 40,
      breaker_rejected_total: 41,
    }).map(([name, value]) => `ticker_sink_${name}{shard="ticker-0"} ${value}`),
    'ticker_sink_breaker_state{shard="ticker-0",state="open"} 1',
    'ticker_sink_breaker_state{shard="ticker-0",state="closed"} 0',
    ...Object.entries({
      bytes: 42,
      limit_bytes: 49,
      batches: 43,
      segments: 44,
      written_batches_total: 45,
      replayed_batches_total: 46,
      dropped_batches_total: 47,
      write_failures_total: 48,
      writable: 1,
    }).map(([name, value]) => `ticker_spool_${name}{shard="ticker-0"} ${value}`),
    'ticker_feed_pauses_total{shard="ticker-0"} 40',
    'ticker_feed_paused_seconds_total{shard="ticker-0"} 41',
    'ticker_lease_renewal_age_seconds{shard="ticker-0"} 3.5',
    'ticker_frame_processing_seconds_count{shard="ticker-0"} 1',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
});

test("an account's slices add up, and its newest tick counts", () => {
  const slices = [slice('default/a-0', 'default/a', 1), slice('default/a-1', 'default/a', 10)];
  const totals = accountTotals(slices);
  expect(totals).toMatchObject({ received: 99, frames: 88, droppedFull: 231, droppedEnded: 242, opened: 22 });
  expect(totals.droppedFull + totals.droppedEnded).toBe(totals.lost);
  expect(totals.byRule.get('depthCrossed')).toBe(165);
  expect(accountServing(slices, session)).toMatchObject({ connections: 2, lastTickAt: 10_000, heldBytes: 297 });
});

test('counters do not go back when a slice is served no longer; accounts that are long gone are forgotten', () => {
  const former = new FormerSlices();
  former.add(slice('default/a-0', 'default/a', 1));
  const totals: AccountTotals = accountTotals([slice('default/a-1', 'default/a', 1)], former.of('default/a'));
  expect(totals).toMatchObject({ received: 18, frames: 16, opened: 4, lost: 86 });
  for (let i = 0; i < formerAccounts; i++) former.add(slice('default/x-0', `default/x${i}`));
  expect(former.of('default/a')).toBeUndefined();
  expect([...former.accounts]).toHaveLength(formerAccounts);
  expect(former.totals.received).toBe(9 * (formerAccounts + 1));
});
