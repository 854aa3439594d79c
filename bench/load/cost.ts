import { setTimeout as delay } from 'node:timers/promises';
import type { Figure } from '../goals.ts';
import type { Size } from './outcome.ts';
import { Rig, type RigOptions } from './rig.ts';

/** What one shard takes for a number of instruments at the same rate of ticks. */
export interface Cost {
  readonly instruments: number;
  /** Bytes. */
  readonly rss: number;
  readonly peak: number;
  readonly heap: number;
  /** CPU seconds a second. */
  readonly cpu: number;
}

/** A line through points, by least squares; `share` is the share of the variance that it explains (R²). */
export interface Line {
  readonly base: number;
  readonly slope: number;
  readonly share: number;
}

const sizes: Record<Size, readonly number[]> = {
  full: [1_000, 5_000, 20_000, 100_000],
  quick: [1_000, 5_000, 100_000],
  short: [1_000, 5_000],
};
/** Ticks a second, whatever the number of instruments. */
export const costRate = 20_000;
/** Seconds at least; every instrument ticks at least once. */
const seconds: Record<Size, number> = { full: 15, quick: 1, short: 0.5 };

const megabyte = 2 ** 20;

/** One shard process for each number of instruments, without readers. */
export async function measureCost(size: Size, options: Partial<RigOptions> = {}): Promise<Cost[]> {
  const costs: Cost[] = [];
  for (const instruments of sizes[size]) {
    const rig = await Rig.start({ plan: { instruments, mode: 'full' }, readers: false, ...options });
    try {
      await rig.startShard();
      await rig.until(({ connections }) => connections === rig.slices.length);
      const before = await rig.report();
      await rig.stream(costRate, Math.max(costRate * seconds[size], instruments));
      const after = await rig.settle();
      await delay(200);
      const { heap = Number.NaN } = await rig.report(true);
      const cpu = (after.cpu - before.cpu) / 1000 / (after.wall - before.wall);
      costs.push({ instruments, rss: after.rss, peak: after.peakRss, heap, cpu });
    } finally {
      await rig.stop();
    }
  }
  return costs;
}

export function lineThrough(points: readonly (readonly [x: number, y: number])[]): Line {
  const mean = (pick: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + pick(point), 0) / points.length;
  const [x, y] = [mean((point) => point[0]), mean((point) => point[1])];
  const spread = mean((point) => (point[0] - x) ** 2);
  const slope = mean((point) => (point[0] - x) * (point[1] - y)) / spread;
  const base = y - slope * x;
  const unexplained = mean((point) => (point[1] - base - slope * point[0]) ** 2);
  return { base, slope, share: 1 - unexplained / mean((point) => (point[1] - y) ** 2) };
}

export function costFigures(costs: readonly Cost[]): Figure[] {
  const line = lineThrough(costs.map(({ instruments, rss }) => [instruments, rss]));
  const each = costs.flatMap<Figure>(({ instruments, rss, heap, cpu }) => {
    const name = `cost: ${instruments.toLocaleString('en-US')} instruments`;
    return [
      { name: `${name}, RSS`, value: rss / megabyte, unit: 'MiB', detail: `heap ${Math.round(heap / megabyte)} MiB` },
      { name: `${name}, CPU`, value: cpu, unit: 'cores', detail: `at ${costRate.toLocaleString('en-US')} ticks/s` },
    ];
  });
  return [
    ...each,
    {
      name: 'cost: RSS for each 1,000 instruments',
      value: (line.slope * 1000) / megabyte,
      unit: 'MiB',
      goal: { kind: 'atMost', value: 1 },
    },
    { name: 'cost: RSS of the base', value: line.base / megabyte, unit: 'MiB', goal: { kind: 'atMost', value: 120 } },
    { name: 'cost: RSS is linear, R²', value: line.share, unit: '', goal: { kind: 'atLeast', value: 0.98 } },
  ];
}
