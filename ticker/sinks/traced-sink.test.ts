import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { MemorySink } from './memory/memory-sink.ts';
import type { Call, SealedBatch } from './sink.ts';
import { TracedSink } from './traced-sink.ts';

const token = { epoch: 1, claim: 1 };

function batch(clock: VirtualClock, seq: number, count: number): SealedBatch {
  const time = clock.now() * 1000;
  const header = { v: 1, set: 'ns/s', slice: 'ns/a-0', shard: 'ticker-0', ...token, seq, count, time } as const;
  return { header, setUid: 'set', payload: '{}', firstReceived: time - 80_000 };
}

test('one batch with ticks of so many is a trace of what happened to it, in order', async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const clock = new VirtualClock(Date.UTC(2026, 0, 5, 4));
  const sink = new TracedSink({ sink: new MemorySink({ clock }), tracer: provider.getTracer('test'), clock, every: 2 });
  await sink.claim({ sliceUid: 'slice', epoch: 1, above: 0, setUids: ['set'] });
  const counts = [0, 3, 5, 7];
  for (const [index, count] of counts.entries()) {
    const call: Call = { sliceUid: 'slice', token, n: index + 1, batches: [batch(clock, index, count)] };
    expect(await sink.send(call)).toMatchObject({ kind: 'written' });
  }
  const spans = exporter.getFinishedSpans();
  const roots = spans.filter(({ name }) => name === 'batch');
  expect(roots.map(({ attributes }) => attributes['ticks'])).toEqual([3, 7]);
  const parts = spans.filter(({ parentSpanContext }) => parentSpanContext?.spanId === roots[0]?.spanContext().spanId);
  expect(parts.map(({ name }) => name)).toEqual(['gather', 'queue', 'deliver']);
  expect(parts[0]?.duration).toEqual([0, 80_000_000]);
});
