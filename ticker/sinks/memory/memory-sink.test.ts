import { expect, test } from 'vitest';
import { VirtualClock } from '../../../runtime/virtual-clock.ts';
import { batch, call } from '../batches.testing.ts';
import { tombstoneMillis } from '../limits.ts';
import { describeSink } from '../sink.contract.ts';
import type { Sink } from '../sink.ts';
import { MemorySink } from './memory-sink.ts';

describeSink('MemorySink', async () => {
  const sink = new MemorySink({ clock: new VirtualClock() });
  const reader = sink.reader();
  return { sink, reader, other: sink, close: () => reader.close() };
});

async function claimed(sink: Sink, sliceUid: string) {
  const answer = await sink.claim({ sliceUid, epoch: 1, above: 0, setUids: ['set'] });
  if (answer.kind !== 'claimed') throw new Error(answer.kind);
  return answer.token;
}

test('a tombstone is kept 7 days; then the slice starts afresh', async () => {
  const clock = new VirtualClock();
  const sink = new MemorySink({ clock });
  const token = await claimed(sink, 'slice');
  await sink.end('slice', token);
  await clock.advance(tombstoneMillis - 1);
  expect(await sink.send(call('slice', token, 1))).toEqual({ kind: 'ended' });
  await clock.advance(1);
  expect(await sink.send(call('slice', token, 1))).toEqual({ kind: 'claimFirst' });
  expect(await sink.reader().slices('set')).toEqual([]);
});

test('a stream is bounded in bytes too, and keeps the newest', async () => {
  const sink = new MemorySink({ clock: new VirtualClock(), streamBytes: 10_000 });
  const token = await claimed(sink, 'slice');
  for (let n = 1; n <= 30; n++) {
    await sink.send(call('slice', token, n, batch('set', token, n, { payload: 'x'.repeat(999) })));
  }
  expect(await sink.reader().range('slice', 'set', '0', 1000)).toHaveLength(10);
});

test('latest values are bounded: the oldest instruments go', async () => {
  const sink = new MemorySink({ clock: new VirtualClock(), latestLimit: 100 });
  const token = await claimed(sink, 'slice');
  for (let n = 1; n <= 300; n++) {
    const latest = [{ instrument: `NFO:${n}`, time: n, json: String(n) }];
    await sink.send(call('slice', token, n, batch('set', token, n, { latest })));
  }
  const kept = [...(await sink.reader().latest('set')).keys()];
  expect(kept.length).toBeLessThanOrEqual(100);
  expect(kept.length).toBeGreaterThanOrEqual(90);
  expect(kept).toContain('NFO:300');
});

test('stream ids rise though the clock steps back', async () => {
  const clock = new VirtualClock();
  const sink = new MemorySink({ clock });
  const token = await claimed(sink, 'slice');
  await sink.send(call('slice', token, 1, batch('set', token, 1)));
  clock.step(-60_000);
  await sink.send(call('slice', token, 2, batch('set', token, 2)));
  const [first, second] = await sink.reader().range('slice', 'set', '0', 10);
  expect(await sink.reader().range('slice', 'set', first!.id, 10)).toEqual([second]);
});

test('a closed sink says that it is', async () => {
  const sink = new MemorySink({ clock: new VirtualClock() });
  await sink.close();
  await expect(sink.ping()).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE', persistence: 'retryable' });
});
