import { Metrics } from '../runtime/metrics/metrics.ts';
import { frameObserver } from '../ticker/metrics/shard-metrics.ts';
import { sinkMetrics } from '../ticker/metrics/sink-definitions.ts';
import { cpuPerItem } from './measure.ts';

export interface MetricsResult {
  /** CPU nanoseconds of one observation of a histogram. */
  readonly observation: number;
  /** The same for a frame and its batch of 1,000 ticks, for each tick. */
  readonly tick: number;
}

/** Observations of a call with one batch: of the call, its ticks, two stages, delivery and the exchange's delay. */
const perCall = 6;
const ticksPerBatch = 1000;
/** Full packets in a frame of 64 kB. */
const ticksPerFrame = 350;

/** What the shard's metrics cost where it observes them: once a frame and a few times a batch, never for a tick. */
export function measureMetrics(milliseconds: number): MetricsResult {
  const metrics = new Metrics();
  const frame = frameObserver(metrics, 'ticker-0');
  const stage = metrics.histogram(sinkMetrics.stage);
  let value = 0;
  const observe = (): number => {
    for (let i = 0; i < 500; i++) {
      value = (value + 0.000_013) % 0.01;
      frame(value);
      stage.observe({ shard: 'ticker-0', stage: 'deliver' }, value);
    }
    return 1000;
  };
  cpuPerItem(milliseconds / 4, observe);
  const observation = cpuPerItem(milliseconds, observe);
  return { observation, tick: observation * (1 / ticksPerFrame + perCall / ticksPerBatch) };
}
