import { expect, test } from 'vitest';
import { Latencies } from './latencies.ts';

test('percentiles are right to about 1 %, and there are none of nothing', () => {
  const latencies = new Latencies();
  expect(latencies.percentile(0.5)).toBeNaN();
  for (let micros = 1; micros <= 100_000; micros++) latencies.add(micros);
  for (const [share, milliseconds] of [
    [0.5, 50],
    [0.95, 95],
    [0.99, 99],
    [1, 100],
  ] as const) {
    expect(Math.abs(latencies.percentile(share) / milliseconds - 1)).toBeLessThan(0.015);
  }
});
