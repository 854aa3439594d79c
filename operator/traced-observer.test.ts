import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { VirtualClock } from '../runtime/virtual-clock.ts';
import { tracedObserver } from './traced-observer.ts';
import type { OperatorObserver } from './vitals.ts';

function start() {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const clock = new VirtualClock(Date.UTC(2026, 0, 5, 4));
  const told: string[] = [];
  const next: OperatorObserver = {
    waited: () => told.push('waited'),
    planned: () => told.push('planned'),
    wrote: () => told.push('wrote'),
    handedOver: () => told.push('handedOver'),
    reconciled: () => told.push('reconciled'),
  };
  return {
    observer: tracedObserver(provider.getTracer('test'), clock, next),
    told,
    spans: () => exporter.getFinishedSpans(),
  };
}

test('a reconcile that writes is one trace, its parts below it', () => {
  const { observer, told, spans } = start();
  observer.waited(0.02);
  observer.planned(0.001);
  observer.wrote('slices', 3, 0.01);
  observer.wrote('statuses', 0, 0);
  observer.reconciled('succeeded', 0.03);
  expect(told).toEqual(['waited', 'planned', 'wrote', 'wrote', 'reconciled']);
  const root = spans().at(-1);
  expect(root?.name).toBe('reconcile');
  expect(root?.duration).toEqual([0, 30_000_000]);
  const parts = spans().slice(0, -1);
  expect(parts.map(({ name, attributes }) => [name, attributes['written']])).toEqual([
    ['wait', undefined],
    ['plan', undefined],
    ['write slices', 3],
  ]);
  expect(new Set(parts.map(({ parentSpanContext }) => parentSpanContext?.spanId))).toEqual(
    new Set([root?.spanContext().spanId]),
  );
});

test('one that finds nothing to write is none; one that fails is marked so', () => {
  const { observer, spans } = start();
  observer.planned(0.001);
  observer.reconciled('succeeded', 0.002);
  expect(spans()).toEqual([]);
  observer.reconciled('failed', 0.002);
  expect(spans().map(({ name, status }) => [name, status.code])).toEqual([['reconcile', 2]]);
});
