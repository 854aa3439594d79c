import { expect, test } from 'vitest';
import { Metrics } from '../../runtime/metrics/metrics.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { batch, call } from '../sinks/batches.testing.ts';
import { sinkUnavailable } from '../sinks/errors.ts';
import { MemorySink } from '../sinks/memory/memory-sink.ts';
import { MeteredSink } from './metered-sink.ts';

const token = { epoch: 1, claim: 1 };

async function setUp() {
  const clock = new VirtualClock();
  const metrics = new Metrics();
  const inner = new MemorySink({ clock });
  const sink = new MeteredSink({ sink: inner, metrics, clock, shard: 'ticker-0' });
  await sink.claim({ sliceUid: 's', epoch: 1, above: 0, setUids: ['a'] });
  return { clock, metrics, inner, sink };
}

test('answers are counted as the sink gave them, and handed on', async () => {
  const { metrics, inner, sink } = await setUp();
  const first = call('s', token, 1, batch('a', token, 1));
  expect(await sink.send(first)).toEqual({ kind: 'written' });
  expect(await sink.send(first)).toEqual({ kind: 'already' });
  expect(await sink.send(call('s', token, 5, batch('a', token, 5)))).toEqual({ kind: 'gap', last: 1 });
  await inner.close();
  await expect(sink.send(call('s', token, 2))).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE' });
  const text = await metrics.scrape();
  for (const answer of ['written', 'already', 'gap', 'unavailable']) {
    expect(text).toContain(`ticker_sink_calls_total{shard="ticker-0",operation="send",answer="${answer}"} 1`);
  }
  expect(text).toContain('ticker_sink_calls_total{shard="ticker-0",operation="claim",answer="claimed"} 1');
  expect(text).toContain('ticker_sink_call_duration_seconds_count{shard="ticker-0",operation="send"} 4');
});

test('what a live batch says and how long it took is observed once it is accepted', async () => {
  const { clock, metrics, sink } = await setUp();
  const now = clock.now() * 1000;
  const times = { firstReceived: now - 150_000, exchangeDelay: 400_000 };
  const gap = { from: 1, to: 2, why: 'reconnect' } as const;
  const told = batch('a', token, 1, { header: { count: 40, time: now - 50_000, gap, overlap: true }, ...times });
  const heartbeat = batch('a', token, 1, { header: { count: 0, time: now } });
  await sink.send(call('s', token, 1, told, heartbeat));
  const text = await metrics.scrape();
  const bytes = told.payload.length + heartbeat.payload.length;
  for (const line of [
    `ticker_published_bytes_total{shard="ticker-0"} ${bytes}`,
    'ticker_heartbeats_published_total{shard="ticker-0"} 1',
    'ticker_gaps_told_total{shard="ticker-0",why="reconnect"} 1',
    'ticker_gaps_told_total{shard="ticker-0",why="spool"} 0',
    'ticker_overlaps_told_total{shard="ticker-0"} 1',
    'ticker_batch_ticks_sum{shard="ticker-0"} 40',
    'ticker_batch_ticks_count{shard="ticker-0"} 1',
    'ticker_stage_duration_seconds_sum{shard="ticker-0",stage="gather"} 0.1',
    'ticker_stage_duration_seconds_sum{shard="ticker-0",stage="deliver"} 0.05',
    'ticker_delivery_duration_seconds_sum{shard="ticker-0"} 0.15',
    'ticker_exchange_delay_seconds_sum{shard="ticker-0"} 0.4',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
});

test('nothing is observed of a batch that was refused, or that no answer came for', async () => {
  const { metrics, inner, sink } = await setUp();
  await inner.claim({ sliceUid: 's', epoch: 2, above: 0, setUids: ['a'] });
  const stale = batch('a', token, 1, { firstReceived: 1 });
  expect(await sink.send(call('s', token, 1, stale))).toMatchObject({ kind: 'refused' });
  expect(await sink.sendLate(call('s', token, 1, stale))).toEqual({ kind: 'written' });
  const text = await metrics.scrape();
  expect(text).toContain('ticker_published_bytes_total{shard="ticker-0"} 0');
  expect(text).not.toContain('ticker_delivery_duration_seconds_count');
  expect(text).toContain('operation="sendLate",answer="written"} 1');
});

test('calls reach the sink in the turn in which they come', () => {
  const clock = new VirtualClock();
  const sent: number[] = [];
  const inner = new MemorySink({ clock });
  inner.send = ({ n }) => {
    sent.push(n);
    return Promise.reject(sinkUnavailable('away'));
  };
  const sink = new MeteredSink({ sink: inner, metrics: new Metrics(), clock, shard: 'ticker-0' });
  const calls = [1, 2, 3].map((n) => sink.send(call('s', token, n)));
  expect(sent).toEqual([1, 2, 3]);
  return Promise.allSettled(calls);
});

test('a wall clock that was set back makes no negative durations', async () => {
  const { clock, metrics, sink } = await setUp();
  const ahead = clock.now() * 1000 + 5_000_000;
  await sink.send(call('s', token, 1, batch('a', token, 1, { firstReceived: ahead, header: { time: ahead } })));
  expect(await metrics.scrape()).toContain('ticker_delivery_duration_seconds_sum{shard="ticker-0"} 0\n');
});
